package data

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// The targets of the built-in label kinds.

// Category is one class of several. Its tensor is the class index, int64 without axes.
type Category struct {
	Index int
	Label string
}

// Tensor is the class index.
func (c Category) Tensor() *tensor.Tensor { return tensor.FromInt64([]int64{int64(c.Index)}) }

// String is the class name.
func (c Category) String() string { return c.Label }

// Show shows the name.
func (c Category) Show(o ...ShowOption) *plotting.Figure {
	return shownAs("Category.Show", c.Label, o)
}

// MultiCategory is any number of classes at once. Its tensor is float32 [c] of 0 and 1.
type MultiCategory struct {
	Indexes []int // ascending
	Labels  []string
	c       int
}

// Tensor has a 1 for each class that applies.
func (m MultiCategory) Tensor() *tensor.Tensor {
	t := tensor.New(tensor.Float32, m.c)
	for _, k := range m.Indexes {
		t.Float32s()[k] = 1
	}
	return t
}

// String joins the names with ";".
func (m MultiCategory) String() string { return strings.Join(m.Labels, ";") }

// Show shows the names.
func (m MultiCategory) Show(o ...ShowOption) *plotting.Figure {
	return shownAs("MultiCategory.Show", m.String(), o)
}

// Float is one or more numbers. Its tensor is float32 [n].
type Float struct{ Values []float32 }

// Tensor is the numbers.
func (f Float) Tensor() *tensor.Tensor {
	return tensor.FromFloat32(slices.Clone(f.Values), len(f.Values))
}

// String is the numbers, a blank between.
func (f Float) String() string {
	s := make([]string, len(f.Values))
	for k, v := range f.Values {
		s[k] = strconv.FormatFloat(float64(v), 'g', 6, 32)
	}
	return strings.Join(s, " ")
}

// Show shows the numbers.
func (f Float) Show(o ...ShowOption) *plotting.Figure {
	return shownAs("Float.Show", f.String(), o)
}

// EmptyLabel stands where there is no target, as in test sets. Its tensor is int64 0 without axes.
type EmptyLabel struct{}

// Tensor is 0.
func (EmptyLabel) Tensor() *tensor.Tensor { return tensor.New(tensor.Int64) }

// String is empty.
func (EmptyLabel) String() string { return "" }

// Show shows nothing.
func (EmptyLabel) Show(o ...ShowOption) *plotting.Figure {
	return shownAs("EmptyLabel.Show", "", o)
}

// classList is the state that category kinds share.
type classList struct {
	Names []string `json:"classes"`
	index map[string]int
}

func newClassList(names []string) classList {
	c := classList{Names: names, index: make(map[string]int, len(names))}
	for k, n := range names {
		c.index[n] = k
	}
	return c
}

// Classes are the class names, sorted unless they were given.
func (c classList) Classes() []string { return c.Names }

// C is the number of classes.
func (c classList) C() int { return len(c.Names) }

// State is the class names.
func (c classList) State() (json.RawMessage, error) { return json.Marshal(c) }

// sortClasses sorts names, by value if all are whole numbers (as fastai sorts integers).
func sortClasses(seen map[string]bool) []string {
	names := make([]string, 0, len(seen))
	numbers := true
	for n := range seen {
		names = append(names, n)
		_, err := strconv.Atoi(n)
		numbers = numbers && err == nil
	}
	sort.Slice(names, func(a, b int) bool {
		if numbers {
			x, _ := strconv.Atoi(names[a])
			y, _ := strconv.Atoi(names[b])
			return x < y
		}
		return names[a] < names[b]
	})
	return names
}

// CategoryKind is one class for each item; labels are strings or whole numbers. classes nil: the
// sorted labels of the training set.
func CategoryKind(classes ...string) LabelKind { return categoryKind{newClassList(classes)} }

type categoryKind struct{ classList }

func (categoryKind) Name() string { return "category" }

func (k categoryKind) Fit(raw []any) (LabelKind, error) {
	if len(k.Names) > 0 {
		return k, nil
	}
	seen := map[string]bool{}
	for _, r := range raw {
		s, err := oneLabel(r)
		if err != nil {
			return nil, err
		}
		seen[s] = true
	}
	return categoryKind{newClassList(sortClasses(seen))}, nil
}

func oneLabel(raw any) (string, error) {
	switch v := raw.(type) {
	case string:
		return v, nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return strconv.FormatBool(v), nil
	case fmt.Stringer:
		return v.String(), nil
	}
	switch raw.(type) {
	case float64, float32, []float64, []float32:
		return "", fmt.Errorf("cannot make a class of %T (try LabelAs(FloatKind()))", raw)
	}
	return "", fmt.Errorf("cannot make a class of %T (try LabelAs with a kind of label that fits)", raw)
}

func (k categoryKind) Encode(raw any) (any, error) {
	s, err := oneLabel(raw)
	if err != nil {
		return nil, err
	}
	i, ok := k.index[s]
	if !ok {
		return nil, fmt.Errorf("%q: %w", s, ErrUnknownLabel)
	}
	return i, nil
}

func (k categoryKind) Open(e any) (Item, error) {
	i := e.(int)
	return Category{i, k.Names[i]}, nil
}

func (k categoryKind) Decode(pred *tensor.Tensor, _ DecodeArgs) (Item, error) {
	if pred.Len() != len(k.Names) {
		return nil, fmt.Errorf("fastnb: decode: prediction of shape %v for %d classes", pred.Shape(), len(k.Names))
	}
	i := int(pred.Reshape(-1).ArgMax(0).Item())
	return Category{i, k.Names[i]}, nil
}

func (categoryKind) Loss() nn.Loss { return lossCategory() }

// MultiCategoryKind is any number of classes for each item; labels are lists of strings. classes nil:
// the sorted labels of the training set.
func MultiCategoryKind(classes ...string) LabelKind { return multiKind{newClassList(classes)} }

type multiKind struct{ classList }

func (multiKind) Name() string { return "multi_category" }

func (k multiKind) Fit(raw []any) (LabelKind, error) {
	if len(k.Names) > 0 {
		return k, nil
	}
	seen := map[string]bool{}
	for _, r := range raw {
		ls, err := manyLabels(r)
		if err != nil {
			return nil, err
		}
		for _, s := range ls {
			seen[s] = true
		}
	}
	return multiKind{newClassList(sortClasses(seen))}, nil
}

func manyLabels(raw any) ([]string, error) {
	switch v := raw.(type) {
	case []string:
		return v, nil
	case []int:
		s := make([]string, len(v))
		for i, x := range v {
			s[i] = strconv.Itoa(x)
		}
		return s, nil
	}
	s, err := oneLabel(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot make a list of classes of %T", raw)
	}
	return []string{s}, nil
}

// partlyKnownError is the error of an item some of whose labels are not among the classes: encoded is what is left.
type partlyKnownError struct {
	encoded any
	unknown []string
}

// Error names the labels.
func (p *partlyKnownError) Error() string {
	return fmt.Sprintf("%s: %v", quoted(p.unknown), ErrUnknownLabel)
}

// Encode says which labels are not among the classes.
func (k multiKind) Encode(raw any) (any, error) {
	ls, err := manyLabels(raw)
	if err != nil {
		return nil, err
	}
	ix, unknown := make([]int, 0, len(ls)), []string(nil)
	for _, s := range ls {
		if i, ok := k.index[s]; ok {
			ix = append(ix, i)
		} else {
			unknown = append(unknown, s)
		}
	}
	slices.Sort(ix)
	ix = slices.Compact(ix)
	if unknown != nil {
		return nil, &partlyKnownError{ix, unknown}
	}
	return ix, nil
}

func (k multiKind) Open(e any) (Item, error) { return k.item(e.([]int)), nil }

func (k multiKind) item(ix []int) MultiCategory {
	m := MultiCategory{Indexes: ix, Labels: make([]string, len(ix)), c: len(k.Names)}
	for n, i := range ix {
		m.Labels[n] = k.Names[i]
	}
	return m
}

func (k multiKind) Decode(pred *tensor.Tensor, a DecodeArgs) (Item, error) {
	if pred.Len() != len(k.Names) {
		return nil, fmt.Errorf("fastnb: decode: prediction of shape %v for %d classes", pred.Shape(), len(k.Names))
	}
	t := a.Least()
	var ix []int
	for i, p := range pred.Float().Float32s() {
		if float64(p) >= t {
			ix = append(ix, i)
		}
	}
	return k.item(ix), nil
}

func (multiKind) Loss() nn.Loss { return lossMulti() }

// FloatKind is one or more numbers for each item; labels are numbers or lists of them, the same count
// for every item. Option: LogScale (false).
func FloatKind(opts ...FloatOption) LabelKind {
	var k floatKind
	for _, o := range opts {
		o.applyFloat(&k)
	}
	return k
}

// FloatOption is an option of FloatKind.
type FloatOption interface{ applyFloat(*floatKind) }

type floatFunc func(*floatKind)

func (f floatFunc) applyFloat(k *floatKind) { f(k) }

// LogScale has the model learn the natural logarithms of the labels, which must be positive: for prices and
// the like, whose proportions matter (fastai's FloatList with log). Targets and predictions are then
// logarithms too; ExpRMSPE is a metric for them.
func LogScale(on bool) FloatOption { return floatFunc(func(k *floatKind) { k.Log = on }) }

type floatKind struct {
	N   int  `json:"n"`
	Log bool `json:"log,omitempty"`
}

func (floatKind) Name() string { return "float" }

func (k floatKind) Fit(raw []any) (LabelKind, error) {
	if len(raw) == 0 {
		return k, nil
	}
	f, err := floats(raw[0])
	k.N = len(f)
	return k, err
}

func floats(raw any) ([]float32, error) {
	switch v := raw.(type) {
	case float64:
		return []float32{float32(v)}, nil
	case float32:
		return []float32{v}, nil
	case int:
		return []float32{float32(v)}, nil
	case int64:
		return []float32{float32(v)}, nil
	case []float32:
		return v, nil
	case []float64:
		f := make([]float32, len(v))
		for i, x := range v {
			f[i] = float32(x)
		}
		return f, nil
	case string:
		x, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number", v)
		}
		return []float32{float32(x)}, nil
	}
	return nil, fmt.Errorf("cannot make numbers of %T", raw)
}

func (k floatKind) Encode(raw any) (any, error) {
	f, err := floats(raw)
	if err != nil {
		return nil, err
	}
	if len(f) != k.N {
		return nil, fmt.Errorf("%d numbers, the first item has %d", len(f), k.N)
	}
	for _, v := range f {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("the number is %v", v)
		}
	}
	if !k.Log {
		return f, nil
	}
	logs := make([]float32, len(f))
	for i, v := range f {
		if v <= 0 {
			return nil, fmt.Errorf("the number %v has no logarithm (try FloatKind() without LogScale)", v)
		}
		logs[i] = float32(math.Log(float64(v)))
	}
	return logs, nil
}

func (floatKind) Open(e any) (Item, error) { return Float{e.([]float32)}, nil }

func (k floatKind) Decode(pred *tensor.Tensor, _ DecodeArgs) (Item, error) {
	return Float{slices.Clone(pred.Float().Float32s())}, nil
}

func (floatKind) Classes() []string                 { return nil }
func (k floatKind) C() int                          { return k.N }
func (k floatKind) State() (json.RawMessage, error) { return json.Marshal(k) }
func (floatKind) Loss() nn.Loss                     { return lossFloat() }

// EmptyKind has no targets.
func EmptyKind() LabelKind { return emptyKind{} }

type emptyKind struct{}

func (emptyKind) Name() string                                    { return "empty" }
func (k emptyKind) Fit([]any) (LabelKind, error)                  { return k, nil }
func (emptyKind) Encode(any) (any, error)                         { return nil, nil }
func (emptyKind) Open(any) (Item, error)                          { return EmptyLabel{}, nil }
func (emptyKind) Decode(*tensor.Tensor, DecodeArgs) (Item, error) { return EmptyLabel{}, nil }
func (emptyKind) Classes() []string                               { return nil }
func (emptyKind) C() int                                          { return 0 }
func (emptyKind) Loss() nn.Loss                                   { return nn.Loss{} }

func init() {
	classes := func(make func(...string) LabelKind) func(json.RawMessage) (LabelKind, error) {
		return func(state json.RawMessage) (LabelKind, error) {
			var c classList
			if err := json.Unmarshal(state, &c); err != nil {
				return nil, err
			}
			return make(c.Names...), nil
		}
	}
	RegisterLabelKind("category", classes(CategoryKind))
	RegisterLabelKind("multi_category", classes(MultiCategoryKind))
	RegisterLabelKind("float", func(state json.RawMessage) (LabelKind, error) {
		var k floatKind
		err := json.Unmarshal(state, &k)
		return k, err
	})
	RegisterLabelKind("empty", func(json.RawMessage) (LabelKind, error) { return EmptyKind(), nil })
}

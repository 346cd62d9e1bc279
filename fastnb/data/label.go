package data

import (
	"encoding/csv"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fastnb/go/fastnb/internal/opt"
)

// LabelList is items with their targets.
type LabelList struct {
	*ItemList
	y []any // encoded by the label kind, one for each item
}

// LabelLists is split items with their targets, and what is to be done with them on the way into
// batches. Methods give new values.
type LabelLists struct {
	Train, Valid *LabelList
	Test         *LabelList // nil without AddTest

	kind LabelKind
	pipe pipeline
	err  error
}

// Err is the first error of the chain so far, or nil.
func (l *LabelLists) Err() error { return l.err }

// Classes are the class names in the order of the model's outputs, nil if there are none.
func (l *LabelLists) Classes() []string {
	if l.kind == nil {
		return nil
	}
	return l.kind.Classes()
}

// LabelKind is the kind of target.
func (l *LabelLists) LabelKind() LabelKind { return l.kind }

// String describes the parts.
func (l *LabelLists) String() string {
	if l.err != nil {
		return l.err.Error()
	}
	s := "Train: " + l.Train.describe(l.kind) + "\n\nValid: " + l.Valid.describe(l.kind)
	if l.Test != nil {
		s += "\n\nTest: " + l.Test.describe(EmptyKind())
	}
	return s
}

func (l *LabelList) describe(k LabelKind) string {
	var ys []string
	const first = 5
	for i := range l.y[:min(first, len(l.y))] {
		if y, err := k.Open(l.y[i]); err == nil {
			ys = append(ys, y.String())
		}
	}
	more := ""
	if len(l.y) > first {
		more = ", …"
	}
	return fmt.Sprintf("%s\nLabels (%s): %s%s", l.ItemList, k.Name(), strings.Join(ys, ", "), more)
}

// LabelOption is an option of labelling.
type LabelOption interface {
	FactoryOption
	applyLabel(*labelConfig)
}

type labelConfig struct {
	delim    string
	cols     []any
	classes  []string
	kind     LabelKind
	change   []func(LabelKind) (LabelKind, error)
	fullPath bool
	given    opt.Given
}

type labelSet struct {
	name string
	set  func(*labelConfig)
}

func (o labelSet) applyLabel(c *labelConfig) { o.set(c) }

// LabelDelim is what stands between the labels of one field, folder name, match or whatever a label is taken
// from; with it items have any number of labels.
func LabelDelim(s string) LabelOption {
	return labelSet{"LabelDelim", func(c *labelConfig) { c.delim = s }}
}

// LabelCols are the columns with labels, by name or number (default 1). Several columns without
// LabelDelim are one class each, 1 where it applies.
func LabelCols(cols ...any) LabelOption {
	return labelSet{"LabelCols", func(c *labelConfig) {
		c.cols = cols
		c.given.Note("LabelCols", "LabelFromTable")
	}}
}

// Classes are the class names in the order of the model's outputs; default the sorted labels of the
// training items. Items with another label are left out, and so are other labels of items that may have
// several; a line tells which.
func Classes(names ...string) LabelOption {
	return labelSet{"Classes", func(c *labelConfig) { c.classes = names }}
}

// LabelAs sets the kind of label, such as FloatKind() for numbers that would be taken for classes.
func LabelAs(k LabelKind) LabelOption {
	return labelSet{"LabelAs", func(c *labelConfig) { c.kind = k }}
}

// ForLabelKind changes the kind of label that is chosen: options of packages above are made with it.
func ForLabelKind(f func(LabelKind) (LabelKind, error)) LabelOption {
	return labelSet{"ForLabelKind, such as Masks,", func(c *labelConfig) { c.change = append(c.change, f) }}
}

// FullPath has LabelFromRe look at the whole path instead of the file name.
func FullPath(on bool) LabelOption {
	return labelSet{"FullPath", func(c *labelConfig) {
		c.fullPath = on
		c.given.Note("FullPath", "LabelFromRe")
	}}
}

func (s *SplitList) fail(format string, a ...any) *LabelLists {
	return &LabelLists{err: fmt.Errorf("fastnb: label: "+format, a...)}
}

// chooseKind is fastai's rule: what was asked for, then the list's own kind, then what the labels look
// like.
func (s *SplitList) chooseKind(c labelConfig, first any) LabelKind {
	switch {
	case c.kind != nil:
		return c.kind
	case s.Train.label != nil:
		return s.Train.label(c.classes)
	case c.delim != "":
		return MultiCategoryKind(c.classes...)
	}
	switch first.(type) {
	case float64, float32, []float64, []float32:
		return FloatKind()
	case []string, []int:
		return MultiCategoryKind(c.classes...)
	}
	return CategoryKind(c.classes...)
}

// labelCalls are the names of the calls, by what their errors say.
var labelCalls = map[string]string{
	"from table": "LabelFromTable", "from folder": "LabelFromFolder", "from re": "LabelFromRe", "const": "LabelConst",
	"empty": "LabelEmpty", "from lists": "LabelFromLists", "from func": "LabelFromFunc",
}

// rawLabel gives the label of item i of a list as it was found.
type rawLabel func(l *ItemList, i int) (any, error)

// label is the common part of the LabelFrom methods. name says for errors where an item's label is from.
func (s *SplitList) label(how string, c labelConfig, raw rawLabel) *LabelLists {
	if s.err != nil {
		return &LabelLists{err: s.err}
	}
	if err := c.given.Refuse("label: "+how, labelCalls[how]); err != nil {
		return &LabelLists{err: err}
	}
	var parts [2][]any
	for p, l := range []*ItemList{s.Train, s.Valid} {
		parts[p] = make([]any, l.Len())
		for i := range parts[p] {
			v, err := raw(l, i)
			if err == nil && c.delim != "" {
				v, err = splitRaw(v, c.delim)
			}
			if err != nil {
				return s.fail("%s: %s: %w", how, l.place(i), err)
			}
			parts[p][i] = v
		}
	}
	kind, err := s.chooseKind(c, parts[0][0]), error(nil)
	for _, f := range c.change {
		if kind, err = f(kind); err != nil {
			return s.fail("%s: %w", how, err)
		}
	}
	if kind, err = kind.Fit(parts[0]); err != nil {
		return s.fail("%s: %w", how, err)
	}
	if c.classes != nil && !slices.Equal(kind.Classes(), c.classes) {
		return s.fail("%s: option Classes has no effect on labels of kind %s (try LabelAs(CategoryKind(...)))", how, kind.Name())
	}
	out := &LabelLists{kind: kind}
	if out.Train, err = encode(s.Train, kind, parts[0], "training"); err != nil {
		return s.fail("%s: %w", how, err)
	}
	if out.Valid, err = encode(s.Valid, kind, parts[1], "validation"); err != nil {
		return s.fail("%s: %w", how, err)
	}
	if c.kind == nil && c.classes == nil {
		tellNumbers(how, kind, len(parts[0]))
	}
	if err := out.prepare(); err != nil {
		return s.fail("%s: %w", how, err)
	}
	return out
}

// place names an item for errors: its row of the table, or its file.
func (l *ItemList) place(i int) string {
	if _, files := l.kind.(FileKind); l.table != nil && (l.table.lines != nil || !files) {
		return l.table.place(i)
	}
	return l.refs[i]
}

func labelOptions(opts []LabelOption) labelConfig {
	var c labelConfig
	for _, o := range opts {
		o.applyLabel(&c)
	}
	return c
}

// LabelFromTable takes labels from columns of the table the list was made of. Options: LabelCols (1),
// LabelDelim, Classes, LabelAs. One column of fractions gives numbers, any other classes.
func (s *SplitList) LabelFromTable(opts ...LabelOption) *LabelLists {
	if s.err != nil {
		return &LabelLists{err: s.err}
	}
	c := labelOptions(opts)
	t := s.Train.table
	if t == nil {
		return s.fail("from table: the list was not made of a table (try LabelFromFunc or LabelFromFolder)")
	}
	if len(c.cols) == 0 {
		c.cols = []any{1}
	}
	ks := make([]int, len(c.cols))
	for i, col := range c.cols {
		var err error
		if ks[i], err = t.column(col); err != nil {
			return s.fail("from table: %w", err)
		}
	}
	switch {
	case len(ks) > 1 && c.delim != "":
		return s.label("from table", c, func(l *ItemList, i int) (any, error) {
			var all []string
			for _, k := range ks {
				ls, err := splitLabels(l.table.rows[i][k], c.delim)
				if err != nil {
					return nil, fmt.Errorf("column %q: %w", t.cols[k], err)
				}
				all = append(all, ls...)
			}
			return all, nil
		})
	case len(ks) > 1:
		return s.labelColumns(c, ks)
	}
	numbers := c.delim == "" && c.kind == nil && s.Train.label == nil && fractions(t, ks[0])
	return s.label("from table", c, func(l *ItemList, i int) (any, error) {
		v := l.table.rows[i][ks[0]]
		switch {
		case strings.TrimSpace(v) == "":
			if c.delim != "" {
				return v, nil
			}
			return nil, fmt.Errorf("column %q is empty (try DropNA of the table to leave such rows out)", t.cols[ks[0]])
		case isMissing(v) && !slices.Contains(c.classes, v):
			return nil, fmt.Errorf("column %q: %q stands for a value that is missing (try DropNA of the table to leave such rows out, or name it in Classes if it is one)", t.cols[ks[0]], v)
		case numbers:
			x, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil {
				return nil, fmt.Errorf("column %q: %q is not a number", t.cols[ks[0]], v)
			}
			return x, nil
		}
		return v, nil
	})
}

// fractions reports whether a column holds numbers that are not all whole: what a data frame would
// call a column of floats.
func fractions(t *Table, col int) bool {
	some := false
	for _, row := range t.rows {
		v := strings.TrimSpace(row[col])
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return false
		}
		if _, err := strconv.Atoi(v); err != nil {
			some = true
		}
	}
	return some
}

// splitLabels splits a field as a CSV line with that delimiter, empty labels left out.
func splitLabels(v, delim string) ([]string, error) {
	parts := strings.Split(v, delim)
	if strings.Contains(v, `"`) && len([]rune(delim)) == 1 {
		r := csv.NewReader(strings.NewReader(v))
		r.Comma, r.LazyQuotes = []rune(delim)[0], true
		rec, err := r.Read()
		if err != nil {
			return nil, fmt.Errorf("labels %q: %w", v, err)
		}
		parts = rec
	}
	out := parts[:0]
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out, nil
}

// labelColumns makes a class of each column; with LabelAs(FloatKind()) the columns are numbers.
func (s *SplitList) labelColumns(c labelConfig, ks []int) *LabelLists {
	t := s.Train.table
	if c.kind == nil {
		names := make([]string, len(ks))
		for i, k := range ks {
			names[i] = t.cols[k]
		}
		c.kind = MultiCategoryKind(names...)
	}
	_, numbers := c.kind.(floatKind)
	return s.label("from table", c, func(l *ItemList, i int) (any, error) {
		var on []string
		xs := make([]float64, len(ks))
		for n, k := range ks {
			v := strings.TrimSpace(l.table.rows[i][k])
			x, err := strconv.ParseFloat(v, 64)
			if b, berr := strconv.ParseBool(v); err != nil && berr == nil {
				x, err = 0, nil
				if b {
					x = 1
				}
			}
			if err != nil || !numbers && x != 0 && x != 1 {
				return nil, fmt.Errorf("column %q: %q (several columns are one class each: 0 or 1; try LabelDelim or LabelAs(FloatKind()))", t.cols[k], v)
			}
			if xs[n] = x; x == 1 {
				on = append(on, t.cols[k])
			}
		}
		if numbers {
			return xs, nil
		}
		return on, nil
	})
}

// LabelFromFolder labels each item with the name of the folder it lies in.
func (s *SplitList) LabelFromFolder(opts ...LabelOption) *LabelLists {
	return s.label("from folder", labelOptions(opts), func(l *ItemList, i int) (any, error) {
		return filepath.Base(filepath.Dir(l.refs[i])), nil
	})
}

// LabelFromRe labels each item with the first group of a regular expression (Go's syntax) found in its
// file name, or with FullPath(true) in its path with forward slashes.
func (s *SplitList) LabelFromRe(pattern string, opts ...LabelOption) *LabelLists {
	if s.err != nil {
		return &LabelLists{err: s.err}
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return s.fail("from re: %w", err)
	}
	if re.NumSubexp() < 1 {
		return s.fail("from re: %q has no group (try round brackets around the label)", pattern)
	}
	c := labelOptions(opts)
	return s.label("from re", c, func(l *ItemList, i int) (any, error) {
		p := filepath.ToSlash(l.refs[i])
		if !c.fullPath {
			p = filepath.Base(l.refs[i])
		}
		m := re.FindStringSubmatch(p)
		if m == nil {
			return nil, fmt.Errorf("%q does not match %q", p, pattern)
		}
		return m[1], nil
	})
}

// LabelConst gives every item the same label.
func (s *SplitList) LabelConst(v any, opts ...LabelOption) *LabelLists {
	return s.label("const", labelOptions(opts), func(*ItemList, int) (any, error) { return v, nil })
}

// LabelEmpty gives no item a target.
func (s *SplitList) LabelEmpty() *LabelLists {
	return s.label("empty", labelConfig{kind: EmptyKind()}, func(*ItemList, int) (any, error) { return nil, nil })
}

// LabelFromLists labels training and validation items with two lists, in the order of the items.
func (s *SplitList) LabelFromLists(train, valid []string, opts ...LabelOption) *LabelLists {
	if s.err != nil {
		return &LabelLists{err: s.err}
	}
	if len(train) != s.Train.Len() || len(valid) != s.Valid.Len() {
		return s.fail("from lists: %d and %d labels for %d training and %d validation items", len(train), len(valid), s.Train.Len(), s.Valid.Len())
	}
	c := labelOptions(opts)
	return s.label("from lists", c, func(l *ItemList, i int) (any, error) {
		v := valid
		if l == s.Train {
			v = train
		}
		if isMissing(v[i]) && c.delim == "" && c.kind == nil && !slices.Contains(c.classes, v[i]) {
			return nil, fmt.Errorf("the label %q stands for a value that is missing (try Classes with it if it is a class)", v[i])
		}
		return v[i], nil
	})
}

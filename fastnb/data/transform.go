package data

import (
	"errors"
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/internal/opt"
	"github.com/fastnb/go/fastnb/tensor"
)

// pipeline is what happens to opened items.
type pipeline struct {
	aug    Augmenter
	args   TransformArgs
	target *targetPipe // nil: targets go with their items
	norm   *normalizer
}

// Resize says how an item is brought to the size of Transform.
type Resize int

// The ways of resizing.
const (
	ResizeDefault Resize = iota // squish for Size(h, w), crop for Size(n)
	ResizeCrop                  // the shorter side fits, the rest is cut off
	ResizePad                   // the longer side fits, the rest is filled by the padding mode
	ResizeSquish                // both sides fit, proportions are lost
	ResizeNo                    // transforms only
)

// Padding says what lies outside a picture.
type Padding int

// The padding modes.
const (
	PadReflection Padding = iota // the picture mirrored
	PadBorder                    // its outermost pixels repeated
	PadZeros                     // black
)

// String is the method's name, as fastai has it.
func (r Resize) String() string {
	if r < ResizeDefault || r > ResizeNo {
		return fmt.Sprintf("Resize(%d)", int(r))
	}
	return [...]string{"default", "crop", "pad", "squish", "no"}[r]
}

// String is the mode's name, as fastai has it.
func (p Padding) String() string {
	if p < PadReflection || p > PadZeros {
		return fmt.Sprintf("Padding(%d)", int(p))
	}
	return [...]string{"reflection", "border", "zeros"}[p]
}

// TransformArgs are the choices of Transform, for an Augmenter.
type TransformArgs struct {
	Height    int     `json:"height"` // 0, 0: keep each item's size
	Width     int     `json:"width"`
	Method    Resize  `json:"method"` // never ResizeDefault in an Augmenter's hands
	Padding   Padding `json:"padding"`
	TfmY      bool    `json:"tfm_y"`      // targets are transformed along
	RemoveOut bool    `json:"remove_out"` // points that leave the picture are dropped
	Nearest   bool    `json:"nearest"`    // sample the nearest pixel instead of interpolating

	pair  bool
	mult  int
	asked Resize // the method before defaults were filled in
	err   error
	given opt.Given
}

// TransformOption is an option of Transform.
type TransformOption interface {
	FactoryOption
	applyTransform(*TransformArgs)
}

type transformFunc func(*TransformArgs)

func (f transformFunc) applyTransform(a *TransformArgs) { f(a) }

// ofTransform makes an option of Transform, which has no effect on items without transforms.
func ofTransform(name string, f func(*TransformArgs)) TransformOption {
	return transformFunc(func(a *TransformArgs) { a.given.Note(name, "pictures", "transforms of such items"); f(a) })
}

// Size is the size of pictures in pixels: Size(n) for squares, cut to fit (ResizeCrop), or
// Size(height, width), squeezed to fit (ResizeSquish); ResizeMethod says otherwise. SizeOf is for a size
// that was measured.
func Size(s ...int) TransformOption {
	return ofTransform("Size", func(a *TransformArgs) {
		switch len(s) {
		case 1:
			a.Height, a.Width, a.pair = s[0], s[0], false
		case 2:
			a.Height, a.Width, a.pair = s[0], s[1], true
		default:
			a.err = fmt.Errorf("Size takes one number or height and width, not %d numbers", len(s))
			return
		}
		if a.Height <= 0 || a.Width <= 0 {
			a.err = fmt.Errorf("size %dx%d is not positive", a.Height, a.Width)
			return
		}
		a.err = checkSize(a.Height, a.Width)
	})
}

// Dims are the height and width of a picture in pixels.
type Dims struct{ H, W int }

// Div is the size divided by n, rounded down.
func (d Dims) Div(n int) Dims { return Dims{d.H / n, d.W / n} }

// String is height and width, as in "[720 960]".
func (d Dims) String() string { return fmt.Sprintf("[%d %d]", d.H, d.W) }

// SizeOf is a size taken from a picture, such as mask.Size().Div(2). Pictures of other proportions are
// cut to fit (ResizeCrop), where Size(height, width) squeezes them: fastai does so for an array, which
// picture.size is there, and for a pair of numbers. ResizeMethod says otherwise.
func SizeOf(d Dims) TransformOption {
	return ofTransform("SizeOf", func(a *TransformArgs) {
		Size(d.H, d.W).applyTransform(a)
		a.pair = false
	})
}

// TfmY has targets such as masks and points transformed with their items (default false).
func TfmY(on bool) TransformOption {
	return ofTransform("TfmY", func(a *TransformArgs) { a.TfmY = on })
}

// ResizeMethod says how items are brought to the size.
func ResizeMethod(m Resize) TransformOption {
	return ofTransform("ResizeMethod", func(a *TransformArgs) { a.Method = m })
}

// PaddingMode says what lies outside a picture (default PadReflection).
func PaddingMode(p Padding) TransformOption {
	return ofTransform("PaddingMode", func(a *TransformArgs) { a.Padding = p })
}

// Mult rounds height and width to the nearest multiple of n.
func Mult(n int) TransformOption { return ofTransform("Mult", func(a *TransformArgs) { a.mult = n }) }

// RemoveOut says whether points that a transform moves out of the picture are dropped, and labels that lie
// outside from the start are an error (default true).
func RemoveOut(on bool) TransformOption {
	return ofTransform("RemoveOut", func(a *TransformArgs) { a.RemoveOut = on })
}

// NearestPixel samples the nearest pixel instead of interpolating between four (default false).
func NearestPixel(on bool) TransformOption {
	return ofTransform("NearestPixel", func(a *TransformArgs) { a.Nearest = on })
}

// NewTransformArgs gathers the options of Transform, defaults filled in.
func NewTransformArgs(opts ...TransformOption) (TransformArgs, error) {
	a := TransformArgs{RemoveOut: true}
	for _, o := range opts {
		o.applyTransform(&a)
	}
	return a, a.finish()
}

func (a *TransformArgs) finish() error {
	if a.err != nil {
		return a.err
	}
	sized := a.Height > 0
	switch {
	case !sized && a.mult != 0:
		return fmt.Errorf("option Mult has no effect without a size (try Size)")
	case !sized && a.Method != ResizeDefault:
		return fmt.Errorf("option ResizeMethod has no effect without a size (try Size)")
	case a.mult < 0:
		return fmt.Errorf("Mult(%d): must be positive", a.mult)
	case a.mult > 0:
		round := func(n int) int { return int(float64(n)/float64(a.mult)+.5) * a.mult }
		if a.Height, a.Width = round(a.Height), round(a.Width); a.Height == 0 || a.Width == 0 {
			return fmt.Errorf("the size rounds to 0 with Mult(%d)", a.mult)
		}
	}
	a.asked = a.Method
	if a.Method == ResizeDefault {
		a.Method = ResizeCrop
		if a.pair {
			a.Method = ResizeSquish
		}
	}
	return nil
}

// Transform sets what is done to items when a batch is made: aug (such as GetTransforms gives; nil for
// none) and the options Size, TfmY (false), ResizeMethod, PaddingMode (PadReflection), Mult, RemoveOut
// (true). The transforms are tried on the first training item at once, so that a mistake shows here.
//
// It gives a new value: a DataBunch made earlier of the same labels keeps its own size, where fastai's
// transform changes that one too.
func (l *LabelLists) Transform(aug Augmenter, opts ...TransformOption) *LabelLists {
	if l.err != nil {
		return l
	}
	a, err := NewTransformArgs(opts...)
	if err != nil {
		return l.fail("transform: %w", err)
	}
	if aug == nil {
		if f, ok := l.Train.kind.(Fitter); ok {
			aug = f.DefaultAugmenter()
		} else if err := a.given.Refuse("transform", "items of kind "+l.Train.kind.Name()); err != nil {
			n := *l
			n.err = err
			return &n
		}
	}
	n := *l
	n.pipe.aug, n.pipe.args, n.pipe.target = aug, a, nil
	return n.try("transform", l)
}

// try transforms the first training item, and gives l, or the error on what was before.
func (l *LabelLists) try(verb string, before *LabelLists) *LabelLists {
	if l.pipe.aug == nil && l.pipe.target == nil || l.Train.Len() == 0 {
		return l
	}
	x, err := l.Train.open(0)
	if err != nil {
		return l // a broken file is the loader's affair, which may be told to skip it
	}
	y, err := l.kind.Open(l.Train.y[0])
	if err != nil {
		return l
	}
	if _, _, err := l.pipe.apply(x, y, true, stream(0)); err != nil {
		return before.fail("%s: %s: %w", verb, l.Train.refs[0], err)
	}
	return l
}

func (l *LabelLists) fail(format string, a ...any) *LabelLists {
	n := *l
	n.err = fmt.Errorf("fastnb: "+format, a...)
	return &n
}

// AddTest adds items without targets, to be predicted. They get the validation transforms.
func (l *LabelLists) AddTest(items *ItemList) *LabelLists {
	switch {
	case l.err != nil:
		return l
	case items == nil:
		return l.fail("add test: no list given")
	case items.err != nil:
		return l.fail("add test: %w", items.err)
	case items.Len() == 0:
		return l.fail("add test: the list is empty")
	case items.kind.Name() != l.Train.kind.Name():
		return l.fail("add test: a list of %s for data of %s", items.kind.Name(), l.Train.kind.Name())
	}
	n := *l
	n.Test = &LabelList{items, make([]any, items.Len())}
	if p, ok := l.Train.kind.(Preparer); ok {
		if _, err := n.Test.prepare(p, false); err != nil {
			return l.fail("add test: %w", err)
		}
	}
	return &n
}

// AddTestFolder adds the files below Path/name as items without targets.
func (l *LabelLists) AddTestFolder(name string, opts ...FromOption) *LabelLists {
	if l.err != nil {
		return l
	}
	return l.AddTest(ListFromFolder(l.Train.kind, l.Train.Path.Join(name), opts...))
}

// Stats are what Normalize subtracts and divides by, a number for each channel. As an option of
// Normalize it says to use these.
type Stats struct {
	Mean []float32 `json:"mean"`
	Std  []float32 `json:"std"`
}

func (s Stats) applyNormalize(n *normalizer) { n.Stats = s }

// NormalizeOption is an option of Normalize: Stats, DoX or DoY.
type NormalizeOption interface{ applyNormalize(*normalizer) }

type normalizeFunc func(*normalizer)

func (f normalizeFunc) applyNormalize(n *normalizer) { f(n) }

// DoX says whether inputs are normalised (default true).
func DoX(on bool) NormalizeOption { return normalizeFunc(func(n *normalizer) { n.DoX = on }) }

// DoY says whether targets that are pictures are normalised (default false).
func DoY(on bool) NormalizeOption { return normalizeFunc(func(n *normalizer) { n.DoY = on }) }

// normalizer makes (x-mean)/std of each channel.
type normalizer struct {
	Stats
	DoX bool `json:"do_x"`
	DoY bool `json:"do_y"`
}

// Normalize has each channel of the inputs shifted and scaled by (x-mean)/std when a batch is made.
// Without Stats, those of one training batch are taken. It comes before DataBunch and only once.
func (l *LabelLists) Normalize(opts ...NormalizeOption) *LabelLists {
	if l.err != nil {
		return l
	}
	norm, err := newNormalizer(l.pipe.norm, opts)
	if err != nil {
		return l.fail("normalize: %w", err)
	}
	n := *l
	n.pipe.norm = norm
	return &n
}

// newNormalizer is what the options of Normalize say, where nothing was normalised before.
func newNormalizer(before *normalizer, opts []NormalizeOption) (*normalizer, error) {
	if before != nil {
		return nil, errors.New("the data is normalised already")
	}
	norm := normalizer{DoX: true}
	for _, o := range opts {
		o.applyNormalize(&norm)
	}
	return &norm, norm.Stats.check()
}

// check refuses statistics that nothing can be normalised by.
func (s Stats) check() error {
	if len(s.Mean) != len(s.Std) {
		return fmt.Errorf("%d means, %d standard deviations", len(s.Mean), len(s.Std))
	}
	for i, d := range s.Std {
		if !(d > 0) || math.IsInf(float64(d), 0) {
			return fmt.Errorf("standard deviation %v is not positive", d)
		}
		if m := float64(s.Mean[i]); math.IsNaN(m) || math.IsInf(m, 0) {
			return fmt.Errorf("mean %v is no number", m)
		}
	}
	return nil
}

// maxPixels is the most that an item may be sized to: as large as the largest picture that is read.
const maxPixels = 2 * 89478485

// checkSize refuses sizes that no picture can have.
func checkSize(h, w int) error {
	if h > maxPixels || w > maxPixels || h > 0 && w > maxPixels/h {
		return fmt.Errorf("size %dx%d is more than %d pixels", h, w, maxPixels)
	}
	return nil
}

// apply normalises [N, C, ...] in place.
func (n *normalizer) apply(t *tensor.Tensor) error {
	return n.channels(t, func(v []float32, mean, std float32) {
		// Multiplying by 1/std would differ from fastai in the last bit.
		for k, x := range v {
			v[k] = (x - mean) / std
		}
	})
}

// undo is the inverse of apply.
func (n *normalizer) undo(t *tensor.Tensor) error {
	return n.channels(t, func(v []float32, mean, std float32) {
		for k, x := range v {
			v[k] = x*std + mean
		}
	})
}

func (n *normalizer) channels(t *tensor.Tensor, f func(v []float32, mean, std float32)) error {
	s := t.Shape()
	if t.DType() != tensor.Float32 || len(s) < 3 {
		return fmt.Errorf("normalize: cannot normalise %s of shape %v", t.DType(), s)
	}
	if s[1] != len(n.Mean) {
		return fmt.Errorf("normalize: %d channels, statistics of %d", s[1], len(n.Mean))
	}
	v, size := t.Float32s(), tensor.Count(s[2:])
	for at, c := 0, 0; at < len(v); at, c = at+size, (c+1)%s[1] {
		f(v[at:at+size], n.Mean[c], n.Std[c])
	}
	return nil
}

// measure takes mean and standard deviation of each channel of a batch.
func measure(t *tensor.Tensor) (Stats, error) {
	s := t.Shape()
	if t.DType() != tensor.Float32 || len(s) < 3 || t.Len() == 0 {
		return Stats{}, errors.New("normalize: the inputs are not pictures")
	}
	c, size := s[1], tensor.Count(s[2:])
	st := Stats{make([]float32, c), make([]float32, c)}
	for k := range c {
		var n, sum, sq float64
		for at := k * size; at < t.Len(); at += c * size {
			for _, x := range t.Float32s()[at : at+size] {
				n, sum, sq = n+1, sum+float64(x), sq+float64(x)*float64(x)
			}
		}
		mean := sum / n
		st.Mean[k] = float32(mean)
		st.Std[k] = float32(math.Sqrt(max(sq/n-mean*mean, 1e-12) * n / max(n-1, 1)))
	}
	return st, nil
}

package vision

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/fastnb/go/fastnb/data"
)

// Transforms are two lists: for training items, drawn anew each time an item is opened, and for
// validation and test items. It is a data.Augmenter.
type Transforms struct {
	Train, Valid []Transform
}

// NewTransforms makes the pair of lists.
func NewTransforms(train, valid []Transform) *Transforms { return &Transforms{train, valid} }

const transformsName = "image transforms"

// Name is what an export calls it.
func (t *Transforms) Name() string { return transformsName }

// String is the two lists.
func (t *Transforms) String() string {
	return fmt.Sprintf("train: %v\nvalid: %v", t.Train, t.Valid)
}

// Err is what is wrong with the first transform that has wrong arguments, or nil.
func (t *Transforms) Err() error {
	for _, list := range [][]Transform{t.Train, t.Valid} {
		for _, f := range list {
			if f.err != nil {
				return f.err
			}
		}
	}
	return nil
}

// target is an item that transforms can be applied to.
type target interface {
	data.Item
	transformed(list []Drawn, a data.TransformArgs) (data.Item, error)
}

// Augment draws a list's values from rng and applies them to x and y (nil: none).
func (t *Transforms) Augment(x, y data.Item, train bool, rng *rand.Rand, a data.TransformArgs) (data.Item, data.Item, error) {
	list := t.Valid
	if train {
		list = t.Train
	}
	if len(list) == 0 && a.Height == 0 && y == nil {
		return x, y, nil
	}
	drawn, err := drawAll(withCrop(list, a), rng)
	if err != nil {
		return nil, nil, err
	}
	if y != nil {
		if y, err = applyToTarget(x, y, drawn, a); err != nil {
			return nil, nil, fmt.Errorf("target: %w", err)
		}
	}
	x, err = applyTo(x, drawn, a)
	return x, y, err
}

// AugmentTarget draws as Augment does and applies the transforms to the target y of x only.
func (t *Transforms) AugmentTarget(x, y data.Item, train bool, rng *rand.Rand, a data.TransformArgs) (data.Item, error) {
	list := t.Valid
	if train {
		list = t.Train
	}
	drawn, err := drawAll(withCrop(list, a), rng)
	if err != nil {
		return nil, err
	}
	return applyToTarget(x, y, drawn, a)
}

// applyToTarget applies to the target y of x what of the transforms is for targets.
func applyToTarget(x, y data.Item, drawn []Drawn, a data.TransformArgs) (data.Item, error) {
	y, err := settle(x, y, a)
	if err != nil {
		return nil, err
	}
	return applyTo(y, forTargets(drawn), a)
}

// settler is a target that must fit its picture, or needs its size.
type settler interface {
	onto(x *Image) (data.Item, error)
}

func settle(x, y data.Item, a data.TransformArgs) (data.Item, error) {
	s, ok := y.(settler)
	m, isImage := x.(*Image)
	if !ok || !isImage {
		return y, nil
	}
	if p, points := y.(Points); points && a.RemoveOut {
		if err := p.inside(m); err != nil {
			return nil, err
		}
	}
	return s.onto(m)
}

// withCrop adds a centred crop where the way of resizing leaves pictures of other proportions.
func withCrop(list []Transform, a data.TransformArgs) []Transform {
	if a.Height == 0 || a.Method != data.ResizeCrop && a.Method != data.ResizePad {
		return list
	}
	for _, t := range list {
		if t.spec == cropPadSpec {
			return list
		}
	}
	return append(list[:len(list):len(list)], CropPad())
}

func applyTo(x data.Item, drawn []Drawn, a data.TransformArgs) (data.Item, error) {
	t, ok := x.(target)
	if !ok {
		return nil, fmt.Errorf("%T cannot be transformed (try TfmY(false))", x)
	}
	return t.transformed(drawn, a)
}

// resizeTarget is the size pictures of h by w are brought to before they are cut or padded to that of
// Transform.
func resizeTarget(h, w int, a data.TransformArgs) (int, int) {
	if a.Height == 0 {
		return h, w
	}
	rh, rw := float64(h)/float64(a.Height), float64(w)/float64(a.Width)
	switch a.Method {
	case data.ResizeSquish:
		return a.Height, a.Width
	case data.ResizeNo:
		return h, w
	case data.ResizePad:
		rh = max(rh, rw)
	default:
		rh = min(rh, rw)
	}
	return max(1, int(math.RoundToEven(float64(h)/rh))), max(1, int(math.RoundToEven(float64(w)/rh)))
}

// run does drawn transforms on a picture or mask.
func run(px *planes, mask bool, list []Drawn, a data.TransformArgs) (*planes, error) {
	c := newCanvas(px, mask, a)
	h, w := resizeTarget(px.h, px.w, a)
	if h > maxPixels/w {
		// A crop covers its shorter side first, so a long and thin size asks for far more than it keeps.
		return nil, fmt.Errorf("a picture of %dx%d, resized to %dx%d so that size %dx%d can be cut from it, has more than %d pixels (try ResizeMethod(ResizeSquish))", px.h, px.w, h, w, a.Height, a.Width, maxPixels)
	}
	c.resize(h, w)
	for _, d := range list {
		if !d.run {
			continue
		}
		if err := c.do(d.op); err != nil {
			return nil, fmt.Errorf("%s: %w", d, err)
		}
	}
	c.flush()
	return c.px, nil
}

func (x *Image) transformed(list []Drawn, a data.TransformArgs) (data.Item, error) {
	px, err := run(x.px, false, list, a)
	if err != nil {
		return nil, err
	}
	if px == x.px {
		return x, nil
	}
	return &Image{px: px, from: x.px}, nil
}

// savedTransform is a Transform in an export.
type savedTransform struct {
	Name string  `json:"name"`
	Args []Dist  `json:"args,omitempty"`
	P    float64 `json:"p"`
	NotY bool    `json:"not_y,omitempty"`
}

type savedTransforms struct{ Train, Valid []savedTransform }

// State is both lists for an export.
func (t *Transforms) State() (json.RawMessage, error) {
	save := func(list []Transform) []savedTransform {
		out := []savedTransform{}
		for _, f := range list {
			out = append(out, savedTransform{f.spec.name, f.args, f.p, f.notY})
		}
		return out
	}
	return json.Marshal(savedTransforms{save(t.Train), save(t.Valid)})
}

// loadTransforms is the inverse of State.
func loadTransforms(state json.RawMessage) (data.Augmenter, error) {
	var s savedTransforms
	if err := json.Unmarshal(state, &s); err != nil {
		return nil, fmt.Errorf("list of transforms: %w", err)
	}
	var t Transforms
	for _, part := range []struct {
		dst *[]Transform
		src []savedTransform
	}{{&t.Train, s.Train}, {&t.Valid, s.Valid}} {
		for _, f := range part.src {
			sp := specs[f.Name]
			if sp == nil {
				return nil, fmt.Errorf("transform %q is not known here", f.Name)
			}
			if len(f.Args) != len(sp.params) {
				return nil, fmt.Errorf("transform %s has %d arguments, not %d", f.Name, len(sp.params), len(f.Args))
			}
			*part.dst = append(*part.dst, newTransform(sp, []TransformSetting{P(f.P), UseOnY(!f.NotY)}, f.Args...))
		}
	}
	return &t, t.Err()
}

func init() { data.RegisterAugmenter(transformsName, loadTransforms) }

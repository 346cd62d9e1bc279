package vision

import (
	"fmt"

	"github.com/fastnb/go/fastnb/data"
)

// ApplyTfms draws the random values of transforms once and applies them to a picture and to each of ys,
// such as its mask and its points. Options as those of data's Transform: Size, ResizeMethod, PaddingMode,
// Mult, RemoveOut. A transform that one of ys cannot follow is an error. (fastai/vision/image.py,
// apply_tfms.)
func ApplyTfms(tfms []Transform, x *Image, ys []data.Item, opts ...data.TransformOption) (*Image, []data.Item, error) {
	fail := func(err error) (*Image, []data.Item, error) {
		return nil, nil, fmt.Errorf("fastnb: apply transforms: %w", err)
	}
	a, err := data.NewTransformArgs(opts...)
	if err != nil {
		return fail(err)
	}
	if a.TfmY {
		return fail(fmt.Errorf("option TfmY has no effect on ApplyTfms, which transforms all it is given (try it with Transform)"))
	}
	drawn, err := drawAll(withCrop(tfms, a), data.ShowRand())
	if err != nil {
		return fail(err)
	}
	out := make([]data.Item, len(ys))
	for k, y := range ys {
		if out[k], err = applyToTarget(x, y, drawn, a); err != nil {
			return fail(fmt.Errorf("target %d: %w", k, err))
		}
	}
	moved, err := x.transformed(drawn, a)
	if err != nil {
		return fail(err)
	}
	return moved.(*Image), out, nil
}

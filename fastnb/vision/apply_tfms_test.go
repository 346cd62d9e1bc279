package vision

import (
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestApplyTfmsMovesAllAlike: a picture that is bright on a square, the square's mask and its middle go
// the same way through every transform that points can follow.
func TestApplyTfmsMovesAllAlike(t *testing.T) {
	const h, w = 60, 80
	f := make([]float32, 3*h*w)
	m := &Mask{px: newBytes(1, h, w)}
	clear(m.px.u)
	for y := 20; y < 34; y++ {
		for x := 30; x < 44; x++ {
			m.px.u[y*w+x] = 1
			for c := range 3 {
				f[c*h*w+y*w+x] = 1
			}
		}
	}
	x, err := ImageFromTensor(tensor.FromFloat32(f, 3, h, w))
	check(t, err)
	one := func(t Transform) []Transform { return []Transform{t} }
	for name, tfms := range map[string][]Transform{
		"rotate": one(Rotate(Fixed(20))), "zoom": one(Zoom(Fixed(1.3))), "zoom crop": ZoomCrop(Uniform(1, 1.2), true),
		"squish": one(Squish(Fixed(.8))), "flip": one(FlipLR()), "flip affine": one(FlipAffine()), "dihedral": one(DihedralAffine()),
		"warp": one(SymmetricWarp(Uniform(-.15, .15))), "perspective": one(PerspectiveWarp(Uniform(-.1, .1))),
		"tilt": one(Tilt(UniformInt(0, 3), Fixed(.2))), "skew": one(Skew(UniformInt(0, 7), Fixed(.2))),
		"pad": one(Pad(10, data.PadZeros)), "random pad": RandPad(6, h, w, data.PadReflection), "resize crop": RandResizeCrop(50, 70, 1.2, .8, 1.2),
		"all": GetTransforms().Train,
	} {
		opts := []data.TransformOption{}
		if name == "resize crop" {
			opts = append(opts, data.Size(50, 70))
		}
		y, ys, err := ApplyTfms(tfms, x, []data.Item{m, Points{{Y: 27, X: 37}}}, opts...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		my, p := ys[0].(*Mask), ys[1].(*ImagePoints)
		if my.Size() != y.Size() {
			t.Errorf("%s: the picture is %v, its mask %v", name, y.Size(), my.Size())
		}
		in := p.In(y.Size())
		if len(in) == 0 {
			continue // it left the picture
		}
		r, c := min(int(in[0].Y), y.Height()-1), min(int(in[0].X), y.Width()-1)
		v := y.Tensor().Float32s()[r*y.Width()+c]
		if k := my.Tensor().Int64s()[r*y.Width()+c]; k != 1 || v < .6 {
			t.Errorf("%s: at the point %v the picture is %v, the class %d", name, in, v, k)
		}
	}
	if _, _, err := ApplyTfms([]Transform{Jitter(Fixed(.1))}, x, []data.Item{Points{{1, 1}}}); err == nil || !strings.Contains(err.Error(), "points cannot be moved by it") {
		t.Errorf("jitter of points: %v", err)
	}
	if _, _, err := ApplyTfms([]Transform{Rotate(Uniform(3, 1))}, x, nil); err == nil || !strings.Contains(err.Error(), "upper end") {
		t.Errorf("bad values: %v", err)
	}
	if _, _, err := ApplyTfms(nil, x, []data.Item{&Mask{px: newBytes(1, 5, 5)}}); err == nil || !strings.Contains(err.Error(), "the mask is 5x5, its picture 60x80") {
		t.Errorf("a mask of another size: %v", err)
	}
}

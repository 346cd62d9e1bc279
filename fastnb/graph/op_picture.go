package graph

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Feed is a leaf for a user's array, in the layout that device.LayoutOf gives it. Pictures [N, C, H, W],
// bytes or float32, go up as they are and are turned, and normalised, on the device: the plan's first step.
// Bytes stand for v/255.
func (b *Builder) Feed(name string, s device.Spec, norm device.Normalize) *Node {
	x := b.Input(name, s.DType, s.Shape...)
	if device.LayoutOf(s) != device.Picture || b.err != nil {
		return x
	}
	if c := s.Shape[1]; norm.Std != nil && (len(norm.Std) != c || len(norm.Mean) != c) {
		return b.Failf("normalising %s: %d channels, statistics of %d", name, c, len(norm.Mean))
	}
	return b.apply(op{
		name: "picture", attrs: norm, shape: device.Picture.Device(s.Shape), layout: device.Picture, host: hostPicture(norm),
	}, x)
}

// Target is an input with targets: as a user has them, or classes that came as bytes, which are class numbers like
// others from here on.
func (b *Builder) Target(name string, s device.Spec) *Node {
	if s.DType != tensor.Uint8 {
		return b.Feed(name, s, device.Normalize{})
	}
	y := b.Input(name, s.DType, s.Shape...)
	if b.err != nil {
		return y
	}
	return b.apply(op{name: "cast", shape: s.Shape, dtype: tensor.Int64, host: func(out, in []*tensor.Tensor) error {
		for i, v := range in[0].Uint8s() {
			out[0].Int64s()[i] = int64(v)
		}
		return nil
	}}, y)
}

func hostPicture(a device.Normalize) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		s, x := in[0].Shape(), in[0].Float()
		bytes := in[0].DType() == tensor.Uint8
		for i, v := range device.Picture.ToDevice(x).Float32s() {
			if bytes {
				v /= 255
			}
			out[0].Float32s()[i] = a.At(i%s[1], v)
		}
		return nil
	}
}

package cpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	kernels["picture"] = attrsKernel(picture)
	kernels["cast"] = func(*device.Step, *device.Plan) (kernel, error) { return cast, nil }
}

// picture turns [N, C, H, W] to [N, H, W, C] and normalises on the way. Bytes go through a table for each
// channel, which has the numbers that the division would give.
func picture(a device.Normalize, c *call) error {
	s := c.in[0].shape
	ch, h, w := s[1], s[2], s[3]
	var table [][256]float32
	if c.in[0].u != nil {
		table = make([][256]float32, ch)
		for k := range table {
			for v := range table[k] {
				table[k][v] = a.At(k, float32(v)/255)
			}
		}
	}
	x, bytes, out := c.in[0].f, c.in[0].u, c.out[0].f
	c.dev.team.ranges(s[0]*h, 1, 4*w*ch, func(_, from, to int) {
		for r := from; r < to; r++ {
			n, y := r/h, r%h
			dst := out[r*w*ch : (r+1)*w*ch]
			for k := range ch {
				at := ((n*ch+k)*h + y) * w
				switch {
				case table != nil:
					t := &table[k]
					for i, v := range bytes[at : at+w] {
						dst[i*ch+k] = t[v]
					}
				case a.Std == nil:
					for i, v := range x[at : at+w] {
						dst[i*ch+k] = v
					}
				default:
					mean, std := a.Mean[k], a.Std[k]
					for i, v := range x[at : at+w] {
						dst[i*ch+k] = (v - mean) / std
					}
				}
			}
		}
	})
	return nil
}

// cast changes the kind of numbers: to float32 or from it, and bytes to whole numbers.
func cast(c *call) error {
	x, y := c.in[0], c.out[0]
	switch {
	case y.f != nil && x.h != nil:
		c.dev.team.ranges(len(y.f), 16, 4, func(_, i, j int) {
			copy(y.f[i:j], tensor.FromBits(x.dtype, x.h[i:j], j-i).Float().Float32s())
		})
	case y.h != nil && x.f != nil:
		c.dev.team.ranges(len(y.h), 16, 4, func(_, i, j int) {
			copy(y.h[i:j], tensor.FromFloat32(x.f[i:j], j-i).To(y.dtype).Bits())
		})
	case y.f != nil && x.u != nil:
		c.dev.team.ranges(len(y.f), 16, 1, func(_, i, j int) {
			for k := i; k < j; k++ {
				y.f[k] = float32(x.u[k])
			}
		})
	case y.i != nil && x.u != nil:
		c.dev.team.ranges(len(y.i), 16, 1, func(_, i, j int) {
			for k, v := range x.u[i:j] {
				y.i[i+k] = int64(v)
			}
		})
	case y.f != nil && x.i != nil:
		for k, v := range x.i {
			y.f[k] = float32(v)
		}
	default:
		copy(y.f, x.f)
	}
	return nil
}

package graph

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Activity is the regularisation of an encoder's outputs y [T, N, H]: alpha times the mean of y² plus
// beta times the mean of (y[t+1]-y[t])², the latter left out for a batch of one row.
func (b *Builder) Activity(y *Node, alpha, beta float32) *Node {
	if !b.want("activity", y, 3) {
		return b.Fail(b.err)
	}
	a := device.Activity{Alpha: alpha, Beta: beta}
	layer := b.layer()
	return b.apply(op{
		name: "activity", attrs: a, shape: []int{}, wrt: allTrue(1), host: hostActivity(a),
		diff: func(in gorgonia.Nodes, _, dl *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "activity_dx", attrs: a, shape: in[0].Shape(), host: hostActivityDX(a)}, in[0], dl)}, g.err
		},
	}, y)
}

// temporal is the number of differences between steps, 0 where they do not count.
func temporal(s []int) int {
	if s[1] < 2 {
		return 0
	}
	return (s[0] - 1) * s[1] * s[2]
}

func hostActivity(a device.Activity) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		y, s := in[0].Float32s(), in[0].Shape()
		row, n := s[1]*s[2], temporal(s)
		var ar, tar float64
		for i, v := range y {
			ar += float64(v) * float64(v)
			if i >= row && n > 0 {
				d := float64(v) - float64(y[i-row])
				tar += d * d
			}
		}
		out[0].Float32s()[0] = float32(float64(a.Alpha)*ar/float64(len(y)) + float64(a.Beta)*tar/float64(max(n, 1)))
		return nil
	}
}

func hostActivityDX(a device.Activity) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		y, s, dl := in[0].Float32s(), in[0].Shape(), float64(in[1].Float32s()[0])
		row, n := s[1]*s[2], temporal(s)
		fa, ft := 2*float64(a.Alpha)/float64(len(y))*dl, 2*float64(a.Beta)/float64(max(n, 1))*dl
		for i, v := range y {
			d := fa * float64(v)
			if n > 0 && i >= row {
				d += ft * (float64(v) - float64(y[i-row]))
			}
			if n > 0 && i+row < len(y) {
				d += ft * (float64(v) - float64(y[i+row]))
			}
			out[0].Float32s()[i] = float32(d)
		}
		return nil
	}
}

// MaskedPool pools y [T, N, E], the outputs for words from on of ids int64 [N, all], to [N, 3E]: the last
// step, the maxima and the means over steps whose word is not pad.
func (b *Builder) MaskedPool(y, ids *Node, from, pad int) *Node {
	if !b.want("masked pooling", y, 3) || !b.want("masked pooling", ids, 2) {
		return b.Fail(b.err)
	}
	s := y.Shape()
	if ids.Shape()[0] != s[1] || ids.Shape()[1] != from+s[0] {
		return b.Failf("masked pooling: outputs %v for words from %d on of %v", s, from, ids.Shape())
	}
	a := device.MaskedPool{From: from, Pad: pad}
	layer := b.layer()
	return b.apply(op{
		name: "masked_pool", attrs: a, shape: []int{s[1], 3 * s[2]}, wrt: []bool{true, false}, host: hostMaskedPool(a),
		diff: func(in gorgonia.Nodes, _, d *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "masked_pool_dx", attrs: a, shape: in[0].Shape(), host: hostMaskedPoolDX(a)}, d, in[0], in[1]), nil}, g.err
		},
	}, y, ids)
}

// eachFeature calls f with the steps that count in a row, which are the same for each of its features,
// and the feature's places: of y's first step, and of the first of the three pooled values.
func eachFeature(a device.MaskedPool, y, ids *tensor.Tensor, f func(steps []int, y0, out int)) {
	s, all := y.Shape(), ids.Shape()[1]
	for n := range s[1] {
		var steps []int
		for t := range s[0] {
			if int(ids.Int64s()[n*all+a.From+t]) != a.Pad {
				steps = append(steps, t)
			}
		}
		for e := range s[2] {
			f(steps, n*s[2]+e, n*3*s[2]+e)
		}
	}
}

func hostMaskedPool(a device.MaskedPool) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		s, y, o := in[0].Shape(), in[0].Float32s(), out[0].Float32s()
		row := s[1] * s[2]
		eachFeature(a, in[0], in[1], func(steps []int, y0, at int) {
			top, sum := math.Inf(-1), 0.0
			for _, t := range steps {
				v := float64(y[t*row+y0])
				top, sum = max(top, v), sum+v
			}
			if len(steps) == 0 { // a row of nothing but padding
				top = 0
			}
			o[at], o[at+s[2]], o[at+2*s[2]] = y[(s[0]-1)*row+y0], float32(top), float32(sum/float64(max(len(steps), 1)))
		})
		return nil
	}
}

func hostMaskedPoolDX(a device.MaskedPool) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		s, d, y, dx := in[1].Shape(), in[0].Float32s(), in[1].Float32s(), out[0].Float32s()
		row := s[1] * s[2]
		clear(dx)
		eachFeature(a, in[1], in[2], func(steps []int, y0, at int) {
			best := -1
			for _, t := range steps {
				if best < 0 || y[t*row+y0] > y[best*row+y0] {
					best = t
				}
				dx[t*row+y0] += d[at+2*s[2]] / float32(len(steps))
			}
			if best >= 0 {
				dx[best*row+y0] += d[at+s[2]]
			}
			dx[(s[0]-1)*row+y0] += d[at]
		})
		return nil
	}
}

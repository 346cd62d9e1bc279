package graph

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// SpectralNorm divides a weight [O, ...] by its largest singular value, which u [O] and v [the rest]
// approach by a step of the power method in each training forward (Miyato et al. 2018). v is in
// PyTorch's order, channels before the kernel's rows and columns.
func (b *Builder) SpectralNorm(w, u, v *Node) *Node {
	if b.err != nil || w == nil || u == nil || v == nil {
		return b.Failf("spectral norm: an input is missing")
	}
	s := b.Shape(w)
	o, k := s[0], w.Shape().TotalSize()/s[0]
	if u.Shape().TotalSize() != o || v.Shape().TotalSize() != k {
		return b.Failf("spectral norm: weight %v with vectors %v and %v", s, u.Shape(), v.Shape())
	}
	as := b.Layout(w)
	name, host := "spectral_keep", hostSpectralKeep
	if b.train {
		name, host = "spectral_iterate", hostSpectralIterate(as)
	}
	uv := b.apply(op{name: name, shape: []int{o + k}, host: host, full: true}, w, u, v)
	layer := b.layer()
	y := b.apply(op{
		name: "spectral_norm", shape: s, wrt: []bool{true, false}, host: hostSpectralNorm(as),
		diff: func(in gorgonia.Nodes, _, dy *Node) (gorgonia.Nodes, error) {
			g := &grads{layer: layer}
			return gorgonia.Nodes{g.call(op{name: "spectral_norm_dx", shape: s, host: hostSpectralNormDX(as)}, dy, in[0], in[1]), nil}, g.err
		},
	}, w, uv)
	if b.err == nil && b.train {
		b.updates = append(b.updates, update{targets: []*Node{u, v}, source: uv, op: "spectral_update", host: hostSpectralUpdate, layer: layer})
	}
	return y
}

// matrixOf views a weight on the device as PyTorch's matrix [O, K]: at gives its element's place.
func matrixOf(w *tensor.Tensor, as device.Layout) (o, k int, at func(i, j int) int) {
	s := w.Shape()
	o, k = s[0], w.Len()/s[0]
	if as != device.Picture {
		return o, k, func(i, j int) int { return i*k + j }
	}
	pixels, c := s[1]*s[2], s[3]
	return o, k, func(i, j int) int { return i*k + j%pixels*c + j/pixels }
}

func hostSpectralKeep(out, in []*tensor.Tensor) error {
	d := out[0].Float32s()
	copy(d[copy(d, in[1].Float32s()):], in[2].Float32s())
	return nil
}

func hostSpectralIterate(as device.Layout) device.HostFunc {
	return func(out, in []*tensor.Tensor) error { return spectralIterate(out, in, as) }
}

func spectralIterate(out, in []*tensor.Tensor, as device.Layout) error {
	o, k, at := matrixOf(in[0], as)
	w, u := in[0].Float32s(), in[1].Float32s()
	nu, nv := make([]float64, o), make([]float64, k)
	for i := range o {
		for j := range k {
			nv[j] += float64(w[at(i, j)]) * float64(u[i])
		}
	}
	normalize(nv)
	for i := range o {
		for j := range k {
			nu[i] += float64(w[at(i, j)]) * nv[j]
		}
	}
	normalize(nu)
	return round(out[0], append(nu, nv...))
}

// spectralEps keeps a vector of zeros finite (PyTorch: 1e-12).
const spectralEps = 1e-12

func normalize(x []float64) {
	var s float64
	for _, v := range x {
		s += v * v
	}
	n := max(math.Sqrt(s), spectralEps)
	for i := range x {
		x[i] /= n
	}
}

func sigma(w, uv *tensor.Tensor, as device.Layout) float64 {
	o, k, at := matrixOf(w, as)
	f, x := w.Float32s(), uv.Float32s()
	var s float64
	for i := range o {
		for j := range k {
			s += float64(x[i]) * float64(f[at(i, j)]) * float64(x[o+j])
		}
	}
	return s
}

func hostSpectralNorm(as device.Layout) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		s := sigma(in[0], in[1], as)
		for i, v := range in[0].Float32s() {
			out[0].Float32s()[i] = float32(float64(v) / s)
		}
		return nil
	}
}

func hostSpectralNormDX(as device.Layout) device.HostFunc {
	return func(out, in []*tensor.Tensor) error { return spectralNormDX(out, in, as) }
}

func spectralNormDX(out, in []*tensor.Tensor, as device.Layout) error {
	dy, w, uv := in[0].Float32s(), in[1].Float32s(), in[2].Float32s()
	s := sigma(in[1], in[2], as)
	var dot float64
	for i, d := range dy {
		dot += float64(d) * float64(w[i])
	}
	o, k, at := matrixOf(in[1], as)
	for i := range o {
		for j := range k {
			p := at(i, j)
			out[0].Float32s()[p] = float32(float64(dy[p])/s - dot/(s*s)*float64(uv[i])*float64(uv[o+j]))
		}
	}
	return nil
}

func hostSpectralUpdate(out, in []*tensor.Tensor) error {
	x := in[2].Float32s()
	copy(out[0].Float32s(), x)
	copy(out[1].Float32s(), x[out[0].Len():])
	return nil
}

package graph

import (
	"math"
	"slices"

	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// BNParams are the leaves of a batch normalisation, each [C].
type BNParams struct{ Gamma, Beta, Mean, Var *Node }

// BNOptions say how to normalise.
type BNOptions struct {
	Eps, Momentum float32
	ReLU          bool  // clip the result at 0
	Res           *Node // added before the ReLU; nil for none
	Frozen        bool  // use the running statistics in training too, and leave them
}

// BatchNorm normalises x [..., C] over all axes but the last: gamma (x-mean)/sqrt(var+eps) + beta.
// In training it uses the batch's statistics (biased variance) and moves the running ones
// (unbiased), as PyTorch does; in evaluation it uses the running ones.
func (b *Builder) BatchNorm(x *Node, p BNParams, o BNOptions) *Node {
	if b.err != nil || x == nil {
		return b.Failf("batch norm: input is missing")
	}
	xs := x.Shape()
	c := xs[len(xs)-1]
	for _, n := range []*Node{p.Gamma, p.Beta, p.Mean, p.Var} {
		if n == nil || !slices.Equal([]int(n.Shape()), []int{c}) {
			return b.Failf("batch norm: input %v needs parameters of shape [%d]", xs, c)
		}
	}
	if o.Res != nil && !o.Res.Shape().Eq(xs) {
		return b.Failf("batch norm: residual is %v, input %v", o.Res.Shape(), xs)
	}
	a := device.BatchNorm{Eps: o.Eps, ReLU: o.ReLU, Residual: o.Res != nil}
	if !b.train || o.Frozen {
		in := []*Node{x, p.Mean, p.Var, p.Gamma, p.Beta}
		wrt := []bool{true, false, false, true, true}
		if o.Res != nil {
			in, wrt = append(in, o.Res), append(wrt, true)
		}
		return b.apply(op{name: "bn_eval", attrs: a, shape: xs, wrt: wrt, host: hostBNEval(a), diff: diffBNEval(a, b.layer())}, in...)
	}
	count := xs.TotalSize() / c
	if count < 2 {
		return b.Failf("batch norm: one value per channel (input %v) has no variance (try a larger batch or picture)", xs)
	}
	stats := b.apply(op{name: "bn_stats", full: true, shape: []int{2, c}, host: hostBNStats}, x)
	in := []*Node{x, stats, p.Gamma, p.Beta}
	wrt := []bool{true, false, true, true}
	if o.Res != nil {
		in, wrt = append(in, o.Res), append(wrt, true)
	}
	y := b.apply(op{name: "bn_train", attrs: a, shape: xs, wrt: wrt, host: hostBNTrain(a), diff: diffBNTrain(a, b.layer())}, in...)
	if b.err == nil {
		a := device.BNUpdate{Momentum: o.Momentum, Count: count}
		b.updates = append(b.updates, update{[]*Node{p.Mean, p.Var}, stats, "bn_update", a, hostBNUpdate(a), b.layer()})
	}
	return y
}

// maskResidual splits the gradient of act(bn + res): what reaches bn, and what reaches res.
func maskResidual(g *grads, a device.BatchNorm, dy, out *Node) (bn *Node, mask []*Node, attrs device.BatchNorm) {
	attrs = device.BatchNorm{Eps: a.Eps, ReLU: a.ReLU}
	switch {
	case a.ReLU && a.Residual:
		attrs.ReLU = false
		return g.call(reluGrad(out), dy, out), nil, attrs
	case a.ReLU:
		return dy, []*Node{out}, attrs
	}
	return dy, nil, attrs
}

func diffBNTrain(a device.BatchNorm, layer string) func(gorgonia.Nodes, *Node, *Node) (gorgonia.Nodes, error) {
	return func(in gorgonia.Nodes, out, dy *Node) (gorgonia.Nodes, error) {
		g := &grads{layer: layer}
		x, stats, gamma := in[0], in[1], in[2]
		dy, mask, at := maskResidual(g, a, dy, out)
		if g.err != nil {
			return nil, g.err
		}
		gr := g.call(op{name: "bn_grads", full: true, attrs: at, shape: []int{2, gamma.Shape()[0]}, host: hostBNGrads(at)}, append([]*Node{dy, x, stats}, mask...)...)
		d := gorgonia.Nodes{
			g.call(op{name: "bn_dx", attrs: at, shape: x.Shape(), host: hostBNDX(at)}, append([]*Node{dy, x, stats, gamma, gr}, mask...)...),
			nil,
			g.call(rowOp(gr, 0), gr),
			g.call(rowOp(gr, 1), gr),
		}
		if a.Residual {
			d = append(d, dy)
		}
		return d, g.err
	}
}

func diffBNEval(a device.BatchNorm, layer string) func(gorgonia.Nodes, *Node, *Node) (gorgonia.Nodes, error) {
	return func(in gorgonia.Nodes, out, dy *Node) (gorgonia.Nodes, error) {
		g := &grads{layer: layer}
		x, mean, variance, gamma := in[0], in[1], in[2], in[3]
		dy, mask, at := maskResidual(g, a, dy, out)
		if g.err != nil {
			return nil, g.err
		}
		gr := g.call(op{name: "bn_eval_grads", full: true, attrs: at, shape: []int{2, gamma.Shape()[0]}, host: hostBNEvalGrads(at)}, append([]*Node{dy, x, mean, variance}, mask...)...)
		d := gorgonia.Nodes{
			g.call(op{name: "bn_eval_dx", attrs: at, shape: x.Shape(), host: hostBNEvalDX(at)}, append([]*Node{dy, variance, gamma}, mask...)...),
			nil, nil,
			g.call(rowOp(gr, 0), gr),
			g.call(rowOp(gr, 1), gr),
		}
		if a.Residual {
			d = append(d, dy)
		}
		return d, g.err
	}
}

func hostBNStats(out, in []*tensor.Tensor) error {
	x, s := in[0].Float32s(), out[0].Float32s()
	c := len(s) / 2
	n := float64(len(x) / c)
	for k := range c {
		var sum, sq float64
		for i := k; i < len(x); i += c {
			sum += float64(x[i])
		}
		m := sum / n
		for i := k; i < len(x); i += c {
			d := float64(x[i]) - m
			sq += d * d
		}
		s[k], s[c+k] = float32(m), float32(sq/n)
	}
	return nil
}

// bnApply computes the normalised, scaled, added and clipped output.
func bnApply(a device.BatchNorm, y, x, mean, variance, gamma, beta, res []float32) {
	c := len(gamma)
	for i := range x {
		k := i % c
		v := float64(gamma[k])*(float64(x[i])-float64(mean[k]))/math.Sqrt(float64(variance[k])+float64(a.Eps)) + float64(beta[k])
		if res != nil {
			v += float64(res[i])
		}
		if a.ReLU {
			v = max(v, 0)
		}
		y[i] = float32(v)
	}
}

func optional(in []*tensor.Tensor, i int) []float32 {
	if i < len(in) {
		return in[i].Float32s()
	}
	return nil
}

func hostBNTrain(a device.BatchNorm) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		s := in[1].Float32s()
		c := len(s) / 2
		bnApply(a, out[0].Float32s(), in[0].Float32s(), s[:c], s[c:], in[2].Float32s(), in[3].Float32s(), optional(in, 4))
		return nil
	}
}

func hostBNEval(a device.BatchNorm) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		bnApply(a, out[0].Float32s(), in[0].Float32s(), in[1].Float32s(), in[2].Float32s(), in[3].Float32s(), in[4].Float32s(), optional(in, 5))
		return nil
	}
}

// bnGradSums computes dgamma and dbeta; y, if given, masks dy where it is not positive.
func bnGradSums(eps float32, g, dy, x, mean, variance, y []float32) {
	c := len(g) / 2
	dg, db := make([]float64, c), make([]float64, c)
	for i, d := range dy {
		if y != nil && y[i] <= 0 {
			continue
		}
		k := i % c
		dg[k] += float64(d) * (float64(x[i]) - float64(mean[k])) / math.Sqrt(float64(variance[k])+float64(eps))
		db[k] += float64(d)
	}
	for k := range c {
		g[k], g[c+k] = float32(dg[k]), float32(db[k])
	}
}

func hostBNGrads(a device.BatchNorm) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		s := in[2].Float32s()
		c := len(s) / 2
		bnGradSums(a.Eps, out[0].Float32s(), in[0].Float32s(), in[1].Float32s(), s[:c], s[c:], optional(in, 3))
		return nil
	}
}

func hostBNEvalGrads(a device.BatchNorm) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		bnGradSums(a.Eps, out[0].Float32s(), in[0].Float32s(), in[1].Float32s(), in[2].Float32s(), in[3].Float32s(), optional(in, 4))
		return nil
	}
}

func hostBNDX(a device.BatchNorm) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		dy, x, s, gamma, gr, y := in[0].Float32s(), in[1].Float32s(), in[2].Float32s(), in[3].Float32s(), in[4].Float32s(), optional(in, 5)
		c := len(gamma)
		n := float64(len(x) / c)
		for i := range x {
			k := i % c
			d := float64(dy[i])
			if y != nil && y[i] <= 0 {
				d = 0
			}
			inv := 1 / math.Sqrt(float64(s[c+k])+float64(a.Eps))
			xhat := (float64(x[i]) - float64(s[k])) * inv
			out[0].Float32s()[i] = float32(float64(gamma[k]) * inv * (d - float64(gr[c+k])/n - xhat*float64(gr[k])/n))
		}
		return nil
	}
}

func hostBNEvalDX(a device.BatchNorm) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		dy, variance, gamma, y := in[0].Float32s(), in[1].Float32s(), in[2].Float32s(), optional(in, 3)
		c := len(gamma)
		for i, d := range dy {
			k := i % c
			if y != nil && y[i] <= 0 {
				d = 0
			}
			out[0].Float32s()[i] = float32(float64(d) * float64(gamma[k]) / math.Sqrt(float64(variance[k])+float64(a.Eps)))
		}
		return nil
	}
}

// hostBNUpdate moves the running statistics in place.
func hostBNUpdate(a device.BNUpdate) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		mean, variance, s := out[0].Float32s(), out[1].Float32s(), in[2].Float32s()
		c := len(mean)
		m, n := float64(a.Momentum), float64(a.Count)
		for k := range c {
			nm := (1-m)*float64(in[0].Float32s()[k]) + m*float64(s[k])
			nv := (1-m)*float64(in[1].Float32s()[k]) + m*float64(s[c+k])*n/(n-1)
			if math.IsNaN(nm-nm) || math.IsNaN(nv-nv) { // infinite or no number
				nm, nv = float64(in[0].Float32s()[k]), float64(in[1].Float32s()[k])
			}
			mean[k], variance[k] = float32(nm), float32(nv)
		}
		return nil
	}
}

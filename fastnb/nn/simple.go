package nn

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
)

// ReLU is max(0, x).
type ReLU struct{ plain }

// NewReLU makes a ReLU.
func NewReLU() *ReLU { return &ReLU{} }

// Forward clips at 0.
func (*ReLU) Forward(b *graph.Builder, x *graph.Node) *graph.Node { return b.ReLU(x) }

// Pool is a max or average pooling with a square window.
type Pool struct {
	plain
	max   bool
	attrs device.Pool
}

func newPool(size, stride, pad int, isMax bool) *Pool {
	return &Pool{max: isMax, attrs: device.Pool{Size: [2]int{size, size}, Stride: [2]int{stride, stride}, Pad: [4]int{pad, pad, pad, pad}}}
}

// NewMaxPool2D makes a max pooling.
func NewMaxPool2D(size, stride, pad int) *Pool { return newPool(size, stride, pad, true) }

// NewAvgPool2D makes an average pooling in which padding counts as zeros.
func NewAvgPool2D(size, stride, pad int) *Pool { return newPool(size, stride, pad, false) }

// Forward pools.
func (p *Pool) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	if p.max {
		return b.MaxPool2D(x, p.attrs)
	}
	return b.AvgPool2D(x, p.attrs)
}

// GlobalPool pools whole maps, [N, C, H, W] to [N, C], or to [N, 2C] with maxima first when it does
// both (fastai's AdaptiveConcatPool2d).
type GlobalPool struct {
	plain
	attrs device.GlobalPool
}

// NewGlobalPool makes a global pooling by maximum, average or both.
func NewGlobalPool(isMax, avg bool) *GlobalPool {
	return &GlobalPool{attrs: device.GlobalPool{Max: isMax, Avg: avg}}
}

// Forward pools.
func (p *GlobalPool) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	return b.GlobalPool(x, p.attrs)
}

// Flatten makes [N, ...] to [N, rest].
type Flatten struct{ plain }

// NewFlatten makes a Flatten.
func NewFlatten() *Flatten { return &Flatten{} }

// Forward flattens.
func (*Flatten) Forward(b *graph.Builder, x *graph.Node) *graph.Node { return b.Flatten(x) }

// Dropout zeroes elements with probability P in training.
type Dropout struct {
	plain
	P float64
}

// NewDropout makes a dropout of probability p in [0, 1).
func NewDropout(p float64) *Dropout { return &Dropout{P: p} }

// Forward drops in training and passes in evaluation.
func (d *Dropout) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	return b.Dropout(x, float32(d.P))
}

// SigmoidRange squeezes values into (Lo, Hi).
type SigmoidRange struct {
	plain
	Lo, Hi float64
}

// NewSigmoidRange makes a SigmoidRange.
func NewSigmoidRange(lo, hi float64) *SigmoidRange { return &SigmoidRange{Lo: lo, Hi: hi} }

// Forward squeezes.
func (s *SigmoidRange) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	return b.SigmoidRange(x, float32(s.Lo), float32(s.Hi))
}

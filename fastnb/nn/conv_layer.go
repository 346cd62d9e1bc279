package nn

import "github.com/fastnb/go/fastnb/graph"

// NormType says how fastai's layers normalise.
type NormType uint8

// The kinds of normalisation: none (convolutions have a bias), a batch norm behind each convolution
// (with a scale of 1 or 0 at the start), or a reparametrised weight (Salimans and Kingma 2016; Miyato
// et al. 2018).
const (
	NormTypeNone NormType = iota
	NormTypeBatch
	NormTypeBatchZero
	NormTypeWeight
	NormTypeSpectral
)

// ConvLayerOptions say how a ConvLayer looks. The zero value has a bias, a ReLU and no normalisation.
type ConvLayerOptions struct {
	Norm          NormType
	Stride        int     // 0: 1
	NoActivation  bool    // leave the ReLU out
	Leaky         float64 // slope of the ReLU below 0
	SelfAttention bool    // at the end
}

// NewConvLayer makes fastai's conv_layer: a convolution with a square kernel and padding that keeps
// the size, ReLU, batch norm and self-attention, the last three as the options say. The convolution
// has a bias exactly if no batch norm follows; it starts Kaiming normal, the bias at 0.
func NewConvLayer(in, out, kernel int, o ConvLayerOptions) *Sequential {
	batch := o.Norm == NormTypeBatch || o.Norm == NormTypeBatchZero
	opts := []ConvOption{Stride(max(o.Stride, 1)), Pad((kernel - 1) / 2)}
	if batch {
		opts = append(opts, NoBias())
	}
	opts = append(opts, KaimingFanIn())
	switch o.Norm {
	case NormTypeWeight:
		opts = append(opts, WeightNorm())
	case NormTypeSpectral:
		opts = append(opts, SpectralNorm())
	}
	s := NewSequential(NewConv2D(in, out, kernel, opts...))
	switch {
	case o.NoActivation:
	case o.Leaky != 0:
		s.Layers = append(s.Layers, NewLeakyReLU(o.Leaky))
	default:
		s.Layers = append(s.Layers, NewReLU())
	}
	if batch {
		s.Layers = append(s.Layers, NewBatchNorm(out))
	}
	if o.SelfAttention {
		s.Layers = append(s.Layers, NewSelfAttention(out))
	}
	return s
}

// LeakyReLU is x, or Slope x where x is negative.
type LeakyReLU struct {
	plain
	Slope float64
}

// NewLeakyReLU makes a LeakyReLU.
func NewLeakyReLU(slope float64) *LeakyReLU { return &LeakyReLU{Slope: slope} }

// Forward bends.
func (l *LeakyReLU) Forward(b *graph.Builder, x *graph.Node) *graph.Node {
	return b.LeakyReLU(x, float32(l.Slope))
}

// NewBatchNorm2D makes fastai's batchnorm_2d: shift 0.001, and scale 1, or 0 for NormTypeBatchZero.
func NewBatchNorm2D(channels int, t NormType) *BatchNorm {
	n := NewBatchNorm(channels)
	n.Bias.Init = func(_ *RNG, dst []float32) {
		for i := range dst {
			dst[i] = 1e-3
		}
	}
	if t == NormTypeBatchZero {
		n.Weight.Init = Zeros
	}
	return n
}

// ReLU6 keeps values within 0 and 6.
type ReLU6 struct{ plain }

// NewReLU6 makes a ReLU6.
func NewReLU6() *ReLU6 { return &ReLU6{} }

// Forward clips.
func (*ReLU6) Forward(b *graph.Builder, x *graph.Node) *graph.Node { return b.ReLU6(x) }

package graph

import (
	"gorgonia.org/gorgonia"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// An op whose results are several arrays gives them as one flat array, and these ops take the parts.

// partOp is the view x[offset:] in another shape. By agreement the derivative of a flat array is that of
// its one part that the loss depends on, in that part's shape.
func partOp(offset int, shape ...int) op {
	return op{
		name: "part", attrs: device.Part{Offset: offset}, shape: shape, wrt: allTrue(1), host: hostPart(offset),
		diff: func(_ gorgonia.Nodes, _, d *Node) (gorgonia.Nodes, error) { return gorgonia.Nodes{d}, nil },
	}
}

// pieceOp is a copy of x[offset:], without a derivative: a state that goes on from batch to batch and is kept as
// exactly as it is there, or numbers.
func pieceOp(offset int, shape ...int) op {
	return op{name: "piece", full: true, attrs: device.Part{Offset: offset}, shape: shape, host: hostPart(offset)}
}

func hostPart(offset int) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		copy(out[0].Float32s(), in[0].Float32s()[offset:])
		return nil
	}
}

// scaledPartOp is x[offset:] times a scalar.
func scaledPartOp(offset int, shape ...int) op {
	return op{name: "scaled_part", attrs: device.Part{Offset: offset}, shape: shape, host: func(out, in []*tensor.Tensor) error {
		s := in[1].Float32s()[0]
		x := in[0].Float32s()[offset:]
		for i := range out[0].Float32s() {
			out[0].Float32s()[i] = s * x[i]
		}
		return nil
	}}
}

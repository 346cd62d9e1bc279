package engine

import (
	"context"
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/optim"
)

// SetLossScale makes the backward passes from the next TrainBatch on begin with scale instead of 1, so
// that small gradients survive where activations are kept in half precision. Step, ClipGrads and AddGrads
// divide by it: a power of two changes no bit of the weights, unless a gradient overflows or vanishes.
func (e *Engine) SetLossScale(scale float64) error {
	if !(scale > 0) || math.IsInf(float64(float32(scale)), 0) || float32(scale) == 0 {
		return fmt.Errorf("fastnb: engine: loss scale %v is no positive number of single precision", scale)
	}
	e.scale = scale
	return nil
}

// GradsOverflow reports whether the gradients that are there hold an infinity or a NaN, or are so large
// that the sum of their squares does.
func (e *Engine) GradsOverflow() (bool, error) {
	sq, err := e.sqNorm("looking for overflow")
	return math.IsInf(sq, 0) || math.IsNaN(sq), err
}

// ClipGrads makes the next Step scale all gradients so that their norm is at most max, and gives the
// norm before, without the loss scale. Max 0 only measures.
func (e *Engine) ClipGrads(maxNorm float64) (float64, error) {
	sq, err := e.sqNorm("clipping gradients")
	if err != nil {
		return 0, err
	}
	norm := math.Sqrt(sq) / e.scaled * e.clip
	if maxNorm > 0 && norm > maxNorm {
		e.clip *= maxNorm / (norm + 1e-6)
	}
	return norm, nil
}

// ScaleGrads makes the next Step, or AddGrads, multiply all gradients by a factor.
func (e *Engine) ScaleGrads(factor float64) error {
	if math.IsNaN(factor) || math.IsInf(factor, 0) || math.Abs(factor) > math.MaxFloat32 {
		return fmt.Errorf("fastnb: scaling gradients: by %v, which is no number of single precision", factor)
	}
	e.clip *= factor
	return nil
}

// gradNorm is the compiled sum of squares of all gradients.
type gradNorm struct {
	prog device.Program
	args []device.Buffer
	sum  device.Buffer
}

// sqNorm is the sum of squares of the gradients as they lie on the device.
func (e *Engine) sqNorm(what string) (float64, error) {
	if e.norm == nil {
		n, err := e.makeNorm()
		if err != nil {
			return 0, fmt.Errorf("fastnb: %s: %w", what, err)
		}
		e.norm = n
	}
	e.queue.Run(context.Background(), e.norm.prog, e.norm.args...)
	t, err := e.read(context.Background(), e.norm.sum, device.Plain)
	if err != nil {
		return 0, err
	}
	return float64(t.Float32s()[0]), nil
}

func (e *Engine) makeNorm() (*gradNorm, error) {
	n := &gradNorm{}
	var shapes [][]int
	for _, p := range e.trained() {
		if p.grad == nil {
			return nil, fmt.Errorf("there are none yet")
		}
		shapes, n.args = append(shapes, p.DeviceShape()), append(n.args, p.grad)
	}
	var err error
	if n.sum, err = e.alloc(); err != nil {
		return nil, err
	}
	n.args = append(n.args, n.sum)
	if n.prog, err = e.dev.Compile(optim.SqNorm(shapes)); err != nil {
		e.dev.Free(n.sum)
		return nil, err
	}
	return n, nil
}

// dropNorm forgets the compiled norm, which is bound to the gradients.
func (e *Engine) dropNorm() {
	if e.norm == nil {
		return
	}
	e.norm.prog.Close()
	e.dev.Free(e.norm.sum)
	e.norm = nil
}

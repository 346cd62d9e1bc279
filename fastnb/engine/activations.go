package engine

import (
	"fmt"

	"github.com/fastnb/go/fastnb/tensor"
)

// SetActivations says in which kind the device keeps what it computes between the layers from the next batch on:
// Float16 or BFloat16, where the device has it (CanMix), or Float32 for what the device does by itself. Weights,
// statistics, losses, gradients of weights and the optimizer stay in single precision, so nothing is lost by going
// forth and back. The programs are compiled anew.
func (e *Engine) SetActivations(kind tensor.DType) error {
	if kind != tensor.Float32 && !e.CanMix(kind) {
		return fmt.Errorf("fastnb: engine: device %s does not compute in %v", e.dev.Info().Name, kind)
	}
	if e.act == kind {
		return nil
	}
	e.act = kind
	e.DropPrograms()
	return nil
}

// CanMix reports whether SetActivations can have a kind.
func (e *Engine) CanMix(kind tensor.DType) bool { return e.dev.Info().CanMix(kind) }

// Activations is the kind in which activations are kept.
func (e *Engine) Activations() tensor.DType {
	if e.act.Half() {
		return e.act
	}
	return e.dev.Info().Activations
}

// Memory is the number of bytes that the programs compiled so far take on the device for what lies between the
// layers, and the parameters with gradients and optimizer state.
func (e *Engine) Memory() (programs, params int64) {
	for _, pr := range e.programs {
		programs += pr.prog.Memory()
	}
	for _, p := range e.params {
		n := int64(1 + len(p.state))
		if p.grad != nil {
			n++
		}
		params += n * int64(4*tensor.Count(p.Shape))
	}
	return programs, params
}

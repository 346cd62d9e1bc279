package engine

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// sums holds gradients added up over several batches.
type sums struct {
	add, take       device.Program
	addArgs, takeTo []device.Buffer
	h               device.Buffer // keep and weight
	own             []device.Buffer
	weight          float64 // of all batches added since the last take; 0: none
}

// AddGrads adds the gradients of the last TrainBatch to a sum, with a weight such as the batch's number
// of rows. The sum is without the loss scale, which may change from batch to batch.
func (e *Engine) AddGrads(weight float64) error {
	if err := e.makeSums(); err != nil {
		return err
	}
	keep := 1.0
	if e.sums.weight == 0 {
		keep = 0
	}
	e.sums.run(e, e.sums.add, e.sums.addArgs, keep, weight*e.clip/e.scaled)
	e.sums.weight += weight
	return nil
}

// TakeGrads replaces the gradients by the weighted mean of those that AddGrads added since the last
// TakeGrads, for ClipGrads and Step.
func (e *Engine) TakeGrads() error {
	if e.sums == nil || e.sums.weight == 0 {
		return fmt.Errorf("fastnb: adding up gradients: there are none yet")
	}
	e.sums.run(e, e.sums.take, e.sums.takeTo, 0, 1/e.sums.weight)
	e.sums.weight, e.scaled, e.clip = 0, 1, 1
	return nil
}

// DropGrads forgets what was added up, and the memory it takes.
func (e *Engine) DropGrads() {
	if e.sums == nil {
		return
	}
	e.sums.add.Close()
	e.sums.take.Close()
	for _, b := range append(e.sums.own, e.sums.h) {
		e.dev.Free(b)
	}
	e.sums = nil
}

func (e *Engine) makeSums() (err error) {
	if e.sums != nil {
		return nil
	}
	s := &sums{}
	if s.h, err = e.alloc(2); err != nil {
		return fmt.Errorf("fastnb: adding up gradients: %w", err)
	}
	s.addArgs, s.takeTo = []device.Buffer{s.h}, []device.Buffer{s.h}
	var shapes [][]int
	for _, p := range e.trained() {
		if p.grad == nil {
			return fmt.Errorf("fastnb: adding up gradients: there are none yet")
		}
		b, err := e.alloc(p.DeviceShape()...)
		if err != nil {
			return fmt.Errorf("fastnb: adding up gradients: %s: %w", p.Name, err)
		}
		shapes = append(shapes, p.DeviceShape())
		s.own = append(s.own, b)
		s.addArgs = append(s.addArgs, b, p.grad)
		s.takeTo = append(s.takeTo, p.grad, b)
	}
	plan := optim.Accumulate(shapes)
	if s.add, err = e.dev.Compile(plan); err != nil {
		return err
	}
	if s.take, err = e.dev.Compile(plan); err != nil {
		return err
	}
	e.sums = s
	return nil
}

func (s *sums) run(e *Engine, p device.Program, args []device.Buffer, keep, weight float64) {
	e.queue.Write(s.h, tensor.FromFloat32([]float32{float32(keep), float32(weight)}, 2))
	e.queue.Run(context.Background(), p, args...)
}

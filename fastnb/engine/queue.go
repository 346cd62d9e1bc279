package engine

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// alloc makes a buffer of float32.
func (e *Engine) alloc(shape ...int) (device.Buffer, error) {
	return e.dev.Alloc(device.Spec{DType: tensor.Float32, Shape: shape})
}

// read brings a buffer down and turns it to the layout that users see.
func (e *Engine) read(ctx context.Context, b device.Buffer, as device.Layout) (*tensor.Tensor, error) {
	s := b.Spec()
	t := tensor.New(s.DType, s.Shape...)
	if err := e.queue.Read(t, b).Wait(ctx); err != nil {
		return nil, err
	}
	return as.FromDevice(t), nil
}

// Wait waits until all that was asked for is done, and gives what went wrong in it and was not told yet.
func (e *Engine) Wait(ctx context.Context) error { return e.queue.Wait(ctx) }

// Stats counts what the engine has put into its queue: bytes up and down, runs.
func (e *Engine) Stats() device.Stats { return e.queue.Stats() }

// Batch is what the model is fed with.
type Batch struct {
	X, Y []*tensor.Tensor // inputs and targets; pictures as [N, C, H, W]
	// Norm is how pictures are normalised on the device. Bytes stand for v/255.
	Norm device.Normalize
}

// Result is what the model says about a batch. It stays on the device until it is asked for, and lasts
// until the engine runs the next batch of the same kind and shape. A mistake in the batch, such as a target
// that is no class, is told here.
type Result interface {
	// Loss is the mean loss of the batch, 0 without targets. A NaN is given as it is.
	Loss(ctx context.Context) (float32, error)
	// Output is what the model gives, pictures as [N, C, H, W]. Of a language model with targets it is the
	// likeliest word at each place, float32 [N, T] (see graph.Builder.Decoder), without them its scores
	// [N, T, V].
	Output(ctx context.Context) (*tensor.Tensor, error)
}

// result is a run of a program.
type result struct {
	e    *Engine
	pr   *program
	runs int

	loss  *tensor.Tensor // once it was asked for
	comes device.Event   // when it is there
}

// ask puts the way of the loss down into the queue.
func (r *result) ask() {
	if r.loss == nil && r.pr.loss != nil {
		r.loss = tensor.New(r.pr.loss.Spec().DType, r.pr.loss.Spec().Shape...)
		r.comes = r.e.queue.Read(r.loss, r.pr.loss)
	}
}

// Loss waits for the loss.
func (r *result) Loss(ctx context.Context) (float32, error) {
	if r.pr.loss == nil {
		return 0, r.e.queue.Wait(ctx)
	}
	if r.loss == nil {
		if err := r.there(); err != nil {
			return 0, err
		}
		r.ask()
	}
	if err := r.comes.Wait(ctx); err != nil {
		return 0, err
	}
	return r.loss.Float32s()[0], nil
}

// Output waits for the output.
func (r *result) Output(ctx context.Context) (*tensor.Tensor, error) {
	if err := r.there(); err != nil {
		return nil, err
	}
	return r.e.read(ctx, r.pr.out, r.pr.outLayout)
}

func (r *result) there() error {
	if r.pr.runs != r.runs || r.pr.out == nil {
		return fmt.Errorf("fastnb: engine: the result of a batch was asked for after the next one")
	}
	return nil
}

// both waits for loss and output.
func both(ctx context.Context, r Result) (float32, *tensor.Tensor, error) {
	loss, err := r.Loss(ctx)
	if err != nil {
		return 0, nil, err
	}
	out, err := r.Output(ctx)
	return loss, out, err
}

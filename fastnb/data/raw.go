package data

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// ByteCollater is a Kind whose items may still be bytes that stand for v/255, as pictures are until a
// transform computes with them: CollateBytes makes a batch of such, uint8, or gives nil where one is not.
type ByteCollater interface {
	CollateBytes(items []Item) *tensor.Tensor
}

// ClassCollater is a LabelKind of many classes an item, as masks are, that fit into bytes: CollateClasses makes a
// batch of such, uint8, or gives nil where one is not.
type ClassCollater interface {
	CollateClasses(items []Item) *tensor.Tensor
}

// Raw is the loader with inputs that are not normalised, for a device to do it: pictures as bytes where no
// transform has computed with them, else as float32 in [0, 1]. Batch.Norm says how they are to be normalised.
// Targets that are classes of pixels are bytes too. Numbers come out the same. Where a batch of a set was float32 once, all that come later are, so that a
// program is made for one kind of input.
func (l *Loader) Raw() *Loader {
	r := *l
	r.raw = true
	return &r
}

// collate makes a batch of items and targets.
func (l *Loader) collate(x, y []Item, norm *normalizer) (*Batch, error) {
	kind := l.ds.list.kind
	if !l.raw {
		return l.bunch.collate(kind, l.ds.kind, x, y, norm)
	}
	var xs []*tensor.Tensor
	if k, ok := kind.(ByteCollater); ok && !l.ds.computed.Load() {
		if t := k.CollateBytes(x); t != nil {
			xs = []*tensor.Tensor{t}
		}
	}
	if xs == nil {
		l.ds.computed.Store(true)
		var err error
		if xs, err = l.bunch.stack(kind, x); err != nil {
			return nil, err
		}
	}
	ys, err := l.rawTargets(y)
	if err != nil {
		return nil, fmt.Errorf("targets: %w", err)
	}
	if err := norm.targets(ys); err != nil {
		return nil, err
	}
	b := &Batch{X: xs, Y: ys, N: len(x)}
	if norm == nil || !norm.DoX {
		return b, nil
	}
	if device.LayoutOf(device.SpecOf(xs[0])) != device.Picture {
		return b, norm.apply(xs[0])
	}
	if c := xs[0].Shape()[1]; c != len(norm.Mean) {
		return nil, fmt.Errorf("normalize: %d channels, statistics of %d", c, len(norm.Mean))
	}
	b.Norm = &norm.Stats
	return b, nil
}

func (l *Loader) rawTargets(y []Item) ([]*tensor.Tensor, error) {
	if k, ok := l.ds.kind.(ClassCollater); ok {
		if t := k.CollateClasses(y); t != nil {
			return []*tensor.Tensor{t}, nil
		}
	}
	return l.bunch.stack(l.ds.kind, y)
}

// Targets are the batch's targets with classes as whole numbers, int64: as they are unless the loader is Raw.
func (b *Batch) Targets() []*tensor.Tensor {
	if len(b.Y) == 0 || b.Y[0].DType() != tensor.Uint8 {
		return b.Y
	}
	wide := tensor.New(tensor.Int64, b.Y[0].Shape()...)
	for k, v := range b.Y[0].Uint8s() {
		wide.Int64s()[k] = int64(v)
	}
	return append([]*tensor.Tensor{wide}, b.Y[1:]...)
}

// Normalised is the batch with its inputs as the model sees them, float32, and classes as whole numbers: itself where
// they are.
func (b *Batch) Normalised() (*Batch, error) {
	if b.Norm == nil && (len(b.X) == 0 || b.X[0].DType() != tensor.Uint8) && (len(b.Y) == 0 || b.Y[0].DType() != tensor.Uint8) {
		return b, nil
	}
	n := *b
	n.free = nil // what it shares with b may still be b's
	n.Y = b.Targets()
	if b.Norm == nil && (len(b.X) == 0 || b.X[0].DType() != tensor.Uint8) {
		return &n, nil
	}
	n.Norm = nil
	n.X = append([]*tensor.Tensor{}, b.X...)
	x := b.X[0].Float().Clone()
	if b.X[0].DType() == tensor.Uint8 {
		for k := range x.Float32s() {
			x.Float32s()[k] /= 255
		}
	}
	n.X[0] = x
	if b.Norm == nil {
		return &n, nil
	}
	return &n, (&normalizer{Stats: *b.Norm}).apply(x)
}

// targets normalises targets that are pictures, if that is wanted.
func (n *normalizer) targets(ys []*tensor.Tensor) error {
	if n == nil || !n.DoY || ys[0].DType() != tensor.Float32 || device.LayoutOf(device.SpecOf(ys[0])) != device.Picture {
		return nil
	}
	if err := n.apply(ys[0]); err != nil {
		return fmt.Errorf("targets: %w", err)
	}
	return nil
}

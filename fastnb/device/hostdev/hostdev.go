// Package hostdev is the reference device: it runs every step by its definition on the host, in
// plain Go and double precision inside, one after the other. It is slow and there to be right: the
// other devices are tested against it.
//
// It stands below graph and imports device and tensor.
package hostdev

import (
	"context"
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() { device.Register("host", -1, func() (device.Device, error) { return New(), nil }) }

// New gives the reference device.
func New() device.Device { return hostDevice{} }

type hostDevice struct{}

type buffer struct{ t *tensor.Tensor }

func (b buffer) Shape() []int        { return b.t.Shape() }
func (b buffer) DType() tensor.DType { return b.t.DType() }

func (hostDevice) Name() string { return "host" }

func (hostDevice) Alloc(t tensor.DType, shape ...int) (device.Buffer, error) {
	return buffer{tensor.New(t, shape...)}, nil
}

func (hostDevice) Free(device.Buffer) {}

func (hostDevice) FreeMemory() int64 { return 1 << 40 }

func (hostDevice) Upload(dst device.Buffer, src *tensor.Tensor) error {
	return copyTensor(dst.(buffer).t, src)
}

func (hostDevice) Download(dst *tensor.Tensor, src device.Buffer) error {
	return copyTensor(dst, src.(buffer).t)
}

func copyTensor(dst, src *tensor.Tensor) error {
	if dst.DType() != src.DType() || dst.Len() != src.Len() {
		return fmt.Errorf("fastnb: copying to or from a device: %v %v does not fit %v %v", src.DType(), src.Shape(), dst.DType(), dst.Shape())
	}
	copy(dst.Float32s(), src.Float32s())
	copy(dst.Int64s(), src.Int64s())
	copy(dst.Uint8s(), src.Uint8s())
	return nil
}

func (hostDevice) Compile(p *device.Plan) (device.Program, error) { return &program{plan: p}, nil }

type program struct{ plan *device.Plan }

func (*program) Memory() int64 { return 0 }
func (*program) Close()        {}

// Run computes each step into a fresh tensor and then copies it to its place, so that steps in
// place read what was there before.
func (p *program) Run(ctx context.Context, args ...device.Buffer) error {
	vals := make([]*tensor.Tensor, len(p.plan.Values))
	for i, id := range p.plan.Args {
		v := p.plan.Values[id]
		b := args[i].(buffer)
		if b.t.DType() != v.DType || b.t.Len() != tensor.Count(v.Shape) {
			return fmt.Errorf("fastnb: %s: argument %s is %v, want %v", p.plan.Name, v.Name, b.t.Shape(), v.Shape)
		}
		vals[id] = b.t
	}
	for i, v := range p.plan.Values {
		if v.Kind == device.Const {
			vals[i] = v.Data
		} else if vals[i] == nil {
			vals[i] = tensor.New(v.DType, v.Shape...)
		}
	}
	for _, st := range p.plan.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.step(st, vals); err != nil {
			return fmt.Errorf("fastnb: %s: %s: %s: %w", p.plan.Name, st.Layer, st.Op, err)
		}
	}
	return nil
}

func (p *program) step(st device.Step, vals []*tensor.Tensor) error {
	var in, out []*tensor.Tensor
	for _, id := range st.In {
		in = append(in, view(vals[id], p.plan.Values[id].Shape))
	}
	for _, id := range st.Out {
		o := tensor.New(p.plan.Values[id].DType, p.plan.Values[id].Shape...)
		if slices.Contains(st.In, id) {
			_ = copyTensor(o, vals[id])
		}
		out = append(out, o)
	}
	if err := st.Host(out, in); err != nil {
		return err
	}
	for i, id := range st.Out {
		if err := copyTensor(vals[id], out[i]); err != nil {
			return err
		}
	}
	return nil
}

func view(t *tensor.Tensor, shape []int) *tensor.Tensor {
	if slices.Equal(t.Shape(), shape) {
		return t
	}
	switch t.DType() {
	case tensor.Int64:
		return tensor.FromInt64(t.Int64s(), shape...)
	case tensor.Uint8:
		return tensor.FromUint8(t.Uint8s(), shape...)
	}
	return tensor.FromFloat32(t.Float32s(), shape...)
}

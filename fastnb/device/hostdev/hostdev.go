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

type buffer struct {
	spec device.Spec
	t    *tensor.Tensor
}

func (b buffer) Spec() device.Spec { return b.spec }

func (hostDevice) Info() device.Info {
	return device.Info{
		Name: "host", Kind: device.CPU, HostMemory: true,
		DTypes: []tensor.DType{tensor.Float32, tensor.Int64, tensor.Uint8, tensor.Float16, tensor.BFloat16},
	}
}

func (hostDevice) Alloc(s device.Spec) (device.Buffer, error) {
	return buffer{s, tensor.New(s.DType, s.Shape...)}, nil
}

func (hostDevice) Free(device.Buffer)     {}
func (hostDevice) FreeMemory() int64      { return 1 << 40 }
func (hostDevice) Close() error           { return nil }
func (hostDevice) NewQueue() device.Queue { return device.Immediate(worker{}) }

func (hostDevice) Compile(p *device.Plan) (device.Program, error) { return &program{plan: p}, nil }

// worker does the work of queues.
type worker struct{}

func (worker) Write(dst device.Buffer, src *tensor.Tensor) error {
	return copyTensor(dst.(buffer).t, src)
}

func (worker) Read(dst *tensor.Tensor, src device.Buffer) error {
	return copyTensor(dst, src.(buffer).t)
}

func (worker) Copy(dst device.Buffer, at int, src device.Buffer, from, n int) error {
	if err := device.CheckCopy(dst.Spec(), at, src.Spec(), from, n); err != nil {
		return err
	}
	return Move(dst.(buffer).t, at, src.(buffer).t, from, n)
}

func (worker) Clear(b device.Buffer) error {
	Zero(b.(buffer).t)
	return nil
}

func (worker) Run(ctx context.Context, p device.Program, args []device.Buffer) error {
	plan := p.(*program).plan
	ts := make([]*tensor.Tensor, len(args))
	for i, a := range args {
		ts[i] = a.(buffer).t
	}
	return Run(ctx, plan, ts, nil)
}

func copyTensor(dst, src *tensor.Tensor) error {
	if dst.DType() != src.DType() || dst.Len() != src.Len() {
		return fmt.Errorf("fastnb: copying to or from a device: %v %v does not fit %v %v", src.DType(), src.Shape(), dst.DType(), dst.Shape())
	}
	return Move(dst, 0, src, 0, src.Len())
}

// Move copies n elements from element from of src to element at of dst, of one kind.
func Move(dst *tensor.Tensor, at int, src *tensor.Tensor, from, n int) error {
	switch src.DType() {
	case tensor.Float32:
		copy(dst.Float32s()[at:at+n], src.Float32s()[from:])
	case tensor.Int64:
		copy(dst.Int64s()[at:at+n], src.Int64s()[from:])
	case tensor.Uint8:
		copy(dst.Uint8s()[at:at+n], src.Uint8s()[from:])
	default:
		copy(dst.Bits()[at:at+n], src.Bits()[from:])
	}
	return nil
}

// Zero zeroes an array.
func Zero(t *tensor.Tensor) {
	clear(t.Float32s())
	clear(t.Int64s())
	clear(t.Uint8s())
	clear(t.Bits())
}

type program struct{ plan *device.Plan }

func (*program) Memory() int64 { return 0 }
func (*program) Close()        {}

// Run runs a plan over host arrays. Each step is computed into a fresh array that is then copied to its
// place, so that steps in place read what was there before. after, if not nil, sees each result before it
// is put there, and may change it.
func Run(ctx context.Context, plan *device.Plan, args []*tensor.Tensor, after func(v *device.Value, t *tensor.Tensor)) error {
	if len(args) != len(plan.Args) {
		return fmt.Errorf("fastnb: %s: %d arguments, want %d", plan.Name, len(args), len(plan.Args))
	}
	vals := make([]*tensor.Tensor, len(plan.Values))
	for i, a := range plan.Args {
		v := plan.Values[a.Value]
		if !v.Spec().Fits(device.SpecOf(args[i])) {
			return fmt.Errorf("fastnb: %s: argument %s is %v %v, want %v %v", plan.Name, v.Name, args[i].DType(), args[i].Shape(), v.DType, v.Shape)
		}
		vals[a.Value] = args[i]
	}
	for i, v := range plan.Values {
		if v.Place == device.Const {
			vals[i] = v.Data
		} else if vals[i] == nil {
			vals[i] = tensor.New(v.DType, v.Shape...)
		}
	}
	for i := range plan.Steps {
		st := &plan.Steps[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(plan, st, vals, after); err != nil {
			return device.StepError(plan, st, err)
		}
	}
	return nil
}

func step(plan *device.Plan, st *device.Step, vals []*tensor.Tensor, after func(*device.Value, *tensor.Tensor)) error {
	var in, out []*tensor.Tensor
	for _, id := range st.In {
		in = append(in, view(vals[id], plan.Values[id].Shape))
	}
	for _, id := range st.Out {
		o := tensor.New(plan.Values[id].DType, plan.Values[id].Shape...)
		if slices.Contains(st.In, id) {
			_ = copyTensor(o, vals[id])
		}
		out = append(out, o)
	}
	if err := st.Host(out, in); err != nil {
		return err
	}
	for i, id := range st.Out {
		if after != nil {
			after(&plan.Values[id], out[i])
		}
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
	return t.Reshape(shape...)
}

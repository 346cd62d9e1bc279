package cpu

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// call is what a kernel gets: the arrays of one step, in order.
type call struct {
	dev     *Device
	out, in []val
}

// val is an array and its shape.
type val struct {
	shape []int
	dtype tensor.DType
	f     []float32
	i     []int64
	u     []uint8
	h     []uint16 // bits of half-precision numbers
	buf   *buffer  // of a weight that the program only looks at; nil otherwise
}

// kernel runs one step.
type kernel func(c *call) error

// builder prepares the kernel of a step: shapes are known, arrays are not.
type builder func(st *device.Step, p *device.Plan) (kernel, error)

// kernels maps op names to builders; the files of this package fill it in init functions.
var kernels = map[string]builder{}

// inPlace lists ops whose output may lie where their first input lay.
var inPlace = map[string]bool{"add": true, "add_relu_grad": true, "relu": true, "relu_grad": true, "dropout": true, "dropout_dx": true, "bn_dx": true, "bn_eval_dx": true, "sigmoid_range": true}

// program is a compiled plan.
type program struct {
	dev   *Device
	plan  *device.Plan
	place []int // offset in the arena of each temporary, -1 for others
	size  int   // of the arena part, in floats
	steps []step
	vals  []val
	half  *halfKernels // of products in bfloat16, where the plan asks for them
	still bool         // it neither changes parameters nor makes gradients for somebody to change them by
}

type step struct {
	st  *device.Step
	run kernel
	c   call
}

var hostNotice sync.Map

// Compile plans memory and prepares the kernels.
func (d *Device) Compile(p *device.Plan) (device.Program, error) {
	p = fuseSums(fuseNorms(p))
	pr := &program{dev: d, plan: p, vals: make([]val, len(p.Values)), still: still(p)}
	if p.Activations == tensor.BFloat16 {
		pr.half = d.isa.half.ask()
	}
	pr.place, pr.size = layout(p)
	for i, v := range p.Values {
		pr.vals[i].shape, pr.vals[i].dtype = v.Shape, v.DType
		if v.Place == device.Const {
			pr.vals[i].f, pr.vals[i].i, pr.vals[i].u, pr.vals[i].h = v.Data.Float32s(), v.Data.Int64s(), v.Data.Uint8s(), v.Data.Bits()
		}
	}
	for i := range p.Steps {
		st := &p.Steps[i]
		k, err := kernelOf(st, p)
		if err != nil {
			return nil, fmt.Errorf("fastnb: cpu: %s: %s %s: %w", p.Name, st.Layer, st.Op, err)
		}
		pr.steps = append(pr.steps, step{st: st, run: k, c: call{dev: d, in: make([]val, len(st.In)), out: make([]val, len(st.Out))}})
	}
	return pr, nil
}

func kernelOf(st *device.Step, p *device.Plan) (kernel, error) {
	if b, ok := kernels[st.Op]; ok {
		return b(st, p)
	}
	if st.Host == nil {
		return nil, fmt.Errorf("no kernel and no host definition")
	}
	if _, said := hostNotice.LoadOrStore(st.Op, true); !said {
		fmt.Fprintf(os.Stderr, "fastnb: cpu: no kernel for %s: its plain definition runs, slowly\n", st.Op)
	}
	return hostKernel(st, p)
}

// hostKernel runs a step's plain definition.
func hostKernel(st *device.Step, _ *device.Plan) (kernel, error) {
	return func(c *call) error {
		wrap := func(vs []val) []*tensor.Tensor {
			var ts []*tensor.Tensor
			for _, v := range vs {
				switch {
				case v.i != nil:
					ts = append(ts, tensor.FromInt64(v.i, v.shape...))
				case v.u != nil:
					ts = append(ts, tensor.FromUint8(v.u, v.shape...))
				case v.h != nil:
					ts = append(ts, tensor.FromBits(v.dtype, v.h, v.shape...))
				default:
					ts = append(ts, tensor.FromFloat32(v.f, v.shape...))
				}
			}
			return ts
		}
		return st.Host(wrap(c.out), wrap(c.in))
	}, nil
}

// Memory is the size of the temporaries.
func (pr *program) Memory() int64 { return int64(pr.size) * 4 }

// Close prints the profile if the environment's FASTNB_PROFILE asks for one.
func (pr *program) Close() {
	if os.Getenv("FASTNB_PROFILE") != "" {
		fmt.Fprintf(os.Stderr, "fastnb: profile, when the program of %s ended:\n%s", pr.plan.Name, pr.dev.ProfileTable())
	}
}

// run binds the arguments and runs the steps.
func (pr *program) run(ctx context.Context, args []device.Buffer) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("fastnb: cpu: %s: %v", pr.plan.Name, r)
		}
	}()
	if len(args) != len(pr.plan.Args) {
		return fmt.Errorf("fastnb: cpu: %s: %d arguments, want %d", pr.plan.Name, len(args), len(pr.plan.Args))
	}
	for i, a := range pr.plan.Args {
		b, err := own(args[i])
		if err != nil {
			return err
		}
		v := pr.plan.Values[a.Value]
		if !v.Spec().Fits(b.spec) {
			return fmt.Errorf("fastnb: cpu: %s: argument %s is %v %v, want %v %v", pr.plan.Name, v.Name, b.spec.DType, b.spec.Shape, v.DType, v.Shape)
		}
		to := &pr.vals[a.Value]
		to.f, to.i, to.u, to.h = b.f, b.i, b.u, b.h
		if to.buf = nil; pr.still && a.Role == device.Parameter {
			to.buf = b
		}
		if a.Access != device.Read {
			b.version.Add(1)
		}
	}
	defer runtime.KeepAlive(args)
	pr.dev.half = pr.half
	arena := pr.dev.place(pr.size)
	for id, off := range pr.place {
		if off >= 0 {
			pr.vals[id].lieIn(arena[off:], tensor.Count(pr.plan.Values[id].Shape))
		}
	}
	prof := pr.dev.Times()
	if prof != nil {
		prof.NoteMemory(pr.Memory())
	}
	for i := range pr.steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := pr.step(&pr.steps[i], prof); err != nil {
			return device.StepError(pr.plan, pr.steps[i].st, err)
		}
	}
	return nil
}

// lieIn lets a temporary of n elements begin where the arena does.
func (v *val) lieIn(arena []float32, n int) {
	if n == 0 {
		return
	}
	at := unsafe.Pointer(unsafe.SliceData(arena[:floatsFor(v.dtype, n)]))
	switch v.dtype {
	case tensor.Float32:
		v.f = arena[:n:n]
	case tensor.Int64:
		v.i = unsafe.Slice((*int64)(at), n)
	case tensor.Uint8:
		v.u = unsafe.Slice((*uint8)(at), n)
	default:
		v.h = unsafe.Slice((*uint16)(at), n)
	}
}

// floatsFor is how many floats of the arena n elements of a kind take.
func floatsFor(d tensor.DType, n int) int { return (n*d.Size() + 3) / 4 }

// step runs a step, and measures it for prof if that is not nil.
func (pr *program) step(s *step, prof *device.Times) error {
	for j, id := range s.st.In {
		s.c.in[j] = pr.vals[id]
	}
	for j, id := range s.st.Out {
		s.c.out[j] = pr.vals[id]
	}
	if prof == nil {
		return s.run(&s.c)
	}
	t, used := time.Now(), processorTime()
	err := s.run(&s.c)
	prof.Note(s.st, pr.plan, time.Since(t), processorTime()-used)
	return err
}

// viewOf reports whether a step only looks at its first input, and from which element on.
func viewOf(st *device.Step) (offset int, ok bool) {
	switch st.Op {
	case "reshape":
		return 0, true
	case "part", "scaled_part":
		a, ok := st.Attrs.(device.Part)
		return a.Offset, ok
	}
	return 0, false
}

// layout gives every temporary its place in the arena. Values whose lives do not meet share places;
// reshapes and parts are views, and ops that can work in place do.
func layout(p *device.Plan) (place []int, all int) {
	root := make([]int, len(p.Values)) // whose storage a value lives in
	for i := range root {
		root[i] = i
	}
	shift := make([]int, len(p.Values)) // and where in it
	temp := func(id device.ValueID) bool { return p.Values[id].Place == device.Temp }
	last := lastUses(p)
	for i, st := range p.Steps {
		if len(st.Out) != 1 || !temp(st.Out[0]) || len(st.In) == 0 || !temp(st.In[0]) {
			continue
		}
		in, out := root[st.In[0]], int(st.Out[0])
		kind := p.Values[in].DType == p.Values[out].DType
		same := kind && tensor.Count(p.Values[in].Shape) >= tensor.Count(p.Values[out].Shape)
		if v, ok := viewOf(&st); ok && kind {
			root[out] = in
			shift[out] = shift[st.In[0]] + v
			last[in] = max(last[in], last[out])
			continue
		}
		if inPlace[st.Op] && same && last[in] == i {
			root[out] = in
			shift[out] = shift[st.In[0]]
			last[in] = max(last[in], last[out])
		}
	}
	place = make([]int, len(p.Values))
	for i := range place {
		place[i] = -1
	}
	size := func(id int) int { return floatsFor(p.Values[id].DType, tensor.Count(p.Values[id].Shape)) }
	var a device.Arena
	dead := map[int][]int{} // roots that die after a step
	for i, st := range p.Steps {
		for _, o := range st.Out {
			r := root[o]
			if !temp(o) {
				continue
			}
			if place[r] < 0 {
				place[r] = int(a.Take(units(size(r))))
				dead[last[r]] = append(dead[last[r]], r)
			}
			place[o] = place[r] + shift[o]
		}
		for _, r := range dead[i] {
			a.Give(int64(place[r]), units(size(r)))
		}
	}
	return place, int(a.Size())
}

// lastUses is the last step that reads or writes each value.
func lastUses(p *device.Plan) []int {
	last := make([]int, len(p.Values))
	for i, st := range p.Steps {
		for _, id := range st.In {
			last[id] = i
		}
		for _, id := range st.Out {
			last[id] = i
		}
	}
	return last
}

// units is n floats in whole cache lines.
func units(n int) int64 { return int64((max(n, 1) + 15) / 16 * 16) }

package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/tensor"
)

// chain is how many products follow one another in a measurement.
const chain = 8

// products measures products of square matrices, as layers do them: activations times weights.
func (s *selftest) products() (parts []selftestPart) {
	for _, kind := range s.kinds {
		parts = append(parts, s.part("products "+kind, func() (string, map[string]any, []string, error) {
			n, rate := 256, 0.0
			for { // larger until one measurement takes long enough to be one
				r, took, err := s.product(kind, n)
				if err != nil {
					return "", nil, nil, err
				}
				rate = max(rate, r)
				if took > .02 || n >= 8192 {
					break
				}
				n *= 2
			}
			if kind == "f32" {
				s.rate = rate / 2
			}
			return fmt.Sprintf("%.2f TFLOP/s at %d", rate/1e12, n), map[string]any{"tflop_s": rate / 1e12, "size": n}, nil, nil
		}))
	}
	return parts
}

// product gives floating-point operations a second, and the seconds of the shortest of three runs.
func (s *selftest) product(kind string, n int) (rate, seconds float64, err error) {
	p := &device.Plan{Name: "products", Activations: precisions[kind]}
	mat := func(name string) device.Value {
		return device.Value{Name: name, DType: tensor.Float32, Shape: []int{n, n}}
	}
	x := p.Bind(mat("x"), device.Arg{Role: device.Input, Name: "x"})
	w := p.Bind(mat("w"), device.Arg{Role: device.Input, Index: 1, Name: "w"})
	out := p.Bind(mat("out"), device.Arg{Role: device.Output})
	from := x
	for k := range chain {
		to := out
		if k < chain-1 {
			to = p.Add(mat("t"))
		}
		p.Steps = append(p.Steps, device.Step{Op: "matmul", Attrs: device.MatMul{}, In: []device.ValueID{from, w}, Out: []device.ValueID{to}, Host: noHost})
		from = to
	}
	prog, err := s.dev.Compile(p.Settle())
	if err != nil {
		return 0, 0, err
	}
	defer prog.Close()
	q := s.dev.NewQueue()
	defer func() { _ = q.Close() }()
	var args []device.Buffer
	for i := range p.Args {
		b, err := s.dev.Alloc(p.Spec(i))
		if err != nil {
			return 0, 0, err
		}
		defer s.dev.Free(b)
		args = append(args, b)
	}
	t := tensor.New(tensor.Float32, n, n)
	for i := range t.Float32s() {
		t.Float32s()[i] = (float32(i*7919%2003)/1001 - 1) / float32(math.Sqrt(float64(n)))
	}
	q.Write(args[0], t)
	q.Write(args[1], t)
	best := math.Inf(1)
	for range 4 { // the first compiles
		if err := q.Wait(s.ctx); err != nil {
			return 0, 0, err
		}
		start := time.Now()
		q.Run(s.ctx, prog, args...)
		if err := q.Wait(s.ctx); err != nil {
			return 0, 0, err
		}
		best = min(best, time.Since(start).Seconds())
	}
	return chain * 2 * math.Pow(float64(n), 3) / best, best, nil
}

func noHost(_, _ []*tensor.Tensor) error {
	return fmt.Errorf("the device has no kernel for products")
}

// slow is the rate of multiply-adds under which a device gets small steps only.
const slow = 5e11

// steps times steps of training.
func (s *selftest) steps() (parts []selftestPart) {
	names := []string{"gpu-resnet34-128-bs64", "gpu-awdlstm-60k-bs64"}
	if s.rate < slow {
		names = []string{"tiny-resnet", "tiny-awdlstm"}
	}
	for _, name := range names {
		for _, kind := range s.kinds {
			parts = append(parts, s.part(name+" "+kind, func() (string, map[string]any, []string, error) {
				f := deviceBench{device: s.device, steps: 20, seconds: 5}.measure(s.ctx, name, stepWorks()[name], kind)
				if f.Error != "" {
					return "", nil, []string{f.Error}, nil
				}
				return fmt.Sprintf("%.2f ms a step, %.2f without waiting; %.0f MB between layers", f.Step, f.Free, f.Programs),
					map[string]any{"step_ms": f.Step, "free_ms": f.Free, "least_ms": f.Least, "programs_mb": f.Programs, "params_mb": f.Params, "compile_s": f.Compile, "first_loss": f.First, "last_loss": f.Last}, nil, nil
			}))
		}
	}
	return parts
}

// lossTolerance is what a loss may be off by from the processor's, as a part of the first, at any step.
var lossTolerance = map[string]float64{"f32": .02, "f16": .05, "bf16": .15}

// lossSteps is how long the narrow networks train.
const lossSteps = 30

// losses trains narrow networks beside the processor.
func (s *selftest) losses() (parts []selftestPart) {
	for _, name := range []string{"narrow-planet", "narrow-camvid", "narrow-imdb"} {
		var want []float64 // the processor's, when it was asked
		for _, kind := range s.kinds {
			parts = append(parts, s.part(name+" "+kind, func() (string, map[string]any, []string, error) {
				return s.lossesBeside(name, kind, &want)
			}))
		}
	}
	return parts
}

// lossesBeside trains a network in a precision and compares with the processor's losses.
func (s *selftest) lossesBeside(name, kind string, known *[]float64) (text string, figures map[string]any, bad []string, err error) {
	if *known == nil {
		cpu, err := device.Open("cpu")
		if err != nil {
			return "", nil, nil, err
		}
		if *known, err = s.train(cpu, name, tensor.Float32); err != nil {
			return "", nil, nil, err
		}
	}
	want := *known
	dev, err := device.Open(s.device)
	if err != nil {
		return "", nil, nil, err
	}
	got, err := s.train(dev, name, precisions[kind])
	if err != nil {
		return "", nil, nil, err
	}
	off, at := 0.0, 0
	for k := range want {
		if d := math.Abs(got[k]-want[k]) / want[0]; !(d <= off) {
			off, at = d, k
		}
	}
	if !(off <= lossTolerance[kind]) {
		bad = []string{fmt.Sprintf("step %d: loss %.4f, the processor's %.4f: off by %.3f of the first, at most %g is allowed\ngot  %s\nwant %s", at+1, got[at], want[at], off, lossTolerance[kind], lossLine(got), lossLine(want))}
	}
	last := len(want) - 1
	return fmt.Sprintf("loss %.4f to %.4f, the processor's %.4f to %.4f; off by %.4f of the first at most", got[0], got[last], want[0], want[last], off),
		map[string]any{"losses": got, "cpu": want, "off": off}, bad, nil
}

func lossLine(v []float64) string {
	var b strings.Builder
	for _, x := range v {
		fmt.Fprintf(&b, "%.3f ", x)
	}
	return b.String()
}

// train gives the losses of lossSteps steps; the device is closed.
func (s *selftest) train(dev device.Device, name string, kind tensor.DType) ([]float64, error) {
	w := stepWorks()[name]
	st, err := newDeviceStepper(dev, w, kind)
	if err != nil {
		_ = dev.Close()
		return nil, err
	}
	defer st.e.Close()
	st.lr = w.lr
	st.e.Seed(3)
	var out []float64
	for k := range lossSteps {
		x, y := w.lesson(k)
		st.b = engine.Batch{X: x, Y: y, Norm: w.normal()}
		loss, err := st.step(s.ctx, true)
		if err != nil {
			return nil, err
		}
		out = append(out, loss)
	}
	return out, nil
}

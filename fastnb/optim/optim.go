// Package optim turns optimizers into plans: one step in place for each parameter, with the
// hyper-parameters of a layer group in a small array, so that rates can change every batch without
// a new program.
//
// It stands in the lower storey and imports device and tensor; the engine runs its plans.
package optim

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Config is an optimizer and its constants. The zero value is fastai's default: Adam with
// betas (0.9, 0.99), eps 1e-8, and L2 decay; fastai's learners set TrueWD and BNWD.
type Config struct {
	Kind   string  // "adam" (also ""), "sgd" or "rmsprop"
	Beta2  float64 // Adam's second beta (0.99), RMSprop's alpha (0.99), where a step names none
	Eps    float64 // 1e-8
	TrueWD bool    // shrink parameters apart from the gradient, in place of adding to it
	BNWD   bool    // decay biases and normalisation parameters too
}

// Hyper are the hyper-parameters of one layer group for one step.
type Hyper struct {
	LR    float64
	Mom   float64 // momentum; Adam's beta1
	Beta2 float64 // 0: the configuration's
	WD    float64
}

// Normal fills defaults in and refuses an unknown kind.
func (c Config) Normal() (Config, error) {
	switch c.Kind {
	case "":
		c.Kind = "adam"
	case "adam", "sgd", "rmsprop":
	default:
		return c, fmt.Errorf("fastnb: optimizer %q is unknown (there are adam, sgd, rmsprop)", c.Kind)
	}
	if c.Beta2 == 0 {
		c.Beta2 = 0.99
	}
	if c.Eps == 0 {
		c.Eps = 1e-8
	}
	return c, nil
}

// Slots is the number of state arrays for each parameter.
func (c Config) Slots() int {
	if c.Kind == "sgd" {
		return 1
	}
	return 2
}

// Pack lays hyper-parameters out for the ops (see device/attrs.go): t is the number of the step,
// from 1; scale multiplies gradients.
func (c Config) Pack(h Hyper, t int, scale float64) []float32 {
	beta2 := h.Beta2
	if beta2 == 0 {
		beta2 = c.Beta2
	}
	first := 0.0
	if t == 1 {
		first = 1
	}
	v := [8]float64{h.LR, h.Mom, beta2, c.Eps, h.WD, first, 0, scale}
	if c.Kind == "adam" {
		v[5], v[6] = 1-math.Pow(h.Mom, float64(t)), 1-math.Pow(beta2, float64(t))
	}
	out := make([]float32, 8)
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

// Target is a parameter to be stepped: its device shape and which row of the hyper-parameters rules it.
type Target struct {
	Name  string
	Shape []int
	Hyper int
}

// Plan makes the plan of one step over all targets. Its arguments are, in order: the hyper-parameters
// (float32 [hypers, 8], rows as Pack gives them), then for each target the parameter, its gradient and its
// Slots states.
func (c Config) Plan(targets []Target, hypers int) *device.Plan {
	p := &device.Plan{Name: c.Kind}
	arg := func(r device.Role, name, label string, k int, shape ...int) device.ValueID {
		return p.Bind(device.Value{Name: label, Shape: shape}, device.Arg{Role: r, Name: name, Index: k})
	}
	h := arg(device.Hyper, "", "hyper-parameters", 0, hypers, 8)
	op := c.Kind
	if !c.TrueWD {
		op += "_l2"
	}
	for _, t := range targets {
		w, g := arg(device.Parameter, t.Name, t.Name, 0, t.Shape...), arg(device.Grad, t.Name, t.Name+" gradient", 0, t.Shape...)
		in, out := []device.ValueID{w, g}, []device.ValueID{w}
		for i := range c.Slots() {
			s := arg(device.Slot, t.Name, fmt.Sprintf("%s state %d", t.Name, i), i, t.Shape...)
			in, out = append(in, s), append(out, s)
		}
		a := device.Group{Row: t.Hyper}
		p.Steps = append(p.Steps, device.Step{Op: op, Attrs: a, Host: c.host(a), In: append(in, h), Out: out, Layer: t.Name, Pass: device.Update})
	}
	return p.Settle()
}

// host is the definition of the optimizer's step, in place.
func (c Config) host(a device.Group) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		h := a.Of(in[len(in)-1].Float32s())
		w, g := in[0].Float32s(), in[1].Float32s()
		lr, wd, scale := float64(h[0]), float64(h[4]), float64(h[7])
		for i := range w {
			p, d := float64(w[i]), float64(g[i])*scale
			if c.TrueWD {
				p *= 1 - lr*wd
			} else {
				d += wd * p
			}
			out[0].Float32s()[i] = float32(p - lr*c.direction(h, d, out, in, i))
		}
		return nil
	}
}

// direction updates the states of element i and gives what the rate multiplies.
func (c Config) direction(h []float32, d float64, out, in []*tensor.Tensor, i int) float64 {
	slot := func(k int) float64 { return float64(in[2+k].Float32s()[i]) }
	set := func(k int, v float64) { out[1+k].Float32s()[i] = float32(v) }
	mom, beta2, eps, first := float64(h[1]), float64(h[2]), float64(h[3]), h[5] == 1
	switch c.Kind {
	case "sgd":
		m := mom*slot(0) + d
		if first {
			m = d
		}
		set(0, m)
		return m
	case "rmsprop":
		v := beta2*slot(0) + (1-beta2)*d*d
		set(0, v)
		m := mom*slot(1) + d/(math.Sqrt(v)+eps)
		set(1, m)
		return m
	}
	m := mom*slot(0) + (1-mom)*d
	v := beta2*slot(1) + (1-beta2)*d*d
	set(0, m)
	set(1, v)
	return m / float64(h[5]) / (math.Sqrt(v/float64(h[6])) + eps)
}

// SqNorm is the plan of the sum of squares of all gradients: its arguments are the gradients and
// then the scalar result.
func SqNorm(shapes [][]int) *device.Plan {
	p := &device.Plan{Name: "gradient norm"}
	st := device.Step{Op: "sqnorm", Pass: device.Update, Host: func(out, in []*tensor.Tensor) error {
		var s float64
		for _, t := range in {
			for _, v := range t.Float32s() {
				s += float64(v) * float64(v)
			}
		}
		out[0].Float32s()[0] = float32(s)
		return nil
	}}
	for _, s := range shapes {
		st.In = append(st.In, p.Bind(device.Value{Name: "gradient", Shape: s}, device.Arg{Role: device.Grad}))
	}
	st.Out = []device.ValueID{p.Bind(device.Value{Name: "sum of squares"}, device.Arg{Role: device.Output})}
	p.Steps = []device.Step{st}
	return p.Settle()
}

// Accumulate is the plan that adds gradients up: its arguments are a float32 [2] array, what to keep of
// the sum so far (0 overwrites it) and the weight of what is added, and then for each gradient its sum
// and itself.
func Accumulate(shapes [][]int) *device.Plan {
	p := &device.Plan{Name: "gradient sum"}
	h := p.Bind(device.Value{Name: "keep and weight", Shape: []int{2}}, device.Arg{Role: device.Hyper})
	for _, s := range shapes {
		sum := p.Bind(device.Value{Name: "sum", Shape: s}, device.Arg{Role: device.Sum})
		g := p.Bind(device.Value{Name: "gradient", Shape: s}, device.Arg{Role: device.Grad})
		p.Steps = append(p.Steps, device.Step{Op: "accumulate", Pass: device.Update, Host: hostAccumulate, In: []device.ValueID{sum, g, h}, Out: []device.ValueID{sum}})
	}
	return p.Settle()
}

func hostAccumulate(out, in []*tensor.Tensor) error {
	sum, g, keep, weight := out[0].Float32s(), in[1].Float32s(), in[2].Float32s()[0], in[2].Float32s()[1]
	for i, v := range g {
		if keep == 0 { // what is there may be anything
			sum[i] = weight * v
		} else {
			sum[i] = keep*sum[i] + weight*v
		}
	}
	return nil
}

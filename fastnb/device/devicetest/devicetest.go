// Package devicetest is the conformance suite that each device runs: every op and its derivative over
// odd shapes against the reference device, which runs the ops' definitions, and the memory plan of
// whole nets.
package devicetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/hostdev"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// tol is the largest difference allowed, relative to the largest value of the reference: the
// reference adds up in double precision, devices in single.
const tol = 2e-5

// halfTol is what arrays may differ by, relative to their size, on devices that keep activations in half
// precision, with 11 and 8 bits of mantissa.
var halfTol = map[tensor.DType]float64{tensor.Float16: 0.1, tensor.BFloat16: 0.35}

// run is the whole suite.
func run(t T, dev device.Device) {
	contract(t, dev)
	for _, c := range cases() {
		t.Run(c.name, func(t T) { compare(t, dev, c) })
	}
	t.Run("soft cross-entropy", func(t T) { compareSoft(t, dev) })
	t.Run("within nets", func(t T) { compareInner(t, dev) })
	t.Run("losses", func(t T) { compareLosses(t, dev) })
	t.Run("many rows", func(t T) { compareManyRows(t, dev) })
	t.Run("no numbers", func(t T) { compareNoNumbers(t, dev) })
	t.Run("sum of squares", func(t T) { compareSqNorm(t, dev) })
	t.Run("accumulate", func(t T) { compareAccumulate(t, dev) })
	for _, kind := range []string{"adam", "sgd", "rmsprop"} {
		for _, true_ := range []bool{true, false} {
			t.Run(fmt.Sprint(kind, " ", true_), func(t T) { compareOptimizer(t, dev, optim.Config{Kind: kind, TrueWD: true_}) })
		}
	}
}

// tolSequence is tol for recurrent layers, whose steps with weights of size 1 make rounding grow.
const tolSequence = 1e-4

type testCase struct {
	name  string
	train bool
	tol   float64 // 0: tol
	build func(b *graph.Builder) (out *graph.Node, params []string)
}

// builder with a short way to name parameters and keep them.
type pb struct {
	*graph.Builder
	names []string
}

func (b *pb) param(shape ...int) *graph.Node {
	name := fmt.Sprintf("p%d", len(b.names))
	b.names = append(b.names, name)
	return b.Param(name, shape...)
}

func (b *pb) bn(x *graph.Node, o graph.BNOptions) *graph.Node {
	s := b.Shape(x)
	c := s[len(s)-1]
	o.Eps, o.Momentum = 1e-5, 0.1
	k := len(b.names)
	return b.BatchNorm(x, graph.BNParams{Gamma: b.param(c), Beta: b.param(c), Mean: b.Param(fmt.Sprint("mean", k), c), Var: b.Param(fmt.Sprint("var", k), c)}, o)
}

func cases() []testCase {
	var out []testCase
	add := func(name string, f func(b *pb) *graph.Node) {
		for _, train := range []bool{true, false} {
			out = append(out, testCase{name: fmt.Sprint(name, " train=", train), train: train, build: func(g *graph.Builder) (*graph.Node, []string) {
				b := &pb{Builder: g}
				n := f(b)
				return n, b.names
			}})
		}
	}
	for _, s := range []struct{ n, h, w, c, o, k, stride, pad int }{
		{2, 9, 7, 5, 19, 3, 1, 1},
		{1, 8, 8, 16, 32, 3, 1, 1},
		{3, 7, 9, 17, 33, 3, 2, 1},
		{2, 16, 12, 3, 24, 7, 2, 3},
		{2, 5, 5, 40, 48, 1, 1, 0},
		{2, 6, 5, 20, 12, 1, 2, 0},
		{4, 2, 2, 70, 64, 3, 1, 1},
		{1, 1, 1, 8, 9, 3, 1, 1},
		{5, 3, 3, 130, 36, 3, 1, 0},
		{2, 10, 10, 4, 6, 5, 3, 2},
		{16, 12, 12, 32, 64, 3, 1, 1},
		{9, 8, 8, 64, 64, 3, 2, 1},
	} {
		a := device.Conv{Stride: [2]int{s.stride, s.stride}, Pad: [4]int{s.pad, s.pad, s.pad, s.pad}}
		add(fmt.Sprintf("conv %+v", s), func(b *pb) *graph.Node {
			x := b.param(s.n, s.h, s.w, s.c)
			return b.Conv2D(x, b.param(s.o, s.k, s.k, s.c), nil, a)
		})
	}
	add("conv bias relu", func(b *pb) *graph.Node {
		return b.Conv2D(b.param(2, 6, 7, 9), b.param(21, 3, 3, 9), b.param(21), device.Conv{Stride: [2]int{1, 2}, Pad: [4]int{1, 0, 2, 1}, ReLU: true})
	})
	add("conv relu conv relu", func(b *pb) *graph.Node {
		same := device.Conv{Stride: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, ReLU: true}
		x := b.Conv2D(b.param(2, 6, 7, 9), b.param(24, 3, 3, 9), b.param(24), same)
		x = b.Conv2D(x, b.param(16, 3, 3, 24), b.param(16), same)
		half := device.Conv{Stride: [2]int{2, 2}, ReLU: true}
		return b.Conv2D(x, b.param(13, 1, 1, 16), nil, half)
	})
	add("conv groups", func(b *pb) *graph.Node {
		return b.Conv2D(b.param(2, 6, 7, 8), b.param(12, 3, 3, 2), nil, device.Conv{Stride: [2]int{1, 1}, Groups: 4})
	})
	for _, c := range []int{1, 7, 16, 50} {
		add(fmt.Sprint("bn ", c), func(b *pb) *graph.Node { return b.bn(b.param(5, 9, 11, c), graph.BNOptions{}) })
		add(fmt.Sprint("bn relu ", c), func(b *pb) *graph.Node { return b.bn(b.param(5, 3, 11, c), graph.BNOptions{ReLU: true}) })
		add(fmt.Sprint("bn relu residual ", c), func(b *pb) *graph.Node {
			return b.bn(b.param(5, 3, 11, c), graph.BNOptions{ReLU: true, Res: b.param(5, 3, 11, c)})
		})
		add(fmt.Sprint("bn residual frozen ", c), func(b *pb) *graph.Node {
			return b.bn(b.param(5, 3, 11, c), graph.BNOptions{Res: b.param(5, 3, 11, c), Frozen: true, ReLU: true})
		})
	}
	add("bn vector", func(b *pb) *graph.Node { return b.bn(b.param(12, 33), graph.BNOptions{}) })
	add("relu add", func(b *pb) *graph.Node {
		x := b.param(3, 37)
		return b.Add(b.ReLU(b.Add(x, b.param(3, 37))), x)
	})
	pool := device.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}}
	add("max pool", func(b *pb) *graph.Node { return b.MaxPool2D(b.param(3, 9, 8, 5), pool) })
	add("avg pool", func(b *pb) *graph.Node { return b.AvgPool2D(b.param(3, 9, 8, 5), pool) })
	for _, g := range []device.GlobalPool{{Max: true}, {Avg: true}, {Max: true, Avg: true}} {
		add(fmt.Sprintf("global pool %+v", g), func(b *pb) *graph.Node { return b.GlobalPool(b.param(3, 4, 5, 21), g) })
	}
	for _, s := range [][3]int{{1, 1, 1}, {16, 17, 64}, {33, 70, 5}, {200, 40, 100}, {7, 1000, 31}} {
		add(fmt.Sprint("linear ", s), func(b *pb) *graph.Node { return b.Linear(b.param(s[0], s[1]), b.param(s[2], s[1]), b.param(s[2])) })
	}
	mapCases(add)
	add("flatten dropout", func(b *pb) *graph.Node { return b.Dropout(b.Flatten(b.param(3, 4, 5, 6)), 0.3) })
	add("sigmoid range", func(b *pb) *graph.Node { return b.SigmoidRange(b.param(3, 7), -1, 4) })
	add("residual net", residualNet)
	plain := len(out)
	sequenceCases(func(name string, f func(b *pb) *graph.Node) {
		add(name, func(b *pb) *graph.Node {
			n := f(b)
			if !b.Train() { // these have a way back in training only
				b.names = nil
			}
			return n
		})
	})
	for i := plain; i < len(out); i++ {
		out[i].tol = tolSequence
	}
	return out
}

// residualNet has fan-out, views, steps in place and values with long lives: the memory plan's test.
func residualNet(b *pb) *graph.Node {
	conv := func(x *graph.Node, o, k, s int) *graph.Node {
		return b.Conv2D(x, b.param(o, k, k, b.Shape(x)[3]), nil, device.Conv{Stride: [2]int{s, s}, Pad: [4]int{k / 2, k / 2, k / 2, k / 2}})
	}
	x := b.bn(conv(b.param(4, 20, 18, 3), 16, 3, 1), graph.BNOptions{ReLU: true})
	x = b.MaxPool2D(x, device.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}})
	for i, o := range []int{16, 16, 24} {
		short, s := x, 1
		if i == 2 {
			s = 2
			short = b.bn(conv(x, o, 1, s), graph.BNOptions{})
		}
		y := b.bn(conv(x, o, 3, s), graph.BNOptions{ReLU: true})
		x = b.bn(conv(y, o, 3, 1), graph.BNOptions{ReLU: true, Res: short})
	}
	h := b.Dropout(b.Flatten(b.GlobalPool(x, device.GlobalPool{Max: true, Avg: true})), 0.5)
	return b.Linear(b.ReLU(b.Linear(h, b.param(10, 48), b.param(10))), b.param(6, 10), b.param(6))
}

// compare builds the case with a loss on top and compares everything the plan gives.
func compare(t T, dev device.Device, c testCase) {
	t.Helper()
	b := graph.NewBuilder(c.train)
	out, params := c.build(b)
	shape := b.Shape(out)
	spec := graph.LowerSpec{Name: c.name, Outputs: []*graph.Node{out}}
	spec.Loss = b.MSE(out, b.Input("target", tensor.Float32, shape...))
	spec.Grads = params
	plan, err := b.Lower(spec)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, dev, plan, max(c.tol, tol))
}

// overflows is a value that half precision has no number for.
const overflows = 1e4

// agree compares what a plan does on the device with what it does on the reference device. Where a device
// keeps activations in half precision, a ReLU may open that was shut: then whole arrays are compared, not each
// of their numbers.
func agree(t T, dev device.Device, plan *device.Plan, tol float64) {
	t.Helper()
	agreeWithin(t, dev, plan, tol, halfTol)
}

// agreeWithin is agree with other limits for half precision.
func agreeWithin(t T, dev device.Device, plan *device.Plan, tol float64, halfTol map[tensor.DType]float64) {
	t.Helper()
	want, got := reference(t, plan), execute(t, dev, plan)
	for i, a := range plan.Args {
		alike(t, dev, fmt.Sprint(a.Role, " ", a.Name), got[i], want[i], tol, halfTol)
	}
}

// alike compares an array, each number within tol or the whole within halfTol.
func alike(t T, dev device.Device, what string, got, want *tensor.Tensor, tol float64, halfTol map[tensor.DType]float64) {
	t.Helper()
	half := dev.Info().Activations
	if !half.Half() {
		within(t, what, got, want, tol)
		return
	}
	if want.Abs().Max() > overflows {
		return
	}
	d, size := got.Sub(want), want.Mul(want).Sum().Item()
	if off := math.Sqrt(d.Mul(d).Sum().Item() / max(size, 1e-12)); !(off <= halfTol[half]) {
		t.Errorf("%s: differs by %.3g of its size", what, off)
	}
}

// known are the reference device's results by the names of plans, which the suite gives once: most of its time
// would go into them.
var known sync.Map

func reference(t T, plan *device.Plan) []*tensor.Tensor {
	t.Helper()
	if r, ok := known.Load(plan.Name); ok {
		return r.([]*tensor.Tensor)
	}
	r := execute(t, hostdev.New(), plan)
	known.Store(plan.Name, r)
	return r
}

func near(t T, what string, got, want *tensor.Tensor) {
	t.Helper()
	within(t, what, got, want, tol)
}

func within(t T, what string, got, want *tensor.Tensor, tol float64) {
	t.Helper()
	top, worst, at := 1e-6, 0.0, 0
	for i, w := range want.Float32s() {
		top = max(top, math.Abs(float64(w)))
		if d := math.Abs(float64(got.Float32s()[i] - w)); d > worst || math.IsNaN(d) {
			worst, at = d, i
			if math.IsNaN(d) {
				break
			}
		}
	}
	if !(worst <= tol*top) {
		t.Errorf("%s %v [%d]: %g, want %g (largest value %g)", what, want.Shape(), at, got.Float32s()[at], want.Float32s()[at], top)
	}
}

// execute fills the arguments the same way for every device, runs the plan twice (it must not depend
// on what was there before) and gives all arguments back.
func execute(t T, dev device.Device, plan *device.Plan) []*tensor.Tensor {
	t.Helper()
	r := newRig(t, dev)
	prog := r.compile(plan)
	defer prog.Close()
	var args []device.Buffer
	for range 2 {
		args = args[:0]
		rng := rand.New(rand.NewPCG(3, 4))
		for _, a := range plan.Args {
			x := random(rng, plan.Values[a.Value])
			if a.Access == device.Write {
				poison(x) // what is not written shows
			}
			args = append(args, r.up(x))
		}
		r.run(prog, args...)
	}
	var out []*tensor.Tensor
	for _, a := range args {
		out = append(out, r.down(a))
	}
	return out
}

func random(r *rand.Rand, v device.Value) *tensor.Tensor {
	x := tensor.New(v.DType, v.Shape...)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(r.NormFloat64())
		if len(v.Shape) == 1 {
			x.Float32s()[i] = 1 + 0.2*float32(r.Float64())
		}
	}
	for i := range x.Int64s() {
		x.Int64s()[i] = int64(i + 11)
	}
	for i := range x.Uint8s() {
		x.Uint8s()[i] = uint8(r.IntN(256))
	}
	return x
}

func compareOptimizer(t T, dev device.Device, c optim.Config) {
	c, err := c.Normal()
	if err != nil {
		t.Fatal(err)
	}
	plan := c.Plan([]optim.Target{{Name: "a", Shape: []int{37}, Hyper: 0}, {Name: "b", Shape: []int{5, 3, 3, 7}, Hyper: 1}}, 2)
	var results [][]*tensor.Tensor
	for _, d := range []device.Device{hostdev.New(), dev} {
		r := newRig(t, d)
		prog := r.compile(plan)
		rng := rand.New(rand.NewPCG(5, 6))
		var args []device.Buffer
		for _, a := range plan.Args {
			args = append(args, r.up(random(rng, plan.Values[a.Value]).Abs())) // second moments are not negative
		}
		for step := 1; step <= 3; step++ {
			var h []float32
			for g := range 2 {
				h = append(h, c.Pack(optim.Hyper{LR: 0.01 * float64(g+1), Mom: 0.9, WD: 0.1}, step, 0.5)...)
			}
			r.write(args[0], tensor.FromFloat32(h, 2, 8))
			r.run(prog, args...)
		}
		var out []*tensor.Tensor
		for _, a := range args {
			out = append(out, r.down(a))
		}
		results = append(results, out)
	}
	for i := range results[0] {
		near(t, plan.Values[plan.Args[i].Value].Name, results[1][i], results[0][i])
	}
}

package devicetest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// innerTol is what arrays behind a few ops in half precision may differ by, relative to their size.
var innerTol = map[tensor.DType]float64{tensor.Float16: 6e-3, tensor.BFloat16: 5e-2}

// innerCase is an op within a net: what it takes and gives are temporaries, which a device may keep in half
// precision. Where rounding decides what an op does (which of a window is the largest), loose says so.
type innerCase struct {
	name  string
	loose bool
	build func(b *pb) *graph.Node
}

// inner makes a parameter a temporary, positive if asked for.
func (b *pb) inner(shape ...int) *graph.Node { return b.Affine(b.param(shape...), 1, 0) }

func (b *pb) positive(shape ...int) *graph.Node {
	return b.Affine(b.Abs(b.param(shape...)), .5, .5)
}

// compareInner compares ops that stand between others.
func compareInner(t T, dev device.Device) {
	for _, c := range slicesOf(innerMaps(), innerNorms(), innerMath(), innerRows()) {
		t.Run(c.name, func(t T) {
			g := graph.NewBuilder(true)
			b := &pb{Builder: g}
			y := c.build(b)
			loss := b.MSE(b.Affine(y, 2, .25), b.Input("target", tensor.Float32, b.Shape(y)...))
			plan, err := b.Lower(graph.LowerSpec{Name: "inner " + c.name, Loss: loss, Grads: b.names})
			if err != nil {
				t.Fatal(err)
			}
			half := innerTol
			if c.loose {
				half = halfTol
			}
			agreeWithin(t, dev, plan, tol, half)
		})
	}
}

func slicesOf(lists ...[]innerCase) (all []innerCase) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func innerNorms() (out []innerCase) {
	for _, c := range []int{3, 12, 24} {
		for _, frozen := range []bool{false, true} {
			out = append(out, innerCase{fmt.Sprintf("chain of residuals %d frozen=%v", c, frozen), true, func(b *pb) *graph.Node {
				x := b.inner(90, c)
				for range 3 {
					h := b.bn(b.Linear(x, b.param(c, c), nil), graph.BNOptions{ReLU: true, Frozen: frozen})
					x = b.bn(b.Linear(h, b.param(c, c), nil), graph.BNOptions{ReLU: true, Res: x, Frozen: frozen})
				}
				return x
			}})
		}
	}
	for _, c := range []int{7, 12, 16, 72, 520} { // vectors of 1, 4 and 8 channels; more of them than a block is wide
		for _, rows := range []int{24, 700} {
			if c*rows > 60000 {
				rows = 70
			}
			for _, o := range []graph.BNOptions{{}, {ReLU: true}, {Frozen: true}, {Frozen: true, ReLU: true}} {
				for _, res := range []bool{false, true} {
					name := fmt.Sprintf("norm %d x %d relu=%v frozen=%v res=%v", rows, c, o.ReLU, o.Frozen, res)
					out = append(out, innerCase{name, o.ReLU, func(b *pb) *graph.Node {
						o := o
						if res {
							o.Res = b.inner(rows, c)
						}
						return b.bn(b.Affine(b.inner(rows, c), 2, 3), o)
					}})
				}
			}
		}
	}
	return out
}

func innerMaps() (out []innerCase) {
	add := func(name string, loose bool, f func(b *pb) *graph.Node) { out = append(out, innerCase{name, loose, f}) }
	for _, c := range []int{3, 12, 40} {
		for _, p := range []device.Pool{
			{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}},
			{Size: [2]int{2, 3}, Stride: [2]int{1, 3}, Pad: [4]int{0, 1, 1, 0}},
			{Size: [2]int{2, 2}, Stride: [2]int{3, 3}},
		} {
			add(fmt.Sprint("max pool ", c, p), true, func(b *pb) *graph.Node { return b.MaxPool2D(b.ReLU(b.inner(2, 9, 11, c)), p) })
			add(fmt.Sprint("avg pool ", c, p), false, func(b *pb) *graph.Node { return b.AvgPool2D(b.inner(2, 9, 11, c), p) })
		}
		for _, g := range []device.GlobalPool{{Max: true}, {Avg: true}, {Max: true, Avg: true}} {
			add(fmt.Sprintf("global pool %d %+v", c, g), true, func(b *pb) *graph.Node { return b.GlobalPool(b.inner(3, 4, 5, c), g) })
		}
		add(fmt.Sprint("concat ", c), false, func(b *pb) *graph.Node {
			return b.Concat(b.inner(2, 5, 7, c), b.inner(2, 5, 7, 8), b.inner(2, 5, 7, c))
		})
		add(fmt.Sprint("resize up ", c), false, func(b *pb) *graph.Node { return b.ResizeNearest(b.inner(2, 5, 7, c), 9, 12) })
		add(fmt.Sprint("resize down ", c), false, func(b *pb) *graph.Node { return b.ResizeNearest(b.inner(2, 23, 30, c), 5, 11) })
		for _, m := range []device.PadMode{device.PadZeros, device.PadReplicate, device.PadReflect} {
			add(fmt.Sprint("pad ", c, " ", m), false, func(b *pb) *graph.Node {
				return b.Pad2D(b.inner(2, 4, 5, c), device.Pad{Pad: [4]int{3, 1, 2, 4}, Mode: m})
			})
		}
	}
	for _, r := range []int{2, 3} {
		for _, c := range []int{1, 2, 7, 12, 16} {
			add(fmt.Sprint("pixel shuffle ", r, " ", c), false, func(b *pb) *graph.Node { return b.PixelShuffle(b.inner(2, 4, 5, c*r*r), r) })
		}
	}
	add("one pixel, bordered", false, func(b *pb) *graph.Node {
		return b.Pad2D(b.inner(2, 1, 1, 5), device.Pad{Pad: [4]int{2, 1, 3, 0}, Mode: device.PadReplicate})
	})
	return out
}

func innerMath() (out []innerCase) {
	add := func(name string, f func(b *pb) *graph.Node) { out = append(out, innerCase{name, true, f}) }
	for name, f := range map[string]func(b *pb, x *graph.Node) *graph.Node{
		"affine":   func(b *pb, x *graph.Node) *graph.Node { return b.Affine(x, -1.5, .3) },
		"abs":      func(b *pb, x *graph.Node) *graph.Node { return b.Abs(b.Affine(x, 1, -.8)) },
		"sqrt":     func(b *pb, x *graph.Node) *graph.Node { return b.Sqrt(x) },
		"exp":      func(b *pb, x *graph.Node) *graph.Node { return b.Exp(x) },
		"log":      func(b *pb, x *graph.Node) *graph.Node { return b.Log(x) },
		"sigmoid":  func(b *pb, x *graph.Node) *graph.Node { return b.Sigmoid(b.Affine(x, 3, -2)) },
		"tanh":     func(b *pb, x *graph.Node) *graph.Node { return b.Tanh(b.Affine(x, 3, -2)) },
		"softplus": func(b *pb, x *graph.Node) *graph.Node { return b.Softplus(b.Affine(x, 3, -2)) },
		"pow":      func(b *pb, x *graph.Node) *graph.Node { return b.Pow(x, 1.7) },
		"clamp":    func(b *pb, x *graph.Node) *graph.Node { return b.Clamp(x, .7, 1.1) },
		"relu":     func(b *pb, x *graph.Node) *graph.Node { return b.ReLU(b.Affine(x, 2, -2)) },
		"leaky":    func(b *pb, x *graph.Node) *graph.Node { return b.LeakyReLU(b.Affine(x, 2, -2), .2) },
		"relu6":    func(b *pb, x *graph.Node) *graph.Node { return b.ReLU6(b.Affine(x, 20, -10)) },
		"range":    func(b *pb, x *graph.Node) *graph.Node { return b.SigmoidRange(b.Affine(x, 3, -2), -1, 4) },
		"neg":      func(b *pb, x *graph.Node) *graph.Node { return b.Neg(x) },
		"scale":    func(b *pb, x *graph.Node) *graph.Node { return b.Scale(x, b.param(1)) },
		"add":      func(b *pb, x *graph.Node) *graph.Node { return b.Add(x, b.inner(b.Shape(x)...)) },
		"sub":      func(b *pb, x *graph.Node) *graph.Node { return b.Sub(b.inner(b.Shape(x)...), x) },
		"mul":      func(b *pb, x *graph.Node) *graph.Node { return b.Mul(x, b.inner(b.Shape(x)...)) },
		"div":      func(b *pb, x *graph.Node) *graph.Node { return b.Div(b.inner(b.Shape(x)...), x) },
		"reshape":  func(b *pb, x *graph.Node) *graph.Node { return b.Reshape(x, b.Shape(x)[1], b.Shape(x)[0]) },
		"sum": func(b *pb, x *graph.Node) *graph.Node {
			return b.Scale(b.Affine(x, .1, 0), b.Reshape(b.Affine(b.Sum(x), .001, 1), 1))
		},
	} {
		for _, s := range [][]int{{3, 5}, {8, 40}, {37, 63}} {
			add(fmt.Sprint(name, s), func(b *pb) *graph.Node { return f(b, b.positive(s...)) })
		}
	}
	return out
}

func innerRows() (out []innerCase) {
	add := func(name string, f func(b *pb) *graph.Node) { out = append(out, innerCase{name, true, f}) }
	for _, s := range [][]int{{3, 5}, {96, 9}, {97, 9}, {40, 24}, {64, 99}} {
		rows, n := s[0], s[1]
		add(fmt.Sprint("biases behind relus ", s), func(b *pb) *graph.Node {
			x := b.inner(rows, n)
			for range 2 {
				h := b.ReLU(b.Linear(x, b.param(n, n), b.param(n)))
				x = b.Add(x, b.ReLU(b.Linear(h, b.param(n, n), b.param(n))))
			}
			return x
		})
	}
	for _, s := range [][]int{{5, 1}, {600, 3}, {40, 64}, {3, 65}, {9, 700}} {
		rows, n := s[0], s[1]
		add(fmt.Sprint("softmax ", s), func(b *pb) *graph.Node { return b.Affine(b.Softmax(b.inner(rows, n)), float64(n), 0) })
		add(fmt.Sprint("log softmax ", s), func(b *pb) *graph.Node { return b.LogSoftmax(b.inner(rows, n)) })
		add(fmt.Sprint("sum last ", s), func(b *pb) *graph.Node { return b.SumLast(b.inner(rows, n)) })
		add(fmt.Sprint("mul last ", s), func(b *pb) *graph.Node {
			w := make([]float64, n)
			for i := range w {
				w[i] = float64(i%5) - 1
			}
			return b.MulLast(b.inner(rows, n), w...)
		})
	}
	return out
}

// compareLosses compares the losses of predictions that are a net's results, over rows short and long.
func compareLosses(t T, dev device.Device) {
	for _, s := range [][]int{{13, 29}, {9, 700}, {2, 5, 4, 60}, {300, 400}} {
		rows, n := tensor.Count(s[:len(s)-1]), s[len(s)-1]
		if rows+11 > n && len(s) == 2 {
			n = rows + 12 // class numbers of the suite's fill are 11, 12, ...
			s = []int{rows, n}
		}
		weights := make([]float32, n)
		for k := range weights {
			weights[k] = float32(k%4) / 2
		}
		classes := func(b *pb) *graph.Node { return b.Input("y", tensor.Int64, s[:len(s)-1]...) }
		soft := func(b *pb) *graph.Node { return b.Input("y", tensor.Float32, s...) }
		for name, f := range map[string]func(b *pb, x *graph.Node) *graph.Node{
			"cross-entropy":        func(b *pb, x *graph.Node) *graph.Node { return b.CrossEntropy(x, classes(b)) },
			"smoothed":             func(b *pb, x *graph.Node) *graph.Node { return b.SoftCrossEntropy(x, classes(b), .1) },
			"weighted":             func(b *pb, x *graph.Node) *graph.Node { return b.WeightedCrossEntropy(x, classes(b), weights) },
			"mixed":                func(b *pb, x *graph.Node) *graph.Node { return b.SoftCrossEntropy(x, b.Abs(soft(b)), .1) },
			"mixed and weighted":   func(b *pb, x *graph.Node) *graph.Node { return b.WeightedCrossEntropy(x, b.Abs(soft(b)), weights) },
			"binary cross-entropy": func(b *pb, x *graph.Node) *graph.Node { return b.BCEWithLogits(x, soft(b)) },
			"squares":              func(b *pb, x *graph.Node) *graph.Node { return b.MSE(x, soft(b)) },
			"one hot, by own hand": func(b *pb, x *graph.Node) *graph.Node {
				return b.Affine(b.Sum(b.Mul(b.LogSoftmax(x), b.OneHot(classes(b), n))), .01, 0)
			},
			"sum of a row's squares": func(b *pb, x *graph.Node) *graph.Node { return b.Mean(b.Sqrt(b.SumLast(b.Mul(x, x)))) },
		} {
			for _, shown := range []bool{false, true} { // predictions that are a result are kept in full precision
				t.Run(fmt.Sprint(name, " ", s, " shown=", shown), func(t T) {
					b := &pb{Builder: graph.NewBuilder(true)}
					x := b.inner(s...)
					spec := graph.LowerSpec{Name: fmt.Sprint("loss ", name, s, shown), Loss: f(b, x), Grads: b.names}
					if shown {
						spec.Outputs = []*graph.Node{x}
					}
					plan, err := b.Lower(spec)
					if err != nil {
						t.Fatal(err)
					}
					agreeWithin(t, dev, plan, tol, innerTol)
				})
			}
		}
	}
}

// compareManyRows compares the loss of each pixel of a map, which are many, of few classes.
func compareManyRows(t T, dev device.Device) {
	for _, n := range []int{2, 7, 32, 64} {
		for _, shown := range []bool{false, true} {
			t.Run(fmt.Sprint(n, " classes shown=", shown), func(t T) {
				b := &pb{Builder: graph.NewBuilder(true)}
				x := b.inner(3, 29, 31, n)
				spec := graph.LowerSpec{Name: "many rows", Loss: b.CrossEntropy(x, b.Input("y", tensor.Int64, 3, 1, 29, 31)), Grads: b.names}
				if shown {
					spec.Outputs = []*graph.Node{x}
				}
				plan, err := b.Lower(spec)
				if err != nil {
					t.Fatal(err)
				}
				r := newRig(t, dev)
				prog := r.compile(plan)
				defer prog.Close()
				var args []device.Buffer
				var host []*tensor.Tensor
				rng := rand.New(rand.NewPCG(3, 4))
				for _, a := range plan.Args {
					v := random(rng, plan.Values[a.Value])
					for k := range v.Int64s() {
						v.Int64s()[k] = int64(k * 5 % n)
					}
					host = append(host, v)
					args = append(args, r.up(v))
				}
				r.run(prog, args...)
				definition(t, plan, host)
				for i, a := range plan.Args {
					alike(t, dev, fmt.Sprint(a.Role, " ", a.Name), r.down(args[i]), host[i], tol, manyTol)
				}
			})
		}
	}
}

// manyTol is innerTol for gradients that are small beside the least number of float16.
var manyTol = map[tensor.DType]float64{tensor.Float16: 2e-2, tensor.BFloat16: 5e-2}

// compareNoNumbers: what is infinite or no number stays so, for the sake of who looks for it.
func compareNoNumbers(t T, dev device.Device) {
	pool := device.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}}
	for name, f := range map[string]func(b *pb, x *graph.Node) *graph.Node{
		"relu":     func(b *pb, x *graph.Node) *graph.Node { return b.ReLU(x) },
		"leaky":    func(b *pb, x *graph.Node) *graph.Node { return b.LeakyReLU(x, .1) },
		"max pool": func(b *pb, x *graph.Node) *graph.Node { return b.MaxPool2D(x, pool) },
		"avg pool": func(b *pb, x *graph.Node) *graph.Node { return b.AvgPool2D(x, pool) },
		"global pool": func(b *pb, x *graph.Node) *graph.Node {
			return b.GlobalPool(x, device.GlobalPool{Max: true, Avg: true})
		},
		"norm":    func(b *pb, x *graph.Node) *graph.Node { return b.bn(x, graph.BNOptions{ReLU: true}) },
		"softmax": func(b *pb, x *graph.Node) *graph.Node { return b.Softmax(x) },
	} {
		t.Run(name, func(t T) {
			b := &pb{Builder: graph.NewBuilder(true)}
			in := b.Input("x", tensor.Float32, 2, 8, 5, 6)
			y := b.Affine(f(b, b.Affine(in, 1, 0)), 1, 0)
			plan, err := b.Lower(graph.LowerSpec{Name: "no numbers: " + name, Outputs: []*graph.Node{y}})
			if err != nil {
				t.Fatal(err)
			}
			r := newRig(t, dev)
			prog := r.compile(plan)
			defer prog.Close()
			var args []device.Buffer
			var host []*tensor.Tensor
			for i, a := range plan.Args {
				s := plan.Spec(i)
				x := counting(s.DType, s.Count()).Reshape(s.Shape...)
				if a.Role == device.Input {
					f := x.Float32s()
					f[7], f[100], f[101], f[220] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())
				}
				host = append(host, x.Clone())
				args = append(args, r.up(x))
			}
			r.run(prog, args...)
			definition(t, plan, host)
			for i, a := range plan.Args {
				got := r.down(args[i])
				for k, w := range host[i].Float32s() {
					if g := got.Float32s()[k]; math.IsNaN(float64(g)) != math.IsNaN(float64(w)) || math.IsInf(float64(g), 0) != math.IsInf(float64(w), 0) {
						t.Fatalf("%v %s [%d]: %g, want %g", a.Role, a.Name, k, g, w)
					}
				}
			}
		})
	}
}

// definition runs a plan's steps on host arrays, args in the order of its arguments.
func definition(t T, plan *device.Plan, args []*tensor.Tensor) {
	t.Helper()
	at := map[device.ValueID]*tensor.Tensor{}
	for i, a := range plan.Args {
		at[a.Value] = args[i]
	}
	get := func(ids []device.ValueID) (out []*tensor.Tensor) {
		for _, id := range ids {
			if at[id] == nil {
				v := plan.Values[id]
				if at[id] = v.Data; v.Data == nil {
					at[id] = tensor.New(v.DType, v.Shape...)
				}
			}
			out = append(out, at[id])
		}
		return out
	}
	for _, st := range plan.Steps {
		if err := st.Host(get(st.Out), get(st.In)); err != nil {
			t.Fatal(err)
		}
	}
}

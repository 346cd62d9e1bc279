package graph

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	gtensor "gorgonia.org/tensor"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/hostdev"
	"github.com/fastnb/go/fastnb/tensor"
)

// smallNet is a residual net with every kind of layer of the planet lesson.
func smallNet(b *Builder) (loss *Node, out *Node, grads []string) {
	x := b.Input("x", tensor.Float32, 8, 8, 10, 3)
	y := b.Input("y", tensor.Float32, 8, 5)
	bn := func(name string, x *Node, relu bool, res *Node) *Node {
		c := x.Shape()[len(x.Shape())-1]
		grads = append(grads, name+".weight", name+".bias")
		return b.BatchNorm(x, BNParams{b.Param(name+".weight", c), b.Param(name+".bias", c), b.Param(name+".running_mean", c), b.Param(name+".running_var", c)},
			BNOptions{Eps: 1e-5, Momentum: 0.1, ReLU: relu, Res: res})
	}
	conv := func(name string, x *Node, o, k, s int) *Node {
		grads = append(grads, name)
		return b.Conv2D(x, b.Param(name, o, k, k, x.Shape()[3]), nil, device.Conv{Stride: [2]int{s, s}, Pad: [4]int{k / 2, k / 2, k / 2, k / 2}})
	}
	h := bn("bn1", conv("conv1", x, 6, 3, 1), true, nil)
	h = b.MaxPool2D(h, device.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}})
	r := bn("bn2", conv("conv2", h, 6, 3, 1), true, nil)
	h = bn("bn3", conv("conv3", r, 6, 3, 1), true, h)
	h = bn("bnd", conv("down", h, 4, 1, 2), false, nil)
	h = b.GlobalPool(h, device.GlobalPool{Max: true, Avg: true})
	h = b.Dropout(bn("bnh", b.Flatten(h), false, nil), 0.25)
	grads = append(grads, "fc.weight", "fc.bias")
	out = b.Linear(h, b.Param("fc.weight", 5, 8), b.Param("fc.bias", 5))
	return b.BCEWithLogits(out, y), out, grads
}

func fill(t *tensor.Tensor, r *rand.Rand, name string) *tensor.Tensor {
	for i := range t.Float32s() {
		t.Float32s()[i] = float32(r.NormFloat64())
		if len(t.Shape()) == 1 {
			t.Float32s()[i] = float32(1 + 0.1*r.NormFloat64())
		}
	}
	for i := range t.Int64s() {
		t.Int64s()[i] = int64(i + 7)
	}
	if name == "y" {
		for i, v := range t.Float32s() {
			t.Float32s()[i] = 0
			if v > 0 {
				t.Float32s()[i] = 1
			}
		}
	}
	return t
}

// TestAgainstTapeMachine runs one graph on the reference device and on Gorgonia's own machine, and
// checks the derivatives against differences.
func TestAgainstTapeMachine(t *testing.T) {
	b := NewBuilder(true)
	loss, out, grads := smallNet(b)
	plan, err := b.Lower(LowerSpec{Name: "small", Outputs: []*Node{out}, Loss: loss, Grads: grads})
	if err != nil {
		t.Fatal(err)
	}
	dev := hostdev.New()
	prog, err := dev.Compile(plan)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var args []device.Buffer
	host := map[string]*tensor.Tensor{}
	q, ctx := dev.NewQueue(), context.Background()
	for i, a := range plan.Args {
		buf, err := dev.Alloc(plan.Spec(i))
		if err != nil {
			t.Fatal(err)
		}
		if a.Role == device.Input || a.Role == device.Parameter || a.Role == device.RNG {
			s := plan.Spec(i)
			host[a.Name] = fill(tensor.New(s.DType, s.Shape...), r, a.Name)
			if err := q.Write(buf, host[a.Name]).Wait(ctx); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, buf)
	}
	run := func() {
		if err := q.Run(ctx, prog, args...).Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	get := func(role device.Role, name string) []float32 {
		i := plan.Arg(role, name)
		if i < 0 {
			t.Fatalf("no argument %s %s", role, name)
		}
		v := tensor.New(tensor.Float32, args[i].Spec().Shape...)
		if err := q.Read(v, args[i]).Wait(ctx); err != nil {
			t.Fatal(err)
		}
		return v.Float32s()
	}
	run()
	ours := map[string][]float32{}
	for _, g := range grads {
		ours[g] = get(device.Grad, g)
	}
	want := tape(t, b, loss, grads, host)
	for _, g := range grads {
		for i, v := range ours[g] {
			if d := math.Abs(float64(v - want[g][i])); d > 1e-5 {
				t.Errorf("gradient of %s[%d]: plan %g, TapeMachine %g", g, i, v, want[g][i])
				break
			}
		}
	}
	for _, g := range grads {
		i := plan.Arg(device.Parameter, g)
		p := host[g]
		k := r.IntN(p.Len())
		old := p.Float32s()[k]
		const eps = 1e-3
		at := func(v float32) float64 {
			p.Float32s()[k] = v
			if err := q.Write(args[i], p).Wait(ctx); err != nil {
				t.Fatal(err)
			}
			run()
			return float64(get(device.Loss, "")[0])
		}
		num := (at(old+eps) - at(old-eps)) / (2 * eps)
		at(old)
		if d := math.Abs(num - float64(ours[g][k])); d > 2e-3+0.05*math.Abs(num) {
			t.Errorf("gradient of %s[%d]: %g, by difference %g", g, k, ours[g][k], num)
		}
	}
}

func tape(t *testing.T, b *Builder, loss *Node, grads []string, host map[string]*tensor.Tensor) map[string][]float32 {
	t.Helper()
	for n, l := range b.leafOf {
		v := host[l.name]
		if err := gorgonia.Let(n, gtensor.New(gtensor.WithShape(v.Shape()...), gtensor.WithBacking(backing(v)))); err != nil {
			t.Fatal(err)
		}
	}
	var wrt gorgonia.Nodes
	for _, g := range grads {
		wrt = append(wrt, b.byName[g].node)
	}
	m := gorgonia.NewTapeMachine(b.g, gorgonia.BindDualValues(wrt...))
	defer m.Close()
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
	out := map[string][]float32{}
	for i, g := range grads {
		v, err := wrt[i].Grad()
		if err != nil {
			t.Fatal(err)
		}
		out[g] = v.Data().([]float32)
	}
	return out
}

func TestMistakes(t *testing.T) {
	cases := []struct {
		name  string
		build func(b *Builder) *Node
		want  string
	}{
		{"channels", func(b *Builder) *Node {
			b.Push("layer1")
			b.Push("conv2")
			return b.ReLU(b.Conv2D(b.Input("x", tensor.Float32, 1, 4, 4, 3), b.Param("w", 8, 3, 3, 4), nil, device.Conv{Stride: [2]int{1, 1}}))
		}, "fastnb: building layer1.conv2: convolution: input has 3 channels, the weight takes 4 (1 groups of 4)"},
		{"small map", func(b *Builder) *Node {
			return b.Conv2D(b.Input("x", tensor.Float32, 1, 2, 2, 3), b.Param("w", 8, 3, 3, 3), nil, device.Conv{Stride: [2]int{1, 1}})
		}, "convolution: a 2x2 map is too small for a 3x3 kernel"},
		{"linear", func(b *Builder) *Node {
			return b.Linear(b.Input("x", tensor.Float32, 2, 5), b.Param("w", 3, 4), nil)
		}, "linear: input has 5 features, the weight takes 4"},
		{"one value", func(b *Builder) *Node {
			p := b.Param("p", 4)
			return b.BatchNorm(b.Input("x", tensor.Float32, 1, 4), BNParams{p, p, p, p}, BNOptions{})
		}, "batch norm: one value per channel (input (1, 4)) has no variance (try a larger batch or picture)"},
		{"nil", func(b *Builder) *Node { return b.ReLU(nil) }, "relu: input is missing"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := NewBuilder(true)
			c.build(b)
			if b.Err() == nil || b.Err().Error() != c.want {
				t.Errorf("error %v, want %s", b.Err(), c.want)
			}
		})
	}
}

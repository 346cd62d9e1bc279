package devicetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// contract tests what a queue promises.
func contract(t T, dev device.Device) {
	for _, c := range []struct {
		name string
		test func(r *rig)
	}{
		{"memory", memory},
		{"copies", copies},
		{"order", order},
		{"misuse", misuse},
		{"bad data", badData},
		{"interrupt", interrupt},
		{"two queues", twoQueues},
		{"pictures", pictures},
		{"casts", casts},
		{"classes", classes},
		{"passed", passed},
		{"activations", activations},
	} {
		t.Run(c.name, func(t T) { c.test(newRig(t, dev)) })
	}
}

func counting(d tensor.DType, n int) *tensor.Tensor {
	x := tensor.New(tensor.Float32, n)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(i%200 + 1)
	}
	return x.To(d)
}

func same(a, b *tensor.Tensor) bool {
	return a.DType() == b.DType() && slices.Equal(a.Float64s(), b.Float64s())
}

// memory: what is allocated is zero, what goes up comes down, of every kind the device takes; the counts say so.
func memory(r *rig) {
	info := r.dev.Info()
	if info.Name == "" || !info.Takes(tensor.Float32) || !info.Takes(tensor.Int64) || !info.Takes(tensor.Uint8) {
		r.Fatalf("a device takes float32, int64 and uint8 at least: %+v", info)
	}
	if r.dev.FreeMemory() <= 0 {
		r.Error("no free memory")
	}
	for _, d := range info.DTypes {
		spec := device.Spec{DType: d, Shape: []int{7, 33}}
		b, err := r.dev.Alloc(spec)
		r.must(err)
		if got := b.Spec(); got.DType != d || !slices.Equal(got.Shape, spec.Shape) {
			r.Error(got)
		}
		if got := r.down(b); got.Abs().Max() != 0 {
			r.Errorf("%v: fresh memory is %v", d, got)
		}
		x := counting(d, 7*33).Reshape(7, 33)
		before := r.q.Stats()
		r.write(b, x)
		if got := r.down(b); !same(got, x) {
			r.Errorf("%v: %v came back as %v", d, x, got)
		}
		s := r.q.Stats().Sub(before)
		if s.Up != spec.Bytes() || s.Down != spec.Bytes() || s.Writes != 1 || s.Reads != 1 {
			r.Errorf("%v: %d bytes up and down: %+v", d, spec.Bytes(), s)
		}
		r.q.Clear(b)
		if got := r.down(b); got.Abs().Max() != 0 {
			r.Errorf("%v: cleared memory is %v", d, got)
		}
		// What is queued may go on using what was freed.
		c := r.up(x)
		to := tensor.New(d, 7, 33)
		e := r.q.Read(to, c)
		r.dev.Free(c)
		r.must(e.Wait(context.Background()))
		if !same(to, x) {
			r.Errorf("%v: freed too early", d)
		}
		r.dev.Free(c)
	}
}

// copies: stretches move within the device.
func copies(r *rig) {
	for _, d := range r.dev.Info().DTypes {
		x := counting(d, 20)
		a, b := r.up(x), r.up(tensor.New(d, 30))
		before := r.q.Stats()
		r.q.Copy(b, 5, a, 2, 10)
		r.q.Copy(a, 0, a, 15, 5)
		if s := r.q.Stats().Sub(before); s.Up != 0 || s.Down != 0 || s.Within != int64(15*d.Size()) {
			r.Errorf("%+v", s)
		}
		want := append(make([]float64, 5), x.Float64s()[2:12]...)
		if got := r.down(b).Float64s(); !slices.Equal(got[:15], want) || slices.Max(got[15:]) != 0 {
			r.Errorf("%v: %v", d, got)
		}
		if got := r.down(a).Float64s(); !slices.Equal(got[:6], []float64{16, 17, 18, 19, 20, 6}) {
			r.Errorf("%v: within a buffer: %v", d, got)
		}
	}
}

// sumPlan is acc = keep acc + weight g over n numbers.
func sumPlan(n int) *device.Plan { return optim.Accumulate([][]int{{n}}) }

// order: the work of a queue is done in its order, whenever it is done.
func order(r *rig) {
	const n = 1000
	prog := r.compile(sumPlan(n))
	defer prog.Close()
	h, acc, g := r.up(tensor.FromFloat32([]float32{1, 1}, 2)), r.up(tensor.New(tensor.Float32, n)), r.up(tensor.New(tensor.Float32, n))
	sources := make([]*tensor.Tensor, 6)
	results := make([]*tensor.Tensor, len(sources))
	events := make([]device.Event, len(sources))
	for k := range sources {
		sources[k] = tensor.New(tensor.Float32, n)
		for i := range n {
			sources[k].Float32s()[i] = float32(i * (k + 1))
		}
		results[k] = tensor.New(tensor.Float32, n)
		r.q.Write(g, sources[k])
		r.q.Run(context.Background(), prog, h, acc, g)
		events[k] = r.q.Read(results[k], acc)
		if k%2 == 1 {
			r.q.Write(h, tensor.FromFloat32([]float32{1, 1}, 2))
		}
	}
	// Events may be asked for in any order.
	for _, k := range []int{2, 0, 5, 4, 1, 3} {
		r.must(events[k].Wait(context.Background()))
		all := (k + 1) * (k + 2) / 2
		for i, v := range results[k].Float32s() {
			if v != float32(i*all) {
				r.Fatalf("after %d sums element %d is %g, want %d", k+1, i, v, i*all)
			}
		}
	}
	r.wait()
}

// misuse is told, once, and the queue goes on.
func misuse(r *rig) {
	x := counting(tensor.Float32, 4)
	a, ints := r.up(x), r.up(tensor.New(tensor.Int64, 4))
	prog := r.compile(sumPlan(4))
	freed := r.up(x)
	r.dev.Free(freed)
	for name, put := range map[string]func() device.Event{
		"kind":         func() device.Event { return r.q.Write(ints, x) },
		"count":        func() device.Event { return r.q.Read(tensor.New(tensor.Float32, 5), a) },
		"stretch":      func() device.Event { return r.q.Copy(a, 2, a, 0, 3) },
		"kinds":        func() device.Event { return r.q.Copy(a, 0, ints, 0, 3) },
		"freed":        func() device.Event { return r.q.Write(freed, x) },
		"arguments":    func() device.Event { return r.q.Run(context.Background(), prog, a) },
		"their shapes": func() device.Event { return r.q.Run(context.Background(), prog, a, a, a) },
	} {
		e := put()
		if err := e.Wait(context.Background()); err == nil {
			r.Errorf("%s: no error", name)
		}
		if err := r.q.Wait(context.Background()); err != nil {
			r.Errorf("%s: told twice: %v", name, err)
		}
	}
	if got := r.down(a); !same(got, x) {
		r.Errorf("afterwards %v", got)
	}
}

// badData: a target that is no class is told with plan and layer, by the next wait only, and neither running
// statistics nor parameters move until it is.
func badData(r *rig) {
	const rows, classes = 6, 3
	b := graph.NewBuilder(true)
	x := b.Input("x", tensor.Float32, rows, classes)
	b.Push("body.0")
	p := func(n string) *graph.Node { return b.Param(n, classes) }
	y := b.BatchNorm(x, graph.BNParams{Gamma: p("gamma"), Beta: p("beta"), Mean: p("mean"), Var: p("var")}, graph.BNOptions{Eps: 1e-5, Momentum: .1})
	b.Pop()
	b.Push("loss")
	plan, err := b.Lower(graph.LowerSpec{Name: "training", Loss: b.CrossEntropy(y, b.Input("y", tensor.Int64, rows)), Grads: []string{"gamma"}})
	r.must(err)
	prog, step := r.compile(plan), r.compile(sumPlan(classes))
	args := make([]device.Buffer, len(plan.Args))
	for i := range plan.Args {
		s := plan.Spec(i)
		args[i] = r.up(tensor.New(s.DType, s.Shape...))
	}
	at := func(role device.Role, name string) device.Buffer { return args[plan.Arg(role, name)] }
	ones := tensor.FromFloat32([]float32{1, 1, 1}, classes)
	r.write(at(device.Input, "x"), counting(tensor.Float32, rows*classes).Reshape(rows, classes))
	for _, name := range []string{"gamma", "mean", "var"} {
		r.write(at(device.Parameter, name), ones)
	}
	h := r.up(tensor.FromFloat32([]float32{1, 1}, 2))
	targets := func(bad int64) {
		r.write(at(device.Input, "y"), tensor.FromInt64([]int64{0, 1, 2, bad, 1, 0}, rows))
	}
	for _, bad := range []int64{7, -1, classes} {
		targets(bad)
		r.q.Run(context.Background(), prog, args...)
		r.q.Run(context.Background(), step, h, at(device.Parameter, "gamma"), at(device.Grad, "gamma"))
		loss := tensor.New(tensor.Float32)
		err := r.q.Read(loss, at(device.Loss, "")).Wait(context.Background())
		var found device.BadIndexError
		if !errors.As(err, &found) || found.Value != bad || found.Row != 3 || found.Count != classes {
			r.Fatalf("target %d: %v", bad, err)
		}
		for _, part := range []string{"training", "loss", fmt.Sprintf("target %d of row 3 is not one of 3 classes", bad)} {
			if !strings.Contains(err.Error(), part) {
				r.Errorf("%q lacks %q", err, part)
			}
		}
		r.wait()
		for _, name := range []string{"gamma", "mean", "var"} {
			if got := r.down(at(device.Parameter, name)); !same(got, ones) {
				r.Errorf("target %d: %s has moved: %v", bad, name, got)
			}
		}
	}
	targets(0)
	r.run(prog, args...)
	r.wait()
	if got := r.down(at(device.Parameter, "mean")); same(got, ones) {
		r.Error("a good batch does not move the statistics")
	}
}

// interrupt: a context that has ended stops the work and is the queue's error.
func interrupt(r *rig) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	prog := r.compile(sumPlan(4))
	h, a, g := r.up(tensor.FromFloat32([]float32{1, 1}, 2)), r.up(tensor.New(tensor.Float32, 4)), r.up(counting(tensor.Float32, 4))
	r.q.Run(ctx, prog, h, a, g)
	if err := r.q.Wait(context.Background()); !errors.Is(err, context.Canceled) {
		r.Errorf("error %v", err)
	}
	r.run(prog, h, a, g)
	if got := r.down(a); !same(got, counting(tensor.Float32, 4)) {
		r.Errorf("afterwards %v", got)
	}
}

// twoQueues: programs run from several goroutines, each with a queue of its own, over arguments they share
// and only read. One program may be run by all of them.
func twoQueues(r *rig) {
	const n = 2000
	prog := r.compile(sumPlan(n))
	g := r.up(counting(tensor.Float32, n))
	var wg sync.WaitGroup
	errs := make(chan error, 4)
	for k := range 4 {
		wg.Go(func() {
			q, ctx := r.dev.NewQueue(), context.Background()
			h, _ := r.dev.Alloc(device.Spec{DType: tensor.Float32, Shape: []int{2}})
			acc, err := r.dev.Alloc(device.Spec{DType: tensor.Float32, Shape: []int{n}})
			if err != nil {
				errs <- err
				return
			}
			q.Write(h, tensor.FromFloat32([]float32{1, float32(k + 1)}, 2))
			for range 5 {
				q.Run(ctx, prog, h, acc, g)
			}
			got := tensor.New(tensor.Float32, n)
			if err := q.Read(got, acc).Wait(ctx); err != nil {
				errs <- err
				return
			}
			for i, v := range got.Float32s() {
				if want := float32(i%200+1) * float32(5*(k+1)); v != want {
					errs <- fmt.Errorf("queue %d: element %d is %g, want %g", k, i, v, want)
					return
				}
			}
			errs <- q.Close()
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			r.Error(err)
		}
	}
}

// pictures go up as they are and are turned and normalised on the device.
func pictures(r *rig) {
	for _, d := range []tensor.DType{tensor.Uint8, tensor.Float32} {
		for _, norm := range []device.Normalize{{}, {Mean: []float32{.4, .5, .1}, Std: []float32{.2, .3, .7}}} {
			for _, s := range [][]int{{1, 3, 1, 1}, {3, 3, 7, 10}, {2, 3, 64, 33}} {
				b := graph.NewBuilder(false)
				x := b.Feed("x", device.Spec{DType: d, Shape: s}, norm)
				plan, err := b.Lower(graph.LowerSpec{Name: fmt.Sprint("picture ", d, s), Outputs: []*graph.Node{x}})
				r.must(err)
				out := plan.Arg(device.Output, "")
				if plan.Layout(out) != device.Picture || !slices.Equal(plan.Spec(out).Shape, []int{s[0], s[2], s[3], s[1]}) {
					r.Fatalf("output %v %v", plan.Spec(out), plan.Layout(out))
				}
				v := counting(d, tensor.Count(s)).Reshape(s...)
				prog := r.compile(plan)
				args := make([]device.Buffer, len(plan.Args))
				args[plan.Arg(device.Input, "x")] = r.up(v)
				args[out] = r.up(tensor.New(tensor.Float32, plan.Spec(out).Shape...))
				r.run(prog, args...)
				got := plan.Layout(out).FromDevice(r.down(args[out]))
				for i, x := range v.Float().Float32s() {
					if d == tensor.Uint8 {
						x /= 255
					}
					if norm.Std != nil {
						c := i / (s[2] * s[3]) % 3
						x = (x - norm.Mean[c]) / norm.Std[c]
					}
					if g := got.Float32s()[i]; g != r.dev.Info().Activations.Round(x) && g != x {
						r.Fatalf("%v %v: element %d is %g, want %g", d, s, i, g, x)
					}
				}
			}
		}
	}
}

// casts round to the nearest.
func casts(r *rig) {
	x := tensor.FromFloat32([]float32{0, 1, -1.0009765, 65519, 1e-8, 3.14159, -200.7, 255}, 8)
	info := r.dev.Info()
	for _, from := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16, tensor.Uint8, tensor.Int64} {
		for _, to := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
			if !info.Takes(from) || !info.Takes(to) || from != tensor.Float32 && to != tensor.Float32 {
				continue
			}
			src := x.To(from)
			p := &device.Plan{Name: "cast"}
			in := p.Bind(device.Value{Shape: []int{8}, DType: from}, device.Arg{Role: device.Input})
			mid := p.Add(device.Value{Shape: []int{8}, DType: to, Full: true})
			back := p.Add(device.Value{Shape: []int{8}, DType: tensor.Float32, Full: true})
			out := p.Bind(device.Value{Shape: []int{8}, DType: to}, device.Arg{Role: device.Output})
			p.Steps = []device.Step{device.Cast(in, mid), device.Cast(mid, back), device.Cast(back, out)}
			prog := r.compile(p.Settle())
			a, b := r.up(src), r.up(tensor.New(to, 8))
			r.run(prog, a, b)
			if got, want := r.down(b), src.To(to); !same(got, want) {
				r.Errorf("%v to %v: %v, want %v", from, to, got, want)
			}
		}
	}
}

// passed events may be waited for by anybody, and the queue's error is its user's all the same.
func passed(r *rig) {
	a := r.up(tensor.FromFloat32([]float32{1, 2, 3}, 3))
	bad := r.q.Write(a, tensor.New(tensor.Float32, 5))
	good := r.q.Write(a, tensor.FromFloat32([]float32{4, 5, 6}, 3))
	told := make(chan error)
	for _, e := range []device.Event{bad, good} {
		go func() { told <- e.Passed(context.Background()) }()
	}
	for range 2 {
		if err := <-told; err != nil {
			r.Errorf("who waits for a piece of another's queue is told %v", err)
		}
	}
	over, end := context.WithCancel(context.Background())
	end()
	if err := good.Passed(over); !errors.Is(err, context.Canceled) {
		r.Errorf("a context that has ended gives %v", err)
	}
	if err := good.Wait(context.Background()); err == nil {
		r.Errorf("the queue's error was taken from its user")
	}
	if err := r.q.Wait(context.Background()); err != nil {
		r.Errorf("told twice: %v", err)
	}
}

// classes that come as bytes are whole numbers of which a kernel takes what it takes of others.
func classes(r *rig) {
	n := 1031
	x, want := tensor.New(tensor.Uint8, n), tensor.New(tensor.Int64, n)
	for i := range n {
		x.Uint8s()[i], want.Int64s()[i] = uint8(i*7), int64(uint8(i*7))
	}
	b := graph.NewBuilder(false)
	y := b.Target("y", device.Spec{DType: tensor.Uint8, Shape: []int{n}})
	hot := b.OneHot(y, 256)
	plan, err := b.Lower(graph.LowerSpec{Name: "classes", Outputs: []*graph.Node{hot}})
	if err != nil {
		r.Fatal(err)
	}
	in, out := r.up(x), r.up(tensor.New(tensor.Float32, n, 256))
	r.run(r.compile(plan), in, out)
	for i, v := range r.down(out).Float32s() {
		if one := int64(i%256) == want.Int64s()[i/256]; one != (v == 1) {
			r.Fatalf("element %d of class %d is %v", i%256, want.Int64s()[i/256], v)
		}
	}
}

// activations are kept as a plan says, over the same arguments: a temporary is rounded to the kind the plan
// names, and to none that a Full one has.
func activations(r *rig) {
	info := r.dev.Info()
	x := tensor.FromFloat32([]float32{1.0001, -3.1415927, 100.03, 7.7e-3}, 4)
	in := r.up(x)
	for _, d := range append([]tensor.DType{tensor.Float32}, info.Mixed...) {
		for _, full := range []bool{false, true} {
			p := &device.Plan{Name: "activations", Activations: d}
			a := p.Bind(device.Value{Shape: []int{4}, DType: tensor.Float32}, device.Arg{Role: device.Input})
			mid := p.Add(device.Value{Shape: []int{4}, DType: tensor.Float32, Full: full})
			out := p.Bind(device.Value{Shape: []int{4}, DType: tensor.Float32}, device.Arg{Role: device.Output})
			leak := func(in, out device.ValueID) device.Step {
				return device.Step{Op: "act", Attrs: device.Act{Slope: 1}, In: []device.ValueID{in}, Out: []device.ValueID{out}, Host: copyHost}
			}
			p.Steps = []device.Step{leak(a, mid), leak(mid, out)}
			prog := r.compile(p.Settle())
			b := r.up(tensor.New(tensor.Float32, 4))
			r.run(prog, in, b)
			got := r.down(b)
			for i, v := range x.Float32s() {
				want := p.Stored(info).Round(v)
				if full {
					want = v
				}
				if got.Float32s()[i] != want {
					r.Errorf("%v, full %v: %g came out as %g, want %g", d, full, v, got.Float32s()[i], want)
				}
			}
		}
	}
}

func copyHost(out, in []*tensor.Tensor) error {
	copy(out[0].Float32s(), in[0].Float32s())
	return nil
}

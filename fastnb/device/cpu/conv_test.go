package cpu

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestFusedNorm: a convolution with the batch norm of evaluation behind it is one step, gives what the two give apart,
// and follows a weight that changes, however often its packed form was used.
func TestFusedNorm(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, s := range []struct{ n, side, c, o, kernel, stride int }{{2, 9, 20, 35, 3, 1}, {1, 6, 8, 40, 1, 1}, {1, 9, 16, 24, 3, 2}, {4, 16, 64, 64, 3, 1}} {
		for _, residual := range []bool{false, true} {
			d := New(2)
			a := device.Conv{Stride: [2]int{s.stride, s.stride}, Pad: [4]int{s.kernel / 2, s.kernel / 2, s.kernel / 2, s.kernel / 2}}
			out := (s.side-1)/s.stride + 1
			shapes := [][]int{{s.n, s.side, s.side, s.c}, {s.o, s.kernel, s.kernel, s.c}, {s.o}, {s.o}, {s.o}, {s.o}, {s.n, out, out, s.o}, {s.n, out, out, s.o}}
			p := &device.Plan{Name: "test"}
			var bufs []device.Buffer
			q := d.NewQueue()
			write := func(i int) {
				v := tensor.New(tensor.Float32, shapes[i]...)
				for k := range v.Float32s() {
					v.Float32s()[k] = float32(rng.NormFloat64())
					if i == 3 {
						v.Float32s()[k] = rng.Float32() + .5
					}
				}
				q.Write(bufs[i], v)
			}
			var ids []device.ValueID
			for i, sh := range shapes {
				role := device.Parameter
				switch i {
				case 0, 6:
					role = device.Input
				case 7:
					role = device.Output
				}
				ids = append(ids, p.Bind(device.Value{Shape: sh}, device.Arg{Role: role}))
				b, err := d.Alloc(device.Spec{DType: tensor.Float32, Shape: sh})
				if err != nil {
					t.Fatal(err)
				}
				bufs = append(bufs, b)
				write(i)
			}
			mid := p.Add(device.Value{Shape: shapes[7]})
			norm := device.BatchNorm{Eps: 1e-5, ReLU: true, Residual: residual}
			in := []device.ValueID{mid, ids[2], ids[3], ids[4], ids[5]}
			if residual {
				in = append(in, ids[6])
			}
			p.Steps = []device.Step{
				{Op: "conv2d", Attrs: a, In: []device.ValueID{ids[0], ids[1]}, Out: []device.ValueID{mid}},
				{Op: "bn_eval", Attrs: norm, In: in, Out: []device.ValueID{ids[7]}},
			}
			p.Settle()
			prog, err := d.Compile(p)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(prog.(*program).steps); n != 1 {
				t.Fatalf("%+v: %d steps, want them as one", s, n)
			}
			for round := range 5 {
				if round == 3 {
					write(1) // the weight changes
				}
				q.Run(context.Background(), prog, bufs...)
				if err := q.Wait(context.Background()); err != nil {
					t.Fatal(err)
				}
				f := func(i int) []float32 { return bufs[i].(*buffer).f }
				y := val{shape: shapes[7], f: floats(len(f(7)))}
				apartFrom(t, d, a, norm, f, shapes, y)
			}
			d.Close()
		}
	}
}

// apartFrom holds the fused result in f(7) against the two ops one after the other.
func apartFrom(t *testing.T, d *Device, a device.Conv, norm device.BatchNorm, f func(int) []float32, shapes [][]int, y val) {
	t.Helper()
	c := &call{dev: d, in: []val{{shape: shapes[0], f: f(0)}, {shape: shapes[1], f: f(1)}}, out: []val{y}}
	c.directForward(a, d.plainFinish(shapes[1][0]))
	c = &call{dev: d, in: []val{y, {f: f(2)}, {f: f(3)}, {f: f(4)}, {f: f(5)}}, out: []val{y}}
	if norm.Residual {
		c.in = append(c.in, val{f: f(6)})
	}
	if err := bnEval(norm, c); err != nil {
		t.Fatal(err)
	}
	want := make([]float64, len(y.f))
	for i, v := range y.f {
		want[i] = float64(v)
	}
	if d := apart(f(7), want); !(d < winoTol) {
		t.Errorf("%v: apart %g", shapes[1], d)
	}
}

// TestNotFinite: an infinity or a NaN reaches what it reaches in a direct convolution, and its gradients, and nothing
// more, though Winograd's filtering is chosen.
func TestNotFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	xs, ws := []int{4, 16, 16, 64}, []int{64, 3, 3, 64}
	n := 4 * 16 * 16 * 64
	a := device.Conv{Stride: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}}
	for _, isa := range available[:max(1, len(available)-1)] {
		d := New(2)
		d.isa = isa
		if d.chooseWino(a, ws, xs, xs, 1, 1, winoBackCost) == nil {
			t.Fatal("the case must be one for Winograd's filtering")
		}
		for _, odd := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
			x, w, dy := normal(rng, n), normal(rng, 64*9*64), normal(rng, n)
			x[n/3], dy[n/5] = float32(odd), float32(odd)
			in := func(s []int, f []float32) val { return val{shape: s, f: f} }
			for name, run := range map[string]func(direct bool, out []float32) error{
				"forward": func(direct bool, out []float32) error {
					c := &call{dev: d, in: []val{in(xs, x), in(ws, w)}, out: []val{in(xs, out)}}
					if direct {
						c.directForward(a, d.plainFinish(64))
						return nil
					}
					return convForward(a, c)
				},
				"by input": func(direct bool, out []float32) error {
					c := &call{dev: d, in: []val{in(xs, dy), in(ws, w)}, out: []val{in(xs, out)}}
					if direct {
						return directDX(a, c)
					}
					return convDX(a, c)
				},
				"by weights": func(direct bool, out []float32) error {
					c := &call{dev: d, in: []val{in(xs, x), in(xs, dy)}, out: []val{in(ws, out[:len(w)])}}
					if direct {
						return directDW(a, c)
					}
					return convDW(a, c)
				},
			} {
				got, want := make([]float32, n), make([]float32, n)
				if err := errors.Join(run(true, want), run(false, got)); err != nil {
					t.Fatal(err)
				}
				for i, v := range want {
					if math.Float32bits(v) != math.Float32bits(got[i]) && (v == v || got[i] == got[i]) {
						t.Fatalf("%s %s, %g: %d is %g, want %g", isa.name, name, odd, i, got[i], v)
					}
				}
			}
		}
		d.Close()
	}
}

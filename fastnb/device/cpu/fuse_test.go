package cpu

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestFusedSum: a sum of gradients under a ReLU's mask is one step and gives what the two give, and a sum that somebody
// else looks at stays a step.
func TestFusedSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	shape := []int{3, 5, 7, 123}
	n := tensor.Count(shape)
	for _, isa := range available {
		for _, seen := range []bool{false, true} {
			d := New(2)
			d.isa = isa
			p := &device.Plan{Name: "test"}
			q := d.NewQueue()
			var bufs []device.Buffer
			var vals [][]float32
			bind := func(role device.Role) device.ValueID {
				id := p.Bind(device.Value{Shape: shape}, device.Arg{Role: role, Index: len(bufs)})
				b, err := d.Alloc(device.Spec{DType: tensor.Float32, Shape: shape})
				if err != nil {
					t.Fatal(err)
				}
				v := normal(rng, n)
				v[5], v[n-3] = float32(math.NaN()), float32(math.Inf(1))
				q.Write(b, tensor.FromFloat32(v, shape...))
				bufs, vals = append(bufs, b), append(vals, v)
				return id
			}
			a, b, y, out := bind(device.Input), bind(device.Input), bind(device.Input), bind(device.Output)
			sum := p.Add(device.Value{Shape: shape})
			p.Steps = []device.Step{
				{Op: "add", In: []device.ValueID{a, b}, Out: []device.ValueID{sum}},
				{Op: "relu_grad", In: []device.ValueID{sum, y}, Out: []device.ValueID{out}},
			}
			want := 1
			if seen {
				p.Steps = append(p.Steps, device.Step{Op: "add", In: []device.ValueID{sum, a}, Out: []device.ValueID{bind(device.Output)}})
				want = 3
			}
			prog, err := d.Compile(p.Settle())
			if err != nil {
				t.Fatal(err)
			}
			if k := len(prog.(*program).steps); k != want {
				t.Fatalf("%d steps, want %d", k, want)
			}
			q.Run(context.Background(), prog, bufs...)
			if err := q.Wait(context.Background()); err != nil {
				t.Fatal(err)
			}
			for i, got := range bufs[3].(*buffer).f {
				w := vals[0][i] + vals[1][i]
				if vals[2][i] <= 0 {
					w = 0
				}
				if got != w && (got == got || w == w) {
					t.Fatalf("%s: %d is %g, want %g", isa.name, i, got, w)
				}
			}
			d.Close()
		}
	}
}

package opencl_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/hostdev"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// A table's derivative is right where words come many times, in texts of many tiles, and never touches the row of
// the padding.
func TestEmbeddingOfManyWords(t *testing.T) {
	dev := open(t, tensor.Float32)
	for _, s := range []struct{ n, t, from, v, e, chunk, pad int }{
		{3, 900, 0, 40, 5, 0, 7}, {64, 70, 0, 1000, 12, 0, 1}, {7, 300, 37, 3, 600, 50, -1}, {1, 5, 2, 9, 4, 0, 0},
	} {
		b := graph.NewBuilder(true)
		x := b.Embedding(b.Input("ids", tensor.Int64, s.n, s.t), b.Param("w", s.v, s.e), graph.EmbeddingOptions{
			From: s.from, To: s.t, Pad: s.pad, P: .2, Chunk: s.chunk, Mask: b.NewMask(),
		})
		plan, err := b.Lower(graph.LowerSpec{Name: fmt.Sprint(s), Loss: b.MSE(x, b.Input("target", tensor.Float32, b.Shape(x)...)), Grads: []string{"w"}})
		if err != nil {
			t.Fatal(err)
		}
		want, got := gradient(t, hostdev.New(), plan, s.v), gradient(t, dev, plan, s.v)
		top := want.Abs().Max()
		for i, w := range want.Float32s() {
			if d := math.Abs(float64(got.Float32s()[i] - w)); !(d <= 2e-5*top) {
				t.Fatalf("%+v: word %d: feature %d: %g, want %g", s, i/s.e, i%s.e, got.Float32s()[i], w)
			}
			if i/s.e == s.pad && got.Float32s()[i] != 0 {
				t.Fatalf("%+v: padding has a gradient", s)
			}
		}
	}
}

// gradient runs a plan over words below v, half of them among three, and gives its gradient.
func gradient(t *testing.T, dev device.Device, plan *device.Plan, v int) *tensor.Tensor {
	t.Helper()
	ctx, q, r := context.Background(), dev.NewQueue(), rand.New(rand.NewPCG(5, 6))
	prog, err := dev.Compile(plan)
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()
	var args []device.Buffer
	for _, a := range plan.Args {
		x := tensor.New(plan.Values[a.Value].DType, plan.Values[a.Value].Shape...)
		for i := range x.Float32s() {
			x.Float32s()[i] = float32(r.NormFloat64())
		}
		for i := range x.Int64s() {
			x.Int64s()[i] = int64(r.IntN(v))
			if i%2 == 0 {
				x.Int64s()[i] = int64(r.IntN(3))
			}
		}
		buf, err := dev.Alloc(device.SpecOf(x))
		if err != nil {
			t.Fatal(err)
		}
		q.Write(buf, x)
		args = append(args, buf)
	}
	q.Run(ctx, prog, args...)
	i := plan.Arg(device.Grad, "w")
	out := tensor.New(tensor.Float32, plan.Spec(i).Shape...)
	if err := q.Read(out, args[i]).Wait(ctx); err != nil {
		t.Fatal(err)
	}
	return out
}

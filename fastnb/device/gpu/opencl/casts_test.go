package opencl_test

import (
	"context"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// Many weights of any size are cast in common launches, each to its own place.
func TestCastsOfWeights(t *testing.T) {
	sizes := []int{1, 2047, 2048, 2049, 5, 300, 9000, 1, 64, 7, 4096}
	for _, kind := range []tensor.DType{tensor.Float16, tensor.BFloat16} {
		dev := open(t, kind)
		q := dev.NewQueue()
		up := func(x *tensor.Tensor) device.Buffer {
			b, err := dev.Alloc(device.SpecOf(x))
			if err != nil {
				t.Fatal(err)
			}
			q.Write(b, x)
			return b
		}
		// Each weight, a column, times 1.
		p := &device.Plan{Name: "columns"}
		one := p.Bind(device.Value{Shape: []int{1, 1}}, device.Arg{Role: device.Input})
		args := []device.Buffer{up(tensor.FromFloat32([]float32{1}, 1, 1))}
		var weights []*tensor.Tensor
		for k, n := range sizes {
			x := tensor.New(tensor.Float32, n, 1)
			for i := range x.Float32s() {
				x.Float32s()[i] = float32(i%100+k) / 7
			}
			w := p.Bind(device.Value{Shape: []int{n, 1}}, device.Arg{Role: device.Parameter})
			out := p.Bind(device.Value{Shape: []int{1, n}}, device.Arg{Role: device.Output})
			p.Steps = append(p.Steps, device.Step{Op: "matmul", Attrs: device.MatMul{TransB: true}, In: []device.ValueID{one, w}, Out: []device.ValueID{out}})
			weights, args = append(weights, x), append(args, up(x), up(tensor.New(tensor.Float32, 1, n)))
		}
		prog, err := dev.Compile(p.Settle())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			q.Run(context.Background(), prog, args...)
		}
		for k, x := range weights {
			got := tensor.New(tensor.Float32, 1, sizes[k])
			if err := q.Read(got, args[2+2*k]).Wait(context.Background()); err != nil {
				t.Fatal(err)
			}
			for i, v := range x.Float32s() {
				if want := kind.Round(v); got.Float32s()[i] != want {
					t.Fatalf("%v: weight %d of %d, element %d: %g, want %g", kind, k, sizes[k], i, got.Float32s()[i], want)
				}
			}
		}
	}
}

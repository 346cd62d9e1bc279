package devicetest

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/hostdev"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// compareSoft compares cross-entropy with weighted and with smoothed classes.
func compareSoft(t T, dev device.Device) {
	const rows, classes = 13, 29 // class numbers of the suite's fill are 11, 12, ...
	weights := make([]float32, classes)
	for k := range weights {
		weights[k] = float32(k%4) / 2
	}
	for _, eps := range []float32{0, .1, -1} { // -1: classes with weights
		for _, soft := range []bool{true, false} {
			b := graph.NewBuilder(true)
			x := b.Param("x", rows, classes)
			y := b.Input("y", tensor.Int64, rows)
			if soft {
				y = b.Input("weights", tensor.Float32, rows, classes)
			}
			var loss *graph.Node
			if eps < 0 {
				loss = b.WeightedCrossEntropy(x, y, weights)
			} else {
				loss = b.SoftCrossEntropy(x, y, eps)
			}
			plan, err := b.Lower(graph.LowerSpec{Name: fmt.Sprint("soft ", soft, " eps ", eps), Loss: loss, Grads: []string{"x"}})
			if err != nil {
				t.Fatal(err)
			}
			agree(t, dev, plan, tol)
		}
	}
}

// compareAccumulate adds gradients up, over what was there and onto it.
func compareAccumulate(t T, dev device.Device) {
	shapes := [][]int{{37}, {5, 3, 3, 7}}
	plan := optim.Accumulate(shapes)
	var results [][]*tensor.Tensor
	for _, d := range []device.Device{hostdev.New(), dev} {
		r := newRig(t, d)
		prog := r.compile(plan)
		var args []device.Buffer
		for k, a := range plan.Args {
			x := tensor.New(tensor.Float32, plan.Values[a.Value].Shape...)
			for i := range x.Float32s() {
				x.Float32s()[i] = float32(i*(k+1)%17) - 8
			}
			args = append(args, r.up(x))
		}
		for _, h := range [][]float32{{0, 2}, {1, .5}, {.25, -1}} {
			r.write(args[0], tensor.FromFloat32(h, 2))
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

// compareSqNorm adds up the squares of more arrays than a launch takes, large and small.
func compareSqNorm(t T, dev device.Device) {
	shapes := [][]int{{37}, {5, 3, 3, 7}, {1}, {40000}, {3}, {129, 3}, {2}, {8}, {70, 70}, {31}, {1000}}
	agree(t, dev, optim.SqNorm(shapes), tol)
}

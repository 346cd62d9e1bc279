package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/device/devicetest"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// Batches that go up before their turn, and those that were said to and did not come, change nothing on a device
// that works late.
func TestAhead(t *testing.T) {
	ctx := context.Background()
	train := func(ahead func(i int) int) (losses []float32, n int) {
		dev := devicetest.NewFake(tensor.Float32)
		net, groups := toyNet()
		e, err := engine.New(dev, net, nn.MSELossFlat, groups, optim.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		var all []engine.Batch
		for i := range 9 {
			rows := 6
			if i == 5 { // a smaller batch, which is its program's first
				rows = 4
			}
			all = append(all, engine.Batch{X: []*tensor.Tensor{goldentest.Fill(fmt.Sprint("x", i), 1, 0, rows, 4)}, Y: []*tensor.Tensor{goldentest.Fill(fmt.Sprint("y", i), 1, 0, rows, 3)}})
		}
		for i, b := range all {
			r, err := e.Train(ctx, b)
			if err != nil {
				t.Fatal(err)
			}
			next := ahead(i)
			if next >= 0 && next < len(all) {
				e.Ahead(all[next], r)
			}
			l, err := r.Loss(ctx)
			if err != nil {
				t.Fatal(i, err)
			}
			if i == 6 { // what is ahead goes with the programs
				e.DropPrograms()
			}
			if err := e.Step([]engine.Hyper{{LR: .1, Mom: .9}}); err != nil {
				t.Fatal(err)
			}
			losses = append(losses, l)
		}
		return losses, e.Foreseen()
	}
	want, _ := train(func(int) int { return -1 })
	for name, c := range map[string]struct {
		next func(int) int
		n    int
	}{
		"each next one":     {func(i int) int { return i + 1 }, 6}, // not where a program is new: batches 0, 5, 7
		"one that was cut":  {func(i int) int { return i + 1 + i%2 }, 2},
		"one that has been": {func(i int) int { return i }, 0},
	} {
		if got, n := train(c.next); !slices.Equal(got, want) || n != c.n {
			t.Errorf("%s: %d ahead: losses %v, want %v", name, n, got, want)
		}
	}
}

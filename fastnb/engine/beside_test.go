package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// TestLooksAreBetweenSteps: what an engine computes, inspects or reads while another one trains the same weights is
// what they were between two steps, never amid one.
func TestLooksAreBetweenSteps(t *testing.T) {
	const steps = 40
	ctx := context.Background()
	x, y := []*tensor.Tensor{goldentest.Fill("x", 1, 0, 6, 4)}, []*tensor.Tensor{goldentest.Fill("y", 1, 0, 6, 3)}
	looks := map[string]func(e *engine.Engine) (string, error){
		"Eval": func(e *engine.Engine) (string, error) {
			_, out, err := e.Eval(ctx, x, nil)
			return seen(out), err
		},
		"Inspect": func(e *engine.Engine) (string, error) {
			a, err := e.Inspect(ctx, x[0], "", nil)
			if err != nil {
				return "", err
			}
			return seen(a.Output), nil
		},
		"State": func(e *engine.Engine) (string, error) {
			s, err := e.State()
			text := ""
			for _, name := range slices.Sorted(maps.Keys(s)) {
				text += seen(s[name])
			}
			return text, err
		},
		"Hold": func(e *engine.Engine) (string, error) {
			defer e.Hold()()
			_, out, err := e.Eval(ctx, x, nil)
			if err != nil {
				return "", err
			}
			_, again, err := e.Eval(ctx, x, nil)
			if err == nil && !slices.Equal(out.Float32s(), again.Float32s()) {
				err = fmt.Errorf("weights moved while they were held")
			}
			return seen(out), err
		},
	}
	for _, name := range goldentest.Devices {
		for what, look := range looks {
			t.Run(name+"/"+what, func(t *testing.T) {
				step := func(e *engine.Engine, between func()) {
					t.Helper()
					if _, err := e.Train(ctx, engine.Batch{X: x, Y: y}); err != nil {
						t.Fatal(err)
					}
					between() // running statistics have moved
					if err := e.Step([]engine.Hyper{{LR: .1}}); err != nil {
						t.Fatal(err)
					}
				}
				one, two := besides(t, name)
				known := map[string]bool{}
				see := func() {
					got, err := look(two)
					if err != nil {
						t.Fatal(err)
					}
					if known[got] {
						t.Fatalf("look %d sees nothing new", len(known))
					}
					known[got] = true
				}
				see()
				for range steps {
					step(one, see)
					see()
				}
				one, two = besides(t, name)
				done, bad := make(chan bool), make(chan string, 1)
				go func() {
					defer close(bad)
					for n := 0; ; n++ {
						got, err := look(two)
						if err != nil || !known[got] {
							bad <- fmt.Sprintf("look %d: %v, known: %v", n, err, known[got])
							return
						}
						select {
						case <-done:
							return
						default:
						}
					}
				}()
				for range steps {
					step(one, func() {})
				}
				close(done)
				for b := range bad {
					t.Error(b)
				}
			})
		}
	}
}

// besides are two engines on one network.
func besides(t *testing.T, name string) (one, two *engine.Engine) {
	t.Helper()
	dev, err := device.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	net, groups := toyNet()
	if one, err = engine.New(dev, net, nn.MSELossFlat, groups, optim.Config{}); err != nil {
		t.Fatal(err)
	}
	if two, err = engine.New(engine.HomeOf(net), net, nn.MSELossFlat, groups, optim.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(two.Close)
	t.Cleanup(one.Close)
	return one, two
}

func seen(t *tensor.Tensor) string {
	if t == nil {
		return ""
	}
	return fmt.Sprint(t.Float32s())
}

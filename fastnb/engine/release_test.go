package engine

import (
	"context"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/hostdev"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// counter is a device that counts what lives on it.
type counter struct {
	device.Device
	buffers, programs int
}

func (c *counter) Alloc(s device.Spec) (device.Buffer, error) {
	c.buffers++
	return c.Device.Alloc(s)
}

func (c *counter) NewQueue() device.Queue { return unwrap{c.Device.NewQueue()} }

// unwrap is a queue that runs counted programs.
type unwrap struct{ device.Queue }

func (q unwrap) Run(ctx context.Context, p device.Program, args ...device.Buffer) device.Event {
	return q.Queue.Run(ctx, p.(counted).Program, args...)
}

func (c *counter) Free(b device.Buffer) { c.buffers--; c.Device.Free(b) }

func (c *counter) Compile(p *device.Plan) (device.Program, error) {
	pr, err := c.Device.Compile(p)
	c.programs++
	return counted{pr, c}, err
}

type counted struct {
	device.Program
	c *counter
}

func (p counted) Close() { p.c.programs--; p.Program.Close() }

func TestPurgeAndClose(t *testing.T) {
	net := nn.NewSequential(nn.NewLinear(3, 4), nn.NewReLU(), nn.NewLinear(4, 2))
	nn.NamePaths(net, "")
	dev := &counter{Device: hostdev.New()}
	e, err := New(dev, net, nn.MSELossFlat, [][]*nn.Param{nn.AllParams(net)}, optim.Config{Kind: "adam"})
	if err != nil {
		t.Fatal(err)
	}
	fresh := dev.buffers
	x, y := tensor.New(tensor.Float32, 5, 3), tensor.New(tensor.Float32, 5, 2)
	step := func() {
		t.Helper()
		if _, _, err := e.TrainBatch(context.Background(), []*tensor.Tensor{x}, []*tensor.Tensor{y}); err != nil {
			t.Fatal(err)
		}
		if err := e.Step([]Hyper{{LR: .01}}); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if _, _, err := e.Eval(context.Background(), []*tensor.Tensor{x}, nil); err != nil {
		t.Fatal(err)
	}
	before, _ := e.State()
	e.Purge()
	if dev.programs != 1 { // the optimizer's
		t.Errorf("%d programs after Purge", dev.programs)
	}
	after, _ := e.State()
	for k, v := range before {
		for i, f := range v.Float32s() {
			if after[k].Float32s()[i] != f {
				t.Fatalf("%s changed", k)
			}
		}
	}
	step() // works on
	e.ZeroOptimizer()
	e.Purge()
	if dev.buffers != fresh || dev.programs != 0 {
		t.Errorf("%d buffers and %d programs, %d buffers when it was new", dev.buffers, dev.programs, fresh)
	}
	step()
	e.Close()
	if dev.buffers != 0 || dev.programs != 0 {
		t.Errorf("%d buffers and %d programs are left", dev.buffers, dev.programs)
	}
}

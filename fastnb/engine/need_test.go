package engine_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestPrepare: what fits is prepared; what does not is told, and leaves the engine able to train on what does.
func TestPrepare(t *testing.T) {
	dev, err := device.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	net, groups := toyNet()
	eng, err := engine.New(dev, net, nn.MSELossFlat, groups, optim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	prepare := func(rows int) error {
		return eng.Prepare([]engine.Spec{{DType: tensor.Float32, Shape: []int{rows, 4}}}, []engine.Spec{{DType: tensor.Float32, Shape: []int{rows, 3}}}, device.Normalize{})
	}
	if err := prepare(6); err != nil {
		t.Error(err)
	}
	err = prepare(1 << 40)
	if !errors.Is(err, engine.ErrMemory) || !strings.Contains(err.Error(), "training on cpu with a batch of [1099511627776 4]") || !strings.Contains(err.Error(), "smaller pictures") {
		t.Error(err)
	}
	// The batch size that it names fits, and twice as much does not.
	_, rest, _ := strings.Cut(err.Error(), "batch size of ")
	n, _, _ := strings.Cut(rest, ",")
	rows, numErr := strconv.Atoi(n)
	if numErr != nil || rows < 2 {
		t.Fatal(err)
	}
	if err := prepare(rows); err != nil {
		t.Error(err)
	}
	if err := prepare(2 * rows); !errors.Is(err, engine.ErrMemory) {
		t.Errorf("%d rows, told to be too many by half: %v", 2*rows, err)
	}
	if err := prepare(6); err != nil {
		t.Error("afterwards:", err)
	}
}

// tight is a device that is full, and whose queues have a place for temporaries.
type tight struct {
	device.Device
	place int64
}

func (tight) FreeMemory() int64 { return 1000 }

func (d tight) NewQueue() device.Queue { return placed{d.Device.NewQueue(), d.place} }

type placed struct {
	device.Queue
	place int64
}

func (p placed) Place() int64 { return p.place }

// TestSharedPlace: what a queue has for temporaries counts as free.
func TestSharedPlace(t *testing.T) {
	for _, c := range []struct {
		place int64
		fits  bool
	}{{0, false}, {1 << 20, true}} {
		cpu, err := device.Open("cpu")
		if err != nil {
			t.Fatal(err)
		}
		net, groups := toyNet()
		eng, err := engine.New(tight{cpu, c.place}, net, nn.MSELossFlat, groups, optim.Config{})
		if err != nil {
			t.Fatal(err)
		}
		err = eng.Prepare([]engine.Spec{{DType: tensor.Float32, Shape: []int{60, 4}}}, []engine.Spec{{DType: tensor.Float32, Shape: []int{60, 3}}}, device.Normalize{})
		if fits := err == nil; fits != c.fits {
			t.Errorf("a place of %d bytes: %v", c.place, err)
		}
		eng.Close()
	}
}

package fastnb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/hostdev"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// lossy is a device that can be lost.
type lossy struct{ device.Device }

var lossyGone atomic.Bool

func init() {
	device.Register("lossy", -1, func() (device.Device, error) { return lossy{hostdev.New()}, nil })
}

func (d lossy) NewQueue() device.Queue { return lossyQueue{d.Device.NewQueue()} }

type lossyQueue struct{ device.Queue }

type lossyEvent struct{ device.Event }

func gone(err error) error {
	if lossyGone.Load() {
		return device.ErrLost
	}
	return err
}

func (q lossyQueue) Wait(ctx context.Context) error { return gone(q.Queue.Wait(ctx)) }
func (e lossyEvent) Wait(ctx context.Context) error { return gone(e.Event.Wait(ctx)) }
func (q lossyQueue) Read(dst *tensor.Tensor, src device.Buffer) device.Event {
	return lossyEvent{q.Queue.Read(dst, src)}
}

func (q lossyQueue) Write(dst device.Buffer, src *tensor.Tensor) device.Event {
	return lossyEvent{q.Queue.Write(dst, src)}
}

// TestLostDevice: a device that is lost is the error of whatever asks it next, and what was saved stays as it was.
func TestLostDevice(t *testing.T) {
	lossyGone.Store(false)
	defer lossyGone.Store(false)
	l := trajectoryLearner(t, "lossy", goldenTensors(t, "trajectories.safetensors"), 2)
	if err := l.Fit(1, LR(1e-3)); err != nil {
		t.Fatal(err)
	}
	if err := l.Save("good"); err != nil {
		t.Fatal(err)
	}
	file := l.Path.Join("models", "good.safetensors").String()
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lose := Callback{BeforeBatch: func(l *Learner) error { lossyGone.Store(l.Iteration == 2); return nil }}
	err = l.Fit(1, LR(1e-3), Callbacks(lose))
	if !errors.Is(err, device.ErrLost) || !strings.Contains(err.Error(), "restarting the kernel") {
		t.Errorf("the fit: %v", err)
	}
	lossyGone.Store(true)
	if err := l.Save("good"); !errors.Is(err, device.ErrLost) {
		t.Errorf("saving: %v", err)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("what was saved has changed: %v", err)
	}
	l.Destroy()
	lossyGone.Store(false)
	other := trajectoryLearner(t, "cpu", goldenTensors(t, "trajectories.safetensors"), 2, ModelPath(l.Path))
	if err := other.Load("good"); err != nil {
		t.Error(err)
	}
}

// TestGPUMemory: a batch that a card has no room for is told with the size that it has room for, which is true, and
// the session goes on; Destroy and Purge give the memory back.
func TestGPUMemory(t *testing.T) {
	t.Setenv("FASTNB_GPU_MEMORY", "200")
	for _, dev := range gpuDevices(t) {
		t.Setenv("FASTNB_DEVICE", dev)
		keep, err := device.Open(dev) // the learners' device, to be asked
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = keep.Close() }()
		free := GPUMemFree()
		if free > 200 {
			t.Errorf("%d MB are free, and 200 are allowed", free)
		}
		net := trajectoryNet()
		d := &data.DataBunch{Loss: nn.CrossEntropyFlat, Path: datasets.NewPath(t.TempDir())}
		l, err := NewLearner(d, net, nil, Silent(true))
		if err != nil {
			t.Fatal(err)
		}
		step := func(rows int) error {
			x, y := tensor.New(tensor.Float32, rows, 3, 64, 64), tensor.New(tensor.Int64, rows)
			for i := range x.Float32s() {
				x.Float32s()[i] = float32(i%17) / 17
			}
			loss, _, err := l.forward(context.Background(), engine.Batch{X: []*Tensor{x}, Y: []*Tensor{y}}, false)
			if err == nil && (math.IsNaN(float64(loss)) || loss == 0) {
				t.Errorf("the loss of %d rows is %v", rows, loss)
			}
			return err
		}
		if err := step(4); err != nil {
			t.Fatal(err)
		}
		err = step(3000)
		_, rest, found := strings.Cut(errText(err), "try a batch size of ")
		n, _, _ := strings.Cut(rest, ",")
		rows, numErr := strconv.Atoi(n)
		if !errors.Is(err, engine.ErrMemory) || !found || numErr != nil || rows < 16 {
			t.Fatalf("%v", err)
		}
		t.Log(err)
		if err := step(rows); err != nil {
			t.Errorf("%d rows, told to fit: %v", rows, err)
		}
		if err := step(4); err != nil {
			t.Errorf("afterwards: %v", err)
		}
		if u := fmt.Sprint(l.usage()); !strings.Contains(u, dev+":0, ") || !strings.Contains(u, "[precision float32]") || !strings.Contains(u, " MB between layers") {
			t.Error(u)
		}
		inUse := GPUMemFree()
		if err := l.Purge(); err != nil {
			t.Error(err)
		}
		purged := GPUMemFree()
		l.Destroy()
		if end := GPUMemFree(); end < free-1 || purged < inUse+20 {
			t.Errorf("free MB: %d at first, %d in use, %d purged, %d at the end", free, inUse, purged, end)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestUsage: Summary's lines tell precision, memory and the time of a step.
func TestUsage(t *testing.T) {
	l := trajectoryLearner(t, "fake", goldenTensors(t, "trajectories.safetensors"), 2)
	if u := fmt.Sprint(l.usage()); strings.Contains(u, "time of a step") || !strings.Contains(u, "from the first batch on") {
		t.Error(u)
	}
	if err := errors.Join(l.ToFP16(LossScale(64)), l.Fit(1, LR(1e-3))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"[device fake]", "float16 between layers, float32 weights, loss scale 64", " MB weights", "(median of 4)"} {
		if u := fmt.Sprint(l.usage()); !strings.Contains(u, want) {
			t.Errorf("%s lacks %s", u, want)
		}
	}
}

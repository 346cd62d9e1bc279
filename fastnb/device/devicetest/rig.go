package devicetest

import (
	"context"
	"math"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// rig is a device and a queue of it, with mistakes as failures of the test.
type rig struct {
	T

	dev device.Device
	q   device.Queue
}

func newRig(t T, dev device.Device) *rig { return &rig{t, dev, dev.NewQueue()} }

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) wait() {
	r.Helper()
	r.must(r.q.Wait(context.Background()))
}

// up gives a buffer with the values of t, and spoils t as soon as the device has it: a source is no longer
// looked at after its event.
func (r *rig) up(t *tensor.Tensor) device.Buffer {
	r.Helper()
	b, err := r.dev.Alloc(device.SpecOf(t))
	r.must(err)
	r.write(b, t)
	return b
}

func (r *rig) write(b device.Buffer, t *tensor.Tensor) {
	r.Helper()
	src := t.Clone()
	r.must(r.q.Write(b, src).Wait(context.Background()))
	poison(src)
}

// down is what a buffer holds.
func (r *rig) down(b device.Buffer) *tensor.Tensor {
	r.Helper()
	s := b.Spec()
	t := tensor.New(s.DType, s.Shape...)
	r.must(r.q.Read(t, b).Wait(context.Background()))
	return t
}

func (r *rig) compile(p *device.Plan) device.Program {
	r.Helper()
	prog, err := r.dev.Compile(p)
	r.must(err)
	return prog
}

func (r *rig) run(p device.Program, args ...device.Buffer) {
	r.Helper()
	r.q.Run(context.Background(), p, args...)
}

// poison fills an array with what nobody would compute.
func poison(t *tensor.Tensor) {
	for i := range t.Float32s() {
		t.Float32s()[i] = float32(math.NaN())
	}
	for i := range t.Int64s() {
		t.Int64s()[i] = math.MinInt64 / 3
	}
	for i := range t.Uint8s() {
		t.Uint8s()[i] = 0xa5
	}
	for i := range t.Bits() {
		t.Bits()[i] = 0x7fff
	}
}

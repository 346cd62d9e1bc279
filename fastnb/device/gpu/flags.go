package gpu

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/fastnb/go/fastnb/device"
)

// A kernel cannot give an error: it raises the queue's flag (kernels/flag.h), and what is queued behind it
// changes nothing in place as long as the flag is up. Each run brings the flag down to a place of its own in
// page-locked memory, so that it is known which run raised it.

const (
	flagBytes = 64
	flagSlots = 64 // runs that may be queued and not looked at
)

type flags struct {
	mem   *memory // the flag
	slots []byte  // page-locked
	runs  []flagged
	count int64
	up    bool // it was found raised, and not lowered yet
}

// flagged is a run whose flag is looked at when its piece is done.
type flagged struct {
	n    int64
	slot []byte
	plan *device.Plan
}

// ready makes the flag when the first program that needs it runs.
func (f *flags) ready(q *queue) (err error) {
	if f.mem != nil {
		return nil
	}
	if f.slots, err = q.dev.host.take(flagBytes * flagSlots); err != nil {
		return err
	}
	m, err := q.dev.reserve(flagBytes)
	if err != nil {
		return err
	}
	if err := q.dev.zero(m); err != nil {
		m.free()
		return err
	}
	f.mem = m
	return nil
}

// down queues the copy of the flag to the host, behind a run.
func (f *flags) down(q *queue, p *device.Plan) error {
	if len(f.runs) == flagSlots {
		if err := q.until(context.Background(), f.runs[0].n); err != nil {
			return err
		}
	}
	at := int(f.count%flagSlots) * flagBytes
	f.count++
	slot := f.slots[at : at+flagBytes : at+flagBytes]
	f.runs = append(f.runs, flagged{q.n, slot, p})
	return q.stream.Download(slot, f.mem.at())
}

// look looks at the flags of runs that are done.
func (f *flags) look(q *queue, last int64) {
	for len(f.runs) > 0 && f.runs[0].n <= last {
		r := f.runs[0]
		f.runs = f.runs[1:]
		if r.n <= q.deaf || f.up {
			continue
		}
		if err := r.err(); err != nil {
			f.up = true
			q.fail(err, r.n)
		}
	}
}

// err is what a raised flag says, nil for one that is down.
func (r flagged) err() error {
	num := func(i int) int { return int(int32(binary.LittleEndian.Uint32(r.slot[4*i:]))) }
	step := num(0) - 1
	if step < 0 {
		return nil
	}
	bad := device.BadIndexError{What: "target", Value: int64(binary.LittleEndian.Uint64(r.slot[8:])), Row: num(4), Place: num(5), Count: num(6)}
	if num(1) == flagWord {
		bad.What = "word"
	}
	if step >= len(r.plan.Steps) {
		return fmt.Errorf("fastnb: %s: a kernel raised a flag for step %d of %d", r.plan.Name, step, len(r.plan.Steps))
	}
	return device.StepError(r.plan, &r.plan.Steps[step], bad)
}

// What a flag can be about, as in kernels/flag.h.
const flagWord = 1

func (f *flags) close(d *Device) {
	if f.mem != nil {
		f.mem.free()
	}
	if f.slots != nil {
		d.host.give(f.slots)
	}
	f.mem, f.slots, f.runs = nil, nil, nil
}

package gpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
)

// For tests the environment's FASTNB_GPU_POISON makes mistakes of kernels show. With 1 all temporaries are NaN
// before each run: what is read and was not written gives NaN. With 2 no place is used twice either, and behind
// each there is a zone that must be as it was when the run is over: what is written past an end is told.

// guarded is the value of FASTNB_GPU_POISON for zones.
const guarded = "2"

// spoilt is what memory is filled with: a NaN in every kind of storage.
const spoilt = 0xff

// zone is memory that belongs to nothing, behind something.
type zone struct {
	at, bytes int64
	behind    string
}

// nameOf names a temporary or scratch for people.
func (c *compiler) nameOf(r ref, st *device.Step) string {
	what := fmt.Sprintf("scratch %d of %d numbers", r.scratch, r.n)
	if r.scratch == 0 {
		what = fmt.Sprintf("value %d %s %v", r.value, c.plan.Values[r.value].Name, c.plan.Values[r.value].Shape)
	}
	return fmt.Sprintf("%s (%s %s)", what, st.Layer, st.Op)
}

// spoil fills the place for temporaries.
func (r *running) spoil() error {
	if r.q.dev.poison == "" || r.arena.Len == 0 {
		return nil
	}
	return r.stream.Fill(r.arena, spoilt, r.arena.Len)
}

// unspoilt is an error where something was written to a zone.
func (r *running) unspoilt() error {
	if len(r.p.zones) == 0 {
		return nil
	}
	found := make([][]byte, len(r.p.zones))
	for i, z := range r.p.zones {
		h, err := r.q.stage(int(z.bytes))
		if err != nil {
			return err
		}
		if err := r.stream.Download(h, Ptr{r.arena.Mem, r.arena.Off + z.at, z.bytes}); err != nil {
			return err
		}
		found[i] = h
	}
	if err := r.stream.Wait(); err != nil {
		return err
	}
	for i, z := range r.p.zones {
		for k, b := range found[i] {
			if b != spoilt {
				return fmt.Errorf("fastnb: %s: %s: something was written %d bytes behind the end of %s", r.q.dev.card.Driver, r.p.plan.Name, k, z.behind)
			}
		}
	}
	return nil
}

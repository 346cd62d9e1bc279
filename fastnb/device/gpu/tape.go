package gpu

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// A tape is a recording of a program's launches over certain addresses. The second run over the same addresses
// records, those behind it replay: the card then gets one call for a whole step of training.

// mostTapes is how many a queue keeps: training and evaluation, of a few shapes of batches.
const mostTapes = 16

type tape struct {
	program int64
	key     []Ptr
	rec     Recording // nil: seen once
	used    int64     // the last piece that replayed it
}

type tapes struct {
	list    []*tape // the most recent last
	retired []*tape // in use when they were given up
	key     []Ptr
}

// recordings says whether the environment allows tapes: FASTNB_GPU_GRAPHS=0 forbids them.
func recordings() bool { return os.Getenv("FASTNB_GPU_GRAPHS") != "0" }

// play runs r's launches from a tape, or says that there is none.
func (t *tapes) play(r *running) (bool, error) {
	rec, ok := r.stream.(Recorder)
	if !ok || r.q.dev.plain.Load() {
		return false, nil
	}
	t.key = append(t.key[:0], r.arena)
	for _, b := range r.args {
		t.key = append(t.key, b.at())
	}
	if r.p.flags {
		t.key = append(t.key, r.q.flags.mem.at())
	}
	i := slices.IndexFunc(t.list, func(x *tape) bool { return x.program == r.p.id && slices.Equal(x.key, t.key) })
	if i < 0 {
		if len(t.list) == mostTapes {
			t.retire(0, 1)
		}
		t.list = append(t.list, &tape{program: r.p.id, key: slices.Clone(t.key)})
		return false, nil
	}
	x := t.list[i]
	t.list = append(slices.Delete(t.list, i, i+1), x)
	if x.rec == nil {
		made, err := r.record(rec)
		if errors.Is(err, ErrLost) {
			return false, err
		}
		if err != nil { // nothing was done yet: it goes without
			if !r.q.dev.plain.Swap(true) {
				fmt.Fprintf(os.Stderr, "fastnb: %s: steps are launched one by one, as they cannot be recorded: %v\n", r.q.dev.card.Driver, err)
			}
			return false, nil
		}
		x.rec = made
	}
	x.used = r.q.n
	r.q.dev.played.Add(1)
	return true, rec.Replay(x.rec)
}

// record puts all launches on a tape.
func (r *running) record(rec Recorder) (Recording, error) {
	if err := rec.Begin(); err != nil {
		return nil, err
	}
	var bad error
	for i := range r.p.calls {
		if bad = r.call(&r.p.calls[i]); bad != nil {
			break
		}
	}
	made, err := rec.End()
	if bad != nil {
		if err == nil {
			made.Close()
		}
		return nil, bad
	}
	return made, err
}

// retire gives tapes up.
func (t *tapes) retire(from, to int) {
	for _, x := range t.list[from:to] {
		if x.rec != nil {
			t.retired = append(t.retired, x)
		}
	}
	t.list = slices.Delete(t.list, from, to)
}

// forget gives the tapes of a program up.
func (t *tapes) forget(program int64) {
	for i := len(t.list) - 1; i >= 0; i-- {
		if t.list[i].program == program {
			t.retire(i, i+1)
		}
	}
}

// sweep closes those that no work uses any more.
func (t *tapes) sweep(last int64) {
	t.retired = slices.DeleteFunc(t.retired, func(x *tape) bool {
		if x.used <= last {
			x.rec.Close()
		}
		return x.used <= last
	})
}

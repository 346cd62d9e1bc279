package device

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/fastnb/go/fastnb/tensor"
)

// Times adds up where a device's time goes: by op, and by op and layer. It is what a Profiler keeps.
type Times struct {
	processor bool // its table has a column of processor time
	mu        sync.Mutex
	op, layer map[string]*spent
}

type spent struct {
	calls int
	time  time.Duration
	used  time.Duration // processor time of the whole process; 0 where that is not known
	bytes int64         // of inputs and outputs
}

// cost is the processor time where it is known: on a busy machine it says more.
func (s *spent) cost() time.Duration {
	if s.used > 0 {
		return s.used
	}
	return s.time
}

// NewTimes begins at nothing. With processor, the table tells processor time too.
func NewTimes(processor bool) *Times {
	return &Times{processor: processor, op: map[string]*spent{}, layer: map[string]*spent{}}
}

// Note adds a step's time, and the processor time meanwhile.
func (p *Times) Note(st *Step, plan *Plan, t, used time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var bytes int64
	for _, ids := range [][]ValueID{st.In, st.Out} {
		for _, id := range ids {
			v := plan.Values[id]
			bytes += int64(tensor.Count(v.Shape) * v.DType.Size())
		}
	}
	for _, at := range []struct {
		m   map[string]*spent
		key string
	}{{p.op, st.Op}, {p.layer, st.Layer + " " + st.Op}} {
		s := at.m[at.key]
		if s == nil {
			s = &spent{}
			at.m[at.key] = s
		}
		s.calls++
		s.time += t
		s.used += used
		s.bytes += bytes
	}
}

// Table tells all ops and the forty dearest steps, each with its share, its calls, its time and how many gigabytes
// a second its arrays came to, counted in the kinds that the plan gives them.
func (p *Times) Table() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	p.write(&b, "op", p.op, 0)
	p.write(&b, "layer and op", p.layer, 40)
	return b.String()
}

// write writes the dearest rows of m, all if most is 0.
func (p *Times) write(b *strings.Builder, what string, m map[string]*spent, most int) {
	column := ""
	if p.processor {
		column = "   processor"
	}
	fmt.Fprintf(b, "share    calls        time%s    GB/s  %s\n", column, what)
	var names []string
	var sum time.Duration
	for n, s := range m {
		names = append(names, n)
		sum += s.cost()
	}
	sort.Slice(names, func(i, j int) bool {
		x, y := m[names[i]].cost(), m[names[j]].cost()
		return x > y || x == y && names[i] < names[j]
	})
	if most > 0 && len(names) > most {
		names = names[:most]
	}
	for _, n := range names {
		s := m[n]
		if p.processor {
			column = fmt.Sprintf(" %11v", s.used.Round(time.Microsecond))
		}
		fmt.Fprintf(b, "%5.1f%% %7d %11v%s %7.1f  %s\n", 100*float64(s.cost())/float64(max(sum, 1)), s.calls, s.time.Round(time.Microsecond), column,
			float64(s.bytes)/max(s.time.Seconds(), 1e-9)/1e9, n)
	}
}

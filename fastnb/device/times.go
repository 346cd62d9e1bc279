package device

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fastnb/go/fastnb/tensor"
)

// Times adds up where a device's time goes: by layer, op and pass. It is what a Profiler keeps.
type Times struct {
	processor bool // its table has a column of processor time
	mu        sync.Mutex
	spent     map[SpentBy]*Spent
	order     []SpentBy // as they first came
	temps     int64
}

// SpentBy names what time was spent by.
type SpentBy struct {
	Layer string // path of the layer, "" for what belongs to none
	Op    string
	Pass  Pass
}

// Spent is what something cost.
type Spent struct {
	SpentBy
	Calls int
	Time  time.Duration
	Used  time.Duration // processor time of the whole process; 0 where that is not known
	Bytes int64         // of inputs and outputs, in the kinds that the plan gives them
}

// Cost is the processor time where it is known: on a busy machine it says more.
func (s Spent) Cost() time.Duration {
	if s.Used > 0 {
		return s.Used
	}
	return s.Time
}

func (s *Spent) add(o Spent) {
	s.Calls += o.Calls
	s.Time += o.Time
	s.Used += o.Used
	s.Bytes += o.Bytes
}

// NewTimes begins at nothing. With processor, the table tells processor time too.
func NewTimes(processor bool) *Times {
	return &Times{processor: processor, spent: map[SpentBy]*Spent{}}
}

// Note adds a step's time, and the processor time meanwhile.
func (p *Times) Note(st *Step, plan *Plan, t, used time.Duration) {
	var bytes int64
	for _, ids := range [][]ValueID{st.In, st.Out} {
		for _, id := range ids {
			v := plan.Values[id]
			bytes += int64(tensor.Count(v.Shape) * v.DType.Size())
		}
	}
	by := SpentBy{Layer: st.Layer, Op: st.Op, Pass: st.Pass}
	if st.Pass == Update { // which is named for its parameter
		by.Layer = by.Layer[:max(0, strings.LastIndexByte(by.Layer, '.'))]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.spent[by]
	if s == nil {
		s = &Spent{SpentBy: by}
		p.spent[by] = s
		p.order = append(p.order, by)
	}
	s.add(Spent{Calls: 1, Time: t, Used: used, Bytes: bytes})
}

// NoteMemory tells the size of the temporaries of a program that ran.
func (p *Times) NoteMemory(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.temps = max(p.temps, bytes)
}

// Memory is the size of the largest program's temporaries, 0 where the device does not tell.
func (p *Times) Memory() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.temps
}

// All is what was noted, in the order in which it first came.
func (p *Times) All() []Spent {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Spent, len(p.order))
	for i, by := range p.order {
		out[i] = *p.spent[by]
	}
	return out
}

// SumBy adds up what has the same key, the dearest first.
func SumBy(all []Spent, key func(Spent) SpentBy) []Spent {
	at := map[SpentBy]int{}
	var out []Spent
	for _, s := range all {
		k := key(s)
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, Spent{SpentBy: k})
		}
		out[i].add(s)
	}
	slices.SortStableFunc(out, func(a, b Spent) int { return cmp.Compare(b.Cost(), a.Cost()) })
	return out
}

// Table tells all ops and the forty dearest steps, each with its share, its calls, its time and how many gigabytes
// a second its arrays came to, counted in the kinds that the plan gives them.
func (p *Times) Table() string {
	var b strings.Builder
	all := p.All()
	p.write(&b, "op", SumBy(all, func(s Spent) SpentBy { return SpentBy{Op: s.Op} }), 0)
	p.write(&b, "layer and op", SumBy(all, func(s Spent) SpentBy { return SpentBy{Layer: s.Layer + " ", Op: s.Op} }), 40)
	return b.String()
}

// write writes the first rows, all if most is 0.
func (p *Times) write(b *strings.Builder, what string, rows []Spent, most int) {
	column := ""
	if p.processor {
		column = "   processor"
	}
	fmt.Fprintf(b, "share    calls        time%s    GB/s  %s\n", column, what)
	var sum time.Duration
	for _, s := range rows {
		sum += s.Cost()
	}
	if most > 0 && len(rows) > most {
		rows = rows[:most]
	}
	for _, s := range rows {
		if p.processor {
			column = fmt.Sprintf(" %11v", s.Used.Round(time.Microsecond))
		}
		fmt.Fprintf(b, "%5.1f%% %7d %11v%s %7.1f  %s%s\n", 100*float64(s.Cost())/float64(max(sum, 1)), s.Calls, s.Time.Round(time.Microsecond), column,
			float64(s.Bytes)/max(s.Time.Seconds(), 1e-9)/1e9, s.Layer, s.Op)
	}
}

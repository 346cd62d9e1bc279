package cpu

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// profile is where time went: by op, and by op and layer.
type profile struct {
	op, layer map[string]*spent
}

type spent struct {
	calls int
	time  time.Duration
	used  time.Duration // processor time of the whole process; 0 where the system does not tell
	bytes int64         // of inputs and outputs
}

// cost is the processor time where it is known: on a busy machine it says more.
func (s *spent) cost() time.Duration {
	if s.used > 0 {
		return s.used
	}
	return s.time
}

// Profile switches the measuring of each step of all programs on or off, and forgets what was measured.
func (d *Device) Profile(on bool) {
	d.prof = nil
	if on {
		d.prof = &profile{op: map[string]*spent{}, layer: map[string]*spent{}}
	}
}

// note adds a step's time.
func (p *profile) note(st *device.Step, plan *device.Plan, t, used time.Duration) {
	var bytes int64
	for _, ids := range [][]device.ValueID{st.In, st.Out} {
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

// ProfileTable tells where the time since Profile(true) went: ops and the forty dearest steps, each with its
// share, its calls, its time, the processor time of the process meanwhile and how many gigabytes a second its arrays came to. It is empty without a profile.
func (d *Device) ProfileTable() string {
	if d.prof == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("share    calls        time   processor   GB/s  op\n")
	writeSpent(&b, d.prof.op, 0)
	b.WriteString("share    calls        time   processor   GB/s  layer and op\n")
	writeSpent(&b, d.prof.layer, 40)
	return b.String()
}

// writeSpent writes the dearest rows of m, all if most is 0.
func writeSpent(b *strings.Builder, m map[string]*spent, most int) {
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
		fmt.Fprintf(b, "%5.1f%% %7d %11v %11v %6.1f  %s\n", 100*float64(s.cost())/float64(max(sum, 1)), s.calls, s.time.Round(time.Microsecond), s.used.Round(time.Microsecond),
			float64(s.bytes)/max(s.time.Seconds(), 1e-9)/1e9, n)
	}
}

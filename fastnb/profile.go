package fastnb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/plotting"
)

// Profiling is a measurement that goes on.
type Profiling struct{ p *device.Profile }

// StartProfile begins to measure where the time of all learners goes: each step of their programs on the device
// that computes them, and the waiting for batches. Stop ends it. In a cell `%profile` does both around the rest
// of the cell. One can go on at a time. Steps take some microseconds longer meanwhile; on a graphics card they
// are launched one by one.
func StartProfile() (*Profiling, error) {
	p, err := device.StartProfile()
	if err != nil {
		return nil, err
	}
	return &Profiling{p}, nil
}

// Stop ends the measurement and gives what was measured. It is to be called once.
func (p *Profiling) Stop() *Profile {
	return &Profile{p.p.Stop()}
}

// Profile tells where the time between StartProfile and Stop went: shown in a notebook, or printed, it is tables
// of all of it, of the kinds of operation and of the layers.
type Profile struct{ m device.Profiled }

// Computed reports whether any device did anything meanwhile.
func (p *Profile) Computed() bool { return len(p.m.Devices) > 0 }

// profiledLayers is how many layers the table has; the others are added up.
const profiledLayers = 40

// computing is the devices' time in all.
func (p *Profile) computing() (t time.Duration) {
	for _, d := range p.m.Devices {
		for _, s := range d.Times.All() {
			t += s.Time
		}
	}
	return t
}

// ms writes a time in milliseconds.
func ms(t time.Duration) string { return fmt.Sprintf("%.4g", float64(t.Microseconds())/1e3) }

func percent(part, all time.Duration) string {
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(max(all, 1)))
}

// overview tells of the whole.
func (p *Profile) overview() *plotting.Figure {
	m := p.m
	rows := [][]string{{"in all", ms(m.Wall), "100%", ""}}
	add := func(what string, t time.Duration, more string) {
		rows = append(rows, []string{what, ms(t), percent(t, m.Wall), more})
	}
	for _, d := range m.Devices {
		var t time.Duration
		calls := 0
		for _, s := range d.Times.All() {
			t += s.Time
			calls += s.Calls
		}
		name := d.Info.Name
		if d.Info.Card != "" {
			name += ", " + d.Info.Card
		}
		add("computing on "+name, t, fmt.Sprintf("%s operations, %.1f MB between layers", thousands(calls), float64(d.Times.Memory())/(1<<20)))
	}
	if m.Batches > 0 {
		add("waiting for batches", m.Waited, thousands(m.Batches)+" times")
	}
	add("all else", max(0, m.Wall-p.computing()-m.Waited), "metrics, callbacks, copies, compiling")
	if m.Items > 0 {
		rows = append(rows, []string{"loading, beside it", ms(m.Loading), "", fmt.Sprintf("%s items, %s ms each", thousands(m.Items), ms(m.Loading/time.Duration(m.Items)))})
	}
	if m.Peak > 0 {
		rows = append(rows, []string{"peak memory", "", "", fmt.Sprintf("%d MB of the process", m.Peak>>20)})
	}
	return plotting.HTMLTable([]string{"where", "ms", "share", ""}, rows)
}

// profileKinds is a device's operations by kind.
func profileKinds(t *device.Times) *plotting.Figure {
	all := device.SumBy(t.All(), func(s device.Spent) device.SpentBy { return device.SpentBy{Op: s.Op, Pass: s.Pass} })
	byTime(all)
	total := sum(all)
	processor := total.Used > 0
	head := []string{"operation", "pass", "calls", "ms", "share", "GB/s"}
	if processor {
		head = append(head, "processor ms")
	}
	var rows [][]string
	for _, s := range all {
		row := []string{s.Op, s.Pass.String(), thousands(s.Calls), ms(s.Time), percent(s.Time, total.Time), fmt.Sprintf("%.1f", float64(s.Bytes)/max(s.Time.Seconds(), 1e-9)/1e9)}
		if processor {
			row = append(row, ms(s.Used))
		}
		rows = append(rows, row)
	}
	return plotting.HTMLTable(head, rows)
}

// byTime sorts by the time on the clock, which is what the tables are about.
func byTime(all []device.Spent) {
	slices.SortStableFunc(all, func(a, b device.Spent) int { return cmp.Compare(b.Time, a.Time) })
}

func sum(all []device.Spent) (t device.Spent) {
	for _, s := range all {
		t.Calls += s.Calls
		t.Time += s.Time
		t.Used += s.Used
	}
	return t
}

// profileLayers is a device's operations by layer, named as Summary names them, the dearest first.
func profileLayers(t *device.Times) *plotting.Figure {
	all := t.All()
	passes := map[string]*[3]time.Duration{}
	op := map[string]string{} // the dearest of the layer's forward pass, or of what it has
	for _, s := range device.SumBy(all, func(s device.Spent) device.SpentBy { return s.SpentBy }) {
		if passes[s.Layer] == nil {
			passes[s.Layer] = new([3]time.Duration)
			op[s.Layer] = s.Op
		}
		if p := passes[s.Layer]; s.Pass == device.Forward && p[device.Forward] == 0 {
			op[s.Layer] = s.Op
		}
		passes[s.Layer][s.Pass] += s.Time
	}
	by := device.SumBy(all, func(s device.Spent) device.SpentBy { return device.SpentBy{Layer: s.Layer} })
	byTime(by)
	total := sum(by)
	var rows [][]string
	row := func(name, op string, n int, p [3]time.Duration) {
		cells := []string{name, op, thousands(n)}
		for _, t := range p {
			if t == 0 {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, ms(t))
		}
		rows = append(rows, append(cells, percent(p[0]+p[1]+p[2], total.Time)))
	}
	var rest [3]time.Duration
	others, calls := 0, 0
	for i, s := range by {
		p := *passes[s.Layer]
		if i < profiledLayers {
			name := s.Layer
			if name == "" {
				name = "(no layer)"
			}
			row(name, op[s.Layer], s.Calls, p)
			continue
		}
		others, calls = others+1, calls+s.Calls
		for k := range rest {
			rest[k] += p[k]
		}
	}
	if others > 0 {
		row(fmt.Sprintf("%d others", others), "", calls, rest)
	}
	return plotting.HTMLTable([]string{"layer", "operation", "calls", "forward ms", "backward ms", "update ms", "share"}, rows)
}

func (p *Profile) figures() []*plotting.Figure {
	f := []*plotting.Figure{p.overview()}
	for _, d := range p.m.Devices {
		f = append(f, profileKinds(d.Times), profileLayers(d.Times))
	}
	return f
}

// String is the profile as text.
func (p *Profile) String() string {
	var all []string
	for _, f := range p.figures() {
		all = append(all, f.String())
	}
	return strings.Join(all, "\n\n")
}

// Render gives the profile's forms for a notebook (gophernotes' Renderer).
func (p *Profile) Render() struct{ Data, Metadata, Transient map[string]any } {
	f := p.figures()
	b := f[0].Render()
	b.Data["text/plain"] = p.String()
	var parts []string
	for _, one := range f {
		parts = append(parts, fmt.Sprint(one.Render().Data["text/html"]))
	}
	b.Data["text/html"] = strings.Join(parts, "\n")
	return b
}

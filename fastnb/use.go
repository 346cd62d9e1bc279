package fastnb

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fastnb/go/fastnb/device"
)

// announced are the lines that announce has said.
var announced sync.Map

// announce says in a line, once for each choice, where a learner computes and why there.
func (l *Learner) announce(dev device.Device) {
	if l.Silent || device.Why(dev) == "" {
		return
	}
	line := "Computing on " + device.Describe(dev) + "."
	if _, said := announced.LoadOrStore(line, true); !said {
		l.say("%s", line)
	}
}

// durations are the last times of something, up to keepDurations.
type durations struct {
	list []time.Duration
	n    int // in all
}

const keepDurations = 200

func (d *durations) add(t time.Duration) {
	if len(d.list) < keepDurations {
		d.list = append(d.list, t)
	} else {
		d.list[d.n%keepDurations] = t
	}
	d.n++
}

// median is 0 without any.
func (d *durations) median() time.Duration {
	if d.n == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(d.list))[len(d.list)/2]
}

// usage are lines of Summary: where and how the learner computes, what it takes, and how long a step does.
func (l *Learner) usage() [][]string {
	i := l.eng.Info()
	where := i.Name
	if i.Card != "" {
		where += ", " + i.Card
	}
	precision := "float32"
	if a := l.eng.Activations(); a.Half() {
		precision = fmt.Sprintf("%v between layers, float32 weights", a)
		if slices.Contains(i.Products, a) {
			precision = fmt.Sprintf("%v products, all else float32", a)
		}
	}
	if l.scale != nil {
		precision += fmt.Sprintf(", loss scale %g", l.scale.now)
	}
	programs, params := l.eng.Memory()
	programs += l.Model.memory()
	mb := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }
	between := mb(programs) + " between layers"
	if programs == 0 {
		between = "what lies between layers is known from the first batch on"
	}
	rows := [][]string{
		{"device", where},
		{"precision", precision},
		{"memory", mb(params) + " weights, gradients and optimizer; " + between},
	}
	if t := l.took.median(); t > 0 {
		rows = append(rows, []string{"time of a step", fmt.Sprintf("%s (median of %d)", t.Round(t/1000+1), len(l.took.list))})
	}
	return rows
}

package kernel

import (
	"testing"

	"github.com/fastnb/go/kernel/wire"
	"github.com/fastnb/go/plotting"
)

func TestChartScript(t *testing.T) {
	defer plotting.NewSession()
	chart := plotting.Lines(plotting.LineOpts{Series: []plotting.Series{{X: []float64{0, 1}, Y: []float64{0, 1}}}})
	var s chartScript
	sent := func(page, cell string, deleted ...string) (again bool) {
		m := &wire.Message{Header: wire.Header{Session: page}, Meta: wire.Metadata{Cell: cell, Deleted: deleted}}
		s.run(m, func() {
			again = !plotting.ScriptSent()
			chart.Render()
		})
		return again
	}
	for _, c := range []struct {
		name, page, cell, deleted string
		want                      bool
	}{
		{"the first chart", "p", "a", "", true},
		{"another cell", "p", "b", "", false},
		{"the cell that holds it, again", "p", "a", "", true},
		{"another cell, again", "p", "b", "", false},
		{"a page loaded anew", "q", "b", "", true},
		{"the cell that held it before", "q", "a", "", false},
		{"the cell that holds it deleted", "q", "a", "b", true},
		{"a front end that names no cells", "r", "", "", true},
		{"again", "r", "", "", false},
	} {
		if got := sent(c.page, c.cell, c.deleted); got != c.want {
			t.Errorf("%s: script sent %t, want %t", c.name, got, c.want)
		}
	}
}

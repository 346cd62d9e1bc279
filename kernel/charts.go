package kernel

import (
	"slices"

	"github.com/fastnb/go/kernel/wire"
	"github.com/fastnb/go/plotting"
)

// chartScript knows which output of which page holds the chart script. Once that output is gone, the
// next chart brings the script again: the page was loaded anew, the cell runs again or was deleted.
type chartScript struct{ page, cell string }

// run runs a cell between looking whether the script is still there and noting whether it was sent.
func (s *chartScript) run(m *wire.Message, cell func()) {
	gone := s.cell != "" && (m.Meta.Cell == s.cell || slices.Contains(m.Meta.Deleted, s.cell))
	if gone || m.Header.Session != s.page {
		plotting.NewSession()
	}
	there := plotting.ScriptSent()
	cell()
	if !there && plotting.ScriptSent() {
		s.page, s.cell = m.Header.Session, m.Meta.Cell
	}
}

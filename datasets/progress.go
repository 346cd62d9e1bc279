package datasets

import (
	"io"

	"github.com/fastnb/go/cell"
)

// progress is cell's bar under the names this package calls it by.
type progress struct{ *cell.Progress }

func newProgress(what string, total int64) *progress {
	return &progress{cell.NewBytesProgress(what, total)}
}

// newCount is a bar over items.
func newCount(what string, total int) *progress { return &progress{cell.NewProgress(what, total)} }

func (p *progress) set(at int64)                 { p.Set(at) }
func (p *progress) add(n int64)                  { p.Add(n) }
func (p *progress) done()                        { p.Done() }
func (p *progress) reader(r io.Reader) io.Reader { return p.Reader(r) }

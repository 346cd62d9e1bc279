package fastnb

import (
	"fmt"
	"strings"
	"time"

	"github.com/fastnb/go/cell"
)

// refresh is the shortest time between two updates of a running display.
const refresh = 200 * time.Millisecond

// progress shows an epochTable: in a notebook one display updated in place, else lines of text.
type progress struct {
	table   *epochTable
	handle  *cell.Handle
	silent  bool
	bare    bool // bars only: the display is emptied at the end
	printed int  // rows printed where there is no notebook
	shown   time.Time
	epochs  time.Time
	batches time.Time
}

// start shows the empty table.
func (p *progress) start(head []string, epochs int) {
	p.table = &epochTable{head: head, total: epochs, running: true}
	if p.bare {
		p.table.head = nil
	}
	p.epochs = time.Now()
	if p.silent {
		return
	}
	if cell.Active() {
		p.handle, _ = cell.NewDisplay(p.bundle())
		p.shown = time.Now()
	}
}

// phase starts the inner bar of a loop over n batches.
func (p *progress) phase(n int) {
	p.batches = time.Now()
	p.table.batch, p.table.of, p.table.inner = 0, n, ""
}

// step moves the inner bar.
func (p *progress) step(note string) {
	p.table.batch++
	p.table.inner = note
	p.update(false)
}

// row ends an epoch; nil leaves the table as it is.
func (p *progress) row(cells []string) {
	p.table.epoch++
	p.table.of = 0
	if cells != nil && !p.bare {
		p.table.rows = append(p.table.rows, cells)
	}
	p.update(true)
}

// update shows the table if enough time has passed, or at once.
func (p *progress) update(now bool) {
	if p.silent || !now && time.Since(p.shown) < refresh {
		return
	}
	p.table.spent, p.table.outer = time.Since(p.batches), time.Since(p.epochs)
	switch {
	case p.handle != nil:
		p.shown = time.Now()
		_ = p.handle.Update(p.bundle()) // a lost update costs a moment's picture, not the fit
	case !cell.Active() && !p.bare:
		p.print()
	}
}

// print writes the rows that are new, and before the first the heads.
func (p *progress) print() {
	if len(p.table.rows) == p.printed {
		return
	}
	var b strings.Builder
	w := p.table.widths()
	if p.printed == 0 {
		writeRow(&b, p.table.head, w)
		b.WriteByte('\n')
	}
	for ; p.printed < len(p.table.rows); p.printed++ {
		writeRow(&b, p.table.rows[p.printed], w)
		b.WriteByte('\n')
	}
	fmt.Print(b.String())
}

// stop takes the bars away; the table stays.
func (p *progress) stop() {
	if p.table == nil {
		return
	}
	p.table.running = false
	p.update(true)
}

func (p *progress) bundle() map[string]any {
	if p.bare && !p.table.running {
		return map[string]any{"text/html": "", "text/plain": ""}
	}
	return p.table.bundle()
}

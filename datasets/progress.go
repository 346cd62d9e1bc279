package datasets

import (
	"fmt"
	"html"
	"io"
	"sync"
	"time"

	"github.com/fastnb/go/cell"
)

// progress is a bar in the cell for work of some seconds. Work shorter than barDelay, or outside a
// notebook, shows nothing.
type progress struct {
	mu     sync.Mutex
	what   string
	total  int64 // bytes; 0 = unknown
	at     int64
	unit   func(int64) string
	start  time.Time
	shown  time.Time
	handle *cell.Handle
}

const (
	barDelay = 500 * time.Millisecond
	barEvery = 200 * time.Millisecond
)

func newProgress(what string, total int64) *progress {
	return &progress{what: what, total: total, unit: sizeText, start: time.Now()}
}

// newCount is a bar over items.
func newCount(what string, total int) *progress {
	p := newProgress(what, int64(total))
	p.unit = func(n int64) string { return fmt.Sprint(n) }
	return p
}

// set tells how far the work is.
func (p *progress) set(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = at
	p.show(false)
}

func (p *progress) add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at += n
	p.show(false)
}

// done shows the end, if the bar was shown at all.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handle != nil {
		p.show(true)
	}
}

func (p *progress) show(last bool) {
	now := time.Now()
	if !cell.Active() || !last && (now.Sub(p.start) < barDelay || now.Sub(p.shown) < barEvery) {
		return
	}
	p.shown = now
	b := p.bundle(now)
	if p.handle == nil {
		p.handle, _ = cell.NewDisplay(b) // a bar that cannot be shown must not stop the work
		return
	}
	_ = p.handle.Update(b) // likewise
}

func (p *progress) bundle(now time.Time) cell.Bundle {
	text := fmt.Sprintf("%s: %s", p.what, p.unit(p.at))
	bar := ""
	if p.total > 0 {
		at := min(p.at, p.total)
		text = fmt.Sprintf("%s: %3.0f%% of %s", p.what, 100*float64(at)/float64(p.total), p.unit(p.total))
		if spent := now.Sub(p.start); at > 0 && at < p.total {
			left := time.Duration(float64(spent) * float64(p.total-at) / float64(at))
			text += fmt.Sprintf(", %s left", left.Round(time.Second))
		}
		bar = fmt.Sprintf(`<progress value="%d" max="%d" style="width:300px;height:20px;vertical-align:middle"></progress> `, at, p.total)
	}
	return cell.Bundle{"text/plain": text, "text/html": "<div>" + bar + html.EscapeString(text) + "</div>"}
}

// reader counts what is read from r.
func (p *progress) reader(r io.Reader) io.Reader { return &countingReader{r, p} }

type countingReader struct {
	r io.Reader
	p *progress
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.p.add(int64(n))
	return n, err
}

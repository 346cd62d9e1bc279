package cell

import (
	"fmt"
	"html"
	"io"
	"sync"
	"time"
)

// Progress is a bar in the cell for work of some seconds. Work shorter than barDelay, or outside a
// notebook, shows nothing.
type Progress struct {
	mu     sync.Mutex
	what   string
	total  int64 // bytes; 0 = unknown
	at     int64
	unit   func(int64) string
	start  time.Time
	shown  time.Time
	handle *Handle
}

const (
	barDelay = 500 * time.Millisecond
	barEvery = 200 * time.Millisecond
)

// NewBytesProgress is a bar over bytes; total 0 means that their number is not known.
func NewBytesProgress(what string, total int64) *Progress {
	return &Progress{what: what, total: total, unit: SizeText, start: time.Now()}
}

// NewProgress is a bar over items.
func NewProgress(what string, total int) *Progress {
	p := NewBytesProgress(what, int64(total))
	p.unit = func(n int64) string { return fmt.Sprint(n) }
	return p
}

// SetTotal tells how much there is to do, when that is learned later.
func (p *Progress) SetTotal(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = n
}

// Total is how much there is to do, 0 if that is not known.
func (p *Progress) Total() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total
}

// Set tells how far the work is.
func (p *Progress) Set(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = at
	p.show(false)
}

// Add tells that so much more is done.
func (p *Progress) Add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at += n
	p.show(false)
}

// Done shows the end, if the bar was shown at all.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handle != nil {
		p.show(true)
	}
}

func (p *Progress) show(last bool) {
	now := time.Now()
	if !Active() || !last && (now.Sub(p.start) < barDelay || now.Sub(p.shown) < barEvery) {
		return
	}
	p.shown = now
	b := p.bundle(now)
	if p.handle == nil {
		p.handle, _ = NewDisplay(b) // a bar that cannot be shown must not stop the work
		return
	}
	_ = p.handle.Update(b) // likewise
}

func (p *Progress) bundle(now time.Time) Bundle {
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
	return Bundle{"text/plain": text, "text/html": "<div>" + bar + html.EscapeString(text) + "</div>"}
}

// Reader counts what is read from r.
func (p *Progress) Reader(r io.Reader) io.Reader { return &countingReader{r, p} }

type countingReader struct {
	r io.Reader
	p *Progress
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.p.Add(int64(n))
	return n, err
}

// SizeText is a number of bytes for people.
func SizeText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

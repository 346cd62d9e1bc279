package fastnb

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// missing stands in a cell of the epoch table that has no value (fastai's mark).
const missing = "#na#"

// epochTable is what a fit shows: a row for each epoch, and while it runs a bar over epochs and one
// over batches.
type epochTable struct {
	head []string
	rows [][]string

	running      bool
	epoch, total int           // outer bar
	batch, of    int           // inner bar
	inner        string        // its note: the smoothed loss
	spent        time.Duration // in the inner loop
	outer        time.Duration
}

// formatCell shows a figure with 6 decimals, NaN as NaN.
func formatCell(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.TrimPrefix(fmt.Sprintf("%f", x), "+")
	}
	return fmt.Sprintf("%.6f", x)
}

// formatTime is mm:ss, or h:mm:ss from an hour on.
func formatTime(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// bundle is the table in the forms a notebook shows.
func (t *epochTable) bundle() map[string]any {
	return map[string]any{"text/html": t.html(), "text/plain": t.text()}
}

func (t *epochTable) html() string {
	var b strings.Builder
	if t.running {
		fmt.Fprintf(&b, "<div>%s %s</div>\n", bar(t.epoch, t.total), html.EscapeString(remaining(t.epoch, t.total, t.outer)))
	}
	if len(t.head) > 0 {
		t.htmlTable(&b)
	}
	if t.running && t.of > 0 {
		fmt.Fprintf(&b, "\n<div>%s %s %s</div>", bar(t.batch, t.of), html.EscapeString(remaining(t.batch, t.of, t.spent)), html.EscapeString(t.inner))
	}
	return b.String()
}

func (t *epochTable) htmlTable(b *strings.Builder) {
	b.WriteString("<table border=\"1\" class=\"dataframe\">\n  <thead>\n    <tr style=\"text-align: left;\">\n")
	for _, h := range t.head {
		fmt.Fprintf(b, "      <th>%s</th>\n", html.EscapeString(h))
	}
	b.WriteString("    </tr>\n  </thead>\n  <tbody>\n")
	for _, r := range t.rows {
		b.WriteString("    <tr>\n")
		for _, c := range r {
			fmt.Fprintf(b, "      <td>%s</td>\n", html.EscapeString(c))
		}
		b.WriteString("    </tr>\n")
	}
	b.WriteString("  </tbody>\n</table>")
}

func bar(k, n int) string {
	return fmt.Sprintf(`<progress value="%d" max="%d" style="width:300px; height:20px; vertical-align:middle;"></progress>`, k, n)
}

// remaining is "60.00% [3/5 00:12<00:08]": done, time spent, time left at this pace.
func remaining(k, n int, spent time.Duration) string {
	if n == 0 {
		return ""
	}
	left := "?"
	if k > 0 {
		left = formatTime(spent * time.Duration(n-k) / time.Duration(k))
	}
	return fmt.Sprintf("%.2f%% [%d/%d %s<%s]", 100*float64(k)/float64(n), k, n, formatTime(spent), left)
}

func (t *epochTable) text() string {
	var b strings.Builder
	w := t.widths()
	writeRow(&b, t.head, w)
	for _, r := range t.rows {
		b.WriteByte('\n')
		writeRow(&b, r, w)
	}
	if t.running {
		fmt.Fprintf(&b, "\nepoch %s", remaining(t.epoch, t.total, t.outer))
		if t.of > 0 {
			fmt.Fprintf(&b, "  batch %s %s", remaining(t.batch, t.of, t.spent), t.inner)
		}
	}
	return b.String()
}

// widths are columns wide enough for the heads and for figures below 1000.
func (t *epochTable) widths() []int {
	w := make([]int, len(t.head))
	for k, h := range t.head {
		w[k] = max(utf8.RuneCountInString(h), 8)
		if k == 0 || k == len(t.head)-1 {
			w[k] = max(utf8.RuneCountInString(h), 5)
		}
		for _, r := range t.rows {
			if k < len(r) {
				w[k] = max(w[k], utf8.RuneCountInString(r[k]))
			}
		}
	}
	return w
}

func writeRow(b *strings.Builder, cells []string, w []int) {
	var line strings.Builder
	for k, c := range cells {
		if k > 0 {
			line.WriteString("  ")
		}
		line.WriteString(c)
		if k < len(w) {
			line.WriteString(strings.Repeat(" ", max(0, w[k]-utf8.RuneCountInString(c))))
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " "))
}

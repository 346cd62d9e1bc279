package fastnb

import (
	"fmt"
	"html"
	"strings"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// HTML is the network as a tree that opens and closes: each part with its kind and the number of its
// parameters, layers with their numbers. learn.Summary() has the shapes between the layers and the groups.
func (m *Model) HTML() string {
	var b strings.Builder
	b.WriteString(`<div class="fastnb-model" style="font-family:var(--jp-code-font-family,monospace);font-size:13px;line-height:1.5">`)
	tree(&b, m.Layer, "", 0)
	b.WriteString("</div>")
	return b.String()
}

// countParams is the number of a layer's parameters, running statistics left out.
func countParams(l nn.Layer) (n int) {
	for _, p := range nn.AllParams(l) {
		if p.Kind.Trainable() {
			n += tensor.Count(p.Shape)
		}
	}
	return n
}

// openDepth is how deep the tree is open at first.
const openDepth = 1

func tree(b *strings.Builder, l nn.Layer, name string, depth int) {
	label := "<b>" + html.EscapeString(nn.TypeName(l)) + "</b>"
	if name != "" {
		label = html.EscapeString(name) + " " + label
	}
	if n := countParams(l); n > 0 {
		label += fmt.Sprintf(` <span style="opacity:.65">%s parameters</span>`, thousands(n))
	}
	children := l.Children()
	if len(children) == 0 {
		fmt.Fprintf(b, `<div style="margin-left:1.1em">%s <span style="opacity:.8">%s</span></div>`, label, html.EscapeString(nn.Settings(l)))
		return
	}
	open := ""
	if depth < openDepth {
		open = " open"
	}
	fmt.Fprintf(b, `<details%s><summary>%s</summary><div style="margin-left:1.1em">`, open, label)
	for _, c := range children {
		tree(b, c.Layer, c.Name, depth+1)
	}
	b.WriteString("</div></details>")
}

// String says what was looked at; its methods show it.
func (c *ClassificationInterpretation) String() string {
	wrong := "?"
	if m, err := c.ConfusionMatrix(); err == nil {
		n := 0
		for i, row := range m {
			for j, k := range row {
				if i != j {
					n += k
				}
			}
		}
		wrong = fmt.Sprint(n)
	}
	return fmt.Sprintf("Interpretation of %d %s items, %s wrong (try PlotTopLosses(9), PlotConfusionMatrix(false), MostConfused(2))", len(c.Losses), c.on, wrong)
}

// String says what was recorded; the fields and plots have it.
func (r *Recorder) String() string {
	return fmt.Sprintf("Recorder: %d batches, %d epochs (try Plot(), PlotLosses(), PlotLR(), PlotMetrics())", len(r.Losses), len(r.ValLosses))
}

package text

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

// showTokens is how many pieces of a text a table shows.
const showTokens = 70

// cut is the first showTokens pieces of a text for a table; ends of lines are written out.
func cut(s string) string {
	parts := strings.SplitN(s, " ", showTokens+1)
	return strings.ReplaceAll(strings.Join(parts[:min(showTokens, len(parts))], " "), "\n", `\n`)
}

// pair is a target with the prediction of it, as ShowResults passes them.
type pair interface {
	Pair() (truth, predicted data.Item)
}

// showTexts makes a table of texts and targets, and predictions if there are any.
func showTexts(xs, ys []data.Item, c data.ShowConfig) *plotting.Figure {
	for _, o := range []string{"FigSize", "Alpha"} {
		if c.Has(o) {
			return plotting.Failed(fmt.Errorf("fastnb: show: option %s has no effect on tables of texts (try it with pictures)", o))
		}
	}
	n := len(xs)
	if c.Rows > 0 {
		n = min(n, c.Rows)
	}
	head := []string{"text", "target"}
	rows := make([][]string, n)
	for k := range rows {
		rows[k] = []string{cut(xs[k].String())}
		switch y := ys[k].(type) {
		case nil:
		case pair:
			truth, predicted := y.Pair()
			rows[k] = append(rows[k], truth.String(), predicted.String())
			head = []string{"text", "target", "prediction"}
		default:
			rows[k] = append(rows[k], y.String())
		}
	}
	return plotting.HTMLTable(head, rows)
}

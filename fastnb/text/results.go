package text

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// ShowResults shows for the first rows of a batch of the language model's data the first words, the words
// that follow in truth, and what the model takes for likeliest at each place, knowing all words before.
// Options: Rows (5), On (Valid).
func (l *LanguageLearner) ShowResults(o ...data.ShowOption) (*plotting.Figure, error) {
	c := data.NewShowConfig(data.Valid, o...)
	if err := c.Refuse("show results", "ShowResults"); err != nil {
		return nil, err
	}
	for _, o := range []string{"FigSize", "Alpha", "Title", "Thresh"} {
		if c.Has(o) {
			return nil, fmt.Errorf("fastnb: show results: option %s has no effect on a table of texts (try Rows or On)", o)
		}
	}
	b, err := l.Data.OneBatch(data.On(c.On))
	if err != nil {
		return nil, err
	}
	if err := l.ResetState(); err != nil {
		return nil, err
	}
	// fastai's figures: 20 words of the text, of the targets those from the 20th on, 20 at most.
	const words = 20
	n := min(max(c.Rows, 0), b.N)
	if c.Rows == 0 {
		n = min(5, b.N)
	}
	scores, err := l.Outputs(tensor.FromInt64(b.X[0].Int64s(), b.X[0].Shape()...))
	if err != nil {
		return nil, err
	}
	best := scores.ArgMax(-1)
	if err := best.Err(); err != nil {
		return nil, fmt.Errorf("fastnb: show results: %w", err)
	}
	v, t := l.Data.Vocab, b.X[0].Shape()[1]
	var rows [][]string
	for r := range n {
		piece := func(x *tensor.Tensor, from, to int) string {
			s := strings.Split(v.Textify(x.Int64s()[r*t:(r+1)*t]), " ")
			from = min(from, len(s)-1)
			return strings.ReplaceAll(strings.Join(s[from:min(to, len(s))], " "), "\n", `\n`)
		}
		rows = append(rows, []string{piece(b.X[0], 0, words), piece(b.Y[0], words-1, 2*words-1), piece(best, words-1, 2*words-1)})
	}
	return plotting.HTMLTable([]string{"text", "target", "pred"}, rows), nil
}

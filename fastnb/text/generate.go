package text

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/internal/opt"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// unkID is the number of xxunk.
const unkID = 0

// generateConfig is what the options of Predict and BeamSearch say.
type generateConfig struct {
	opt.Given

	temperature float64
	minP        float64
	noUnk       bool
	sep         string
	stream      bool
	topK, beams int
}

// GenerateOption changes how a language model writes.
type GenerateOption interface{ applyGenerate(*generateConfig) }

// writing makes an option that the named calls take.
func writing(name string, f func(*generateConfig), takers ...string) GenerateOption {
	return generateOption(func(c *generateConfig) { f(c); c.Note(name, takers...) })
}

type generateOption func(*generateConfig)

func (o generateOption) applyGenerate(c *generateConfig) { o(c) }

// Temperature below 1 favours likely words, above 1 unlikely ones: 1 by default.
func Temperature(t float64) GenerateOption {
	return generateOption(func(c *generateConfig) { c.temperature = t })
}

// MinP leaves out words less likely than p, unless none would remain: 0 by default.
func MinP(p float64) GenerateOption {
	return writing("MinP", func(c *generateConfig) { c.minP = p }, "Predict")
}

// NoUnk never writes xxunk: true by default.
func NoUnk(on bool) GenerateOption { return generateOption(func(c *generateConfig) { c.noUnk = on }) }

// Sep is what stands between words: a blank by default.
func Sep(s string) GenerateOption { return generateOption(func(c *generateConfig) { c.sep = s }) }

// Stream shows the text in the cell as it is written: false by default.
func Stream(on bool) GenerateOption {
	return writing("Stream", func(c *generateConfig) { c.stream = on }, "Predict")
}

// TopK is how many words a beam is continued with: 10 by default.
func TopK(k int) GenerateOption {
	return writing("TopK", func(c *generateConfig) { c.topK = k }, "BeamSearch")
}

// Beams is how many texts a search keeps: 1000 by default.
func Beams(n int) GenerateOption {
	return writing("Beams", func(c *generateConfig) { c.beams = n }, "BeamSearch")
}

func generateCfg(o []GenerateOption) (generateConfig, error) {
	c := generateConfig{temperature: 1, noUnk: true, sep: " ", topK: 10, beams: 1000}
	for _, o := range o {
		o.applyGenerate(&c)
	}
	switch {
	case !(c.temperature > 0) || math.IsInf(c.temperature, 0):
		return c, fmt.Errorf("Temperature(%v) is not positive", c.temperature)
	case c.minP < 0 || c.minP >= 1:
		return c, fmt.Errorf("MinP(%v) is not in [0, 1)", c.minP)
	case c.topK < 1 || c.beams < 1:
		return c, fmt.Errorf("TopK(%d), Beams(%d): each must be positive", c.topK, c.beams)
	}
	return c, nil
}

// Predict goes on from a text for so many words, each drawn by the probabilities that the model gives. The
// text stands at the front as it is, the words behind it as a reader expects them, capitals restored. Under
// a seed (Seed) the first text is always the same, the second another, and so on. Options: Temperature
// (1), MinP (0), NoUnk (true), Sep (a blank), Stream (false).
func (l *LanguageLearner) Predict(text string, words int, o ...GenerateOption) (string, error) {
	c, err := generateCfg(o)
	if e := c.Refuse("predict", "Predict"); e != nil {
		return "", e
	}
	if err == nil && words < 1 {
		err = fmt.Errorf("%d words to write", words)
	}
	if err != nil {
		return "", fmt.Errorf("fastnb: predict: %w", err)
	}
	if err := l.ResetState(); err != nil {
		return "", err
	}
	l.drawn++
	show := newWriter(c.stream)
	return c.write("predict", l.Data, text, words, nn.NewRNG(data.CurrentSeed()+l.drawn*0x9e3779b97f4a7c15), func(ids []int64) ([]float32, error) { return l.scores(ids, 1) }, show.set)
}

// write goes on from a text for so many words: scores reads words and gives the scores behind the last of them.
// see gets the whole text after each word.
func (c generateConfig) write(verb string, d *data.DataBunch, text string, words int, rng *nn.RNG, scores func(ids []int64) ([]float32, error), see func(text string) error) (string, error) {
	out, err := start(verb, d, text, scores)
	if err != nil {
		return "", err
	}
	var ids []int64
	for i := range words {
		if err := numbers(verb, out); err != nil {
			return "", err
		}
		id := c.draw(out, rng)
		ids = append(ids, id)
		if err := see(join(d, text, ids, c.sep)); err != nil {
			return "", err
		}
		if i == words-1 {
			break
		}
		if out, err = scores([]int64{id}); err != nil {
			return "", err
		}
	}
	return join(d, text, ids, c.sep), nil
}

// Generate lets an exported language model, as fastnb.LoadModel gives it, go on from a text for so many words; see
// gets the whole text after each word and may be nil. What it draws is by the seed alone: two texts of one seed
// are the same. An error of see, or the end of ctx, ends the text. Options: Temperature (1), MinP (0), NoUnk
// (true), Sep (a blank).
func Generate(ctx context.Context, m *fastnb.Model, text string, words int, seed uint64, see func(text string) error, o ...GenerateOption) (string, error) {
	c, err := generateCfg(o)
	if e := c.Refuse("generate", "Predict"); e != nil {
		return "", e
	}
	switch {
	case err == nil && words < 1:
		err = fmt.Errorf("%d words to write", words)
	case err == nil && m.Data().LabelKind().Name() != "lm":
		err = fmt.Errorf("the model is for %s, not a language model (try an export of a LanguageLearner)", m.Data().LabelKind().Name())
	case err == nil && c.stream:
		err = errors.New("option Stream has no effect here (try see)")
	}
	if err != nil {
		return "", fmt.Errorf("fastnb: generate: %w", err)
	}
	if see == nil {
		see = func(string) error { return nil }
	}
	var written string
	err = m.Sequence(ctx, func(next func(*tensor.Tensor) (*tensor.Tensor, error)) error {
		written, err = c.write("generate", m.Data(), text, words, nn.NewRNG(seed), func(ids []int64) ([]float32, error) {
			out, err := next(tensor.FromInt64(ids, 1, len(ids)))
			if err != nil {
				return nil, err
			}
			s := out.Shape()
			return out.Float32s()[(s[1]-1)*s[2]:], nil
		}, see)
		return err
	})
	return written, err
}

func join(d *data.DataBunch, text string, ids []int64, sep string) string {
	return text + sep + strings.Join(DecodeSpecTokens(d.Vocab.Words(ids)), sep)
}

// start reads a text and gives the scores of the word behind it.
func start(verb string, d *data.DataBunch, text string, scores func(ids []int64) ([]float32, error)) ([]float32, error) {
	x, err := ItemOf(d, text)
	if err != nil {
		return nil, err
	}
	if x.Len() == 0 {
		return nil, fmt.Errorf("fastnb: %s: the text has no tokens", verb)
	}
	ids := x.Data()
	// Long texts are read in pieces: only the scores behind the last word are wanted.
	const piece = 64
	for len(ids) > piece {
		if _, err := scores(ids[:piece]); err != nil {
			return nil, err
		}
		ids = ids[piece:]
	}
	return scores(ids)
}

// scores reads words [rows, T] and gives the scores behind the last of each row, one row after the other.
func (l *LanguageLearner) scores(ids []int64, rows int) ([]float32, error) {
	out, err := l.Outputs(tensor.FromInt64(ids, rows, len(ids)/rows))
	if err != nil {
		return nil, err
	}
	s := out.Shape()
	if rows == 1 {
		return out.Float32s()[(s[1]-1)*s[2]:], nil
	}
	last := make([]float32, 0, rows*s[2])
	for r := range rows {
		last = append(last, out.Float32s()[((r+1)*s[1]-1)*s[2]:(r+1)*s[1]*s[2]]...)
	}
	return last, nil
}

// numbers refuses scores that no word can be drawn by.
func numbers(verb string, scores []float32) error {
	for _, v := range scores {
		if v-v != 0 { // NaN, or infinite
			return fmt.Errorf("fastnb: %s: the scores of the next word are no numbers: the weights are of a training that went wrong (try Load of a good checkpoint)", verb)
		}
	}
	return nil
}

// probabilities is the softmax of scores, what may not be written at 0.
func (c generateConfig) probabilities(scores []float32) []float64 {
	top := scores[0]
	for _, v := range scores {
		top = max(top, v)
	}
	p, sum := make([]float64, len(scores)), 0.0
	for i, v := range scores {
		p[i] = math.Exp(float64(v - top))
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	if c.noUnk {
		p[unkID] = 0
	}
	return p
}

// draw picks a word.
func (c generateConfig) draw(scores []float32, rng *nn.RNG) int64 {
	p := c.probabilities(scores)
	if c.minP > 0 {
		cut, left := make([]float64, len(p)), 0
		for i, v := range p {
			if v >= c.minP {
				cut[i] = v
				left++
			}
		}
		if left > 0 {
			p = cut
		}
	}
	sum := 0.0
	for i, v := range p {
		p[i] = math.Pow(v, 1/c.temperature)
		sum += p[i]
	}
	at := rng.Float64() * sum
	last := 0
	for i, v := range p {
		if v == 0 {
			continue
		}
		last = i
		if at -= v; at < 0 {
			break
		}
	}
	return int64(last)
}

// beam is a text that a search follows.
type beam struct {
	ids  []int64
	loss float64 // -log of its probability
	row  int     // of the state it goes on from
}

// BeamSearch goes on from a text for so many words: of all texts it keeps the likeliest, and at the end
// draws one of them by its probability. Options: TopK (10), Beams (1000), Temperature (1, of the last
// draw), NoUnk (true), Sep (a blank).
func (l *LanguageLearner) BeamSearch(text string, words int, o ...GenerateOption) (string, error) {
	c, err := generateCfg(o)
	if e := c.Refuse("beam search", "BeamSearch"); e != nil {
		return "", e
	}
	if err == nil && words < 1 {
		err = fmt.Errorf("%d words to write", words)
	}
	if err != nil {
		return "", fmt.Errorf("fastnb: beam search: %w", err)
	}
	if err := l.ResetState(); err != nil {
		return "", err
	}
	scores, err := start("beam search", l.Data, text, func(ids []int64) ([]float32, error) { return l.scores(ids, 1) })
	if err != nil {
		return "", err
	}
	beams := []beam{{}}
	for i := range words {
		if err := numbers("beam search", scores); err != nil {
			return "", err
		}
		beams = c.grow(beams, scores)
		if i == words-1 {
			break
		}
		rows, ids := make([]int, len(beams)), make([]int64, len(beams))
		for k := range beams {
			rows[k], ids[k] = beams[k].row, beams[k].ids[i]
			beams[k].row = k
		}
		if err := l.SelectState(rows); err != nil {
			return "", err
		}
		if scores, err = l.scores(ids, len(ids)); err != nil {
			return "", err
		}
	}
	l.drawn++
	rng := nn.NewRNG(data.CurrentSeed() + l.drawn*0x9e3779b97f4a7c15)
	return join(l.Data, text, c.choose(beams, rng).ids, c.sep), nil
}

// grow continues each beam by its likeliest words and keeps the best of all.
func (c generateConfig) grow(beams []beam, scores []float32) []beam {
	words := len(scores) / len(beams)
	var out []beam
	for r, b := range beams {
		p := c.probabilities(scores[r*words : (r+1)*words])
		order := make([]int, len(p))
		for i := range order {
			order[i] = i
		}
		sort.SliceStable(order, func(i, j int) bool { return p[order[i]] > p[order[j]] })
		for _, w := range order[:min(c.topK, len(order))] {
			if p[w] > 0 {
				out = append(out, beam{append(b.ids[:len(b.ids):len(b.ids)], int64(w)), b.loss - math.Log(p[w]), r})
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].loss < out[j].loss })
	return out[:min(c.beams, len(out))]
}

// choose draws one of the beams.
func (c generateConfig) choose(beams []beam, rng *nn.RNG) beam {
	sum, best := 0.0, beams[0].loss
	for _, b := range beams {
		sum += math.Exp((best - b.loss) / c.temperature)
	}
	at := rng.Float64() * sum
	for _, b := range beams {
		if at -= math.Exp((best - b.loss) / c.temperature); at < 0 {
			return b
		}
	}
	return beams[len(beams)-1]
}

// writer shows a text that grows.
type writer struct {
	on bool
	h  *cell.Handle
}

func newWriter(on bool) *writer { return &writer{on: on} }

func (w *writer) set(s string) (err error) {
	if !w.on {
		return nil
	}
	b := cell.Bundle{"text/plain": s}
	if w.h == nil {
		w.h, err = cell.NewDisplay(b)
		return err
	}
	return w.h.Update(b)
}

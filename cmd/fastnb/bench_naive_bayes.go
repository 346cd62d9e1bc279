package main

import (
	"context"
	"math"

	"github.com/fastnb/go/fastnb/data"
)

// naiveBayes notes how often the oldest way to sort texts is right on the validation texts: words count alone,
// by how many training texts of a class have them (multinomial naive Bayes on which words are there, add-one).
func (b *bench) naiveBayes(d *data.DataBunch) error {
	m := newWordCounts(d.C, d.Vocab.Len())
	if err := eachText(b.ctx, d, data.Train, func(ids []int64, class int) { m.add(ids, class) }); err != nil {
		return err
	}
	right, n := 0, 0
	err := eachText(b.ctx, d, data.Valid, func(ids []int64, class int) {
		if n++; m.likeliest(ids) == class {
			right++
		}
	})
	if err == nil && n > 0 {
		b.note("naive_bayes_accuracy", float64(right)/float64(n))
	}
	return err
}

// eachText calls f for each text of a set once, with the numbers of its words and its class.
func eachText(ctx context.Context, d *data.DataBunch, t data.DSType, f func(ids []int64, class int)) error {
	return d.Batches(ctx, t, func(x *data.Batch) error {
		ids, classes := x.X[0].Int64s(), x.Y[0].Int64s()
		words := len(ids) / len(classes)
		for i, c := range classes {
			f(ids[i*words:][:words], int(c))
		}
		return nil
	})
}

// wordCounts says of each class how many texts it has and how many of these have a word.
type wordCounts struct {
	texts []float64
	with  [][]float64
}

func newWordCounts(classes, words int) *wordCounts {
	m := &wordCounts{texts: make([]float64, classes), with: make([][]float64, classes)}
	for c := range m.with {
		m.with[c] = make([]float64, words)
	}
	return m
}

// present are the different words of a text, without what fills up its row.
func present(ids []int64) map[int64]bool {
	set := map[int64]bool{}
	for _, id := range ids {
		if id != data.PadID {
			set[id] = true
		}
	}
	return set
}

func (m *wordCounts) add(ids []int64, class int) {
	m.texts[class]++
	for id := range present(ids) {
		m.with[class][id]++
	}
}

// likeliest is the class whose words a text's words are most like, the first of equal ones.
func (m *wordCounts) likeliest(ids []int64) int {
	words := present(ids)
	best, most := 0, math.Inf(-1)
	for c, counts := range m.with {
		sum := 0.
		for _, n := range counts {
			sum += n + 1
		}
		score := math.Log(m.texts[c] + 1)
		for id := range words {
			score += math.Log((counts[id] + 1) / sum)
		}
		if score > most {
			best, most = c, score
		}
	}
	return best
}

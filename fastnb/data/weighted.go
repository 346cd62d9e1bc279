package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

// Weighted is a loader of the same items whose epochs draw n of them, any of them more than once: each draw
// takes an item with a probability in proportion to its weight. There is a weight for each item, none
// negative and not all 0. Data whose kind makes whole batches, as that of language models, is refused.
func (l *Loader) Weighted(weights []float64, n int) (*Loader, error) {
	if src, err := l.source(streamShow, 0); src != nil || err != nil {
		return nil, fmt.Errorf("fastnb: weighted loader: %s are not drawn one by one", l.ds.list.kind.Name())
	}
	if len(weights) != l.ds.Len() || n < 1 {
		return nil, fmt.Errorf("fastnb: weighted loader: %d weights for %d items, %d draws", len(weights), l.ds.Len(), n)
	}
	sums, all := make([]float64, len(weights)), 0.0
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("fastnb: weighted loader: weight %g of item %d (%s): must be at least 0", w, i, l.ds.list.refs[i])
		}
		all += w
		sums[i] = all
	}
	if all == 0 {
		return nil, fmt.Errorf("fastnb: weighted loader: all %d weights are 0", len(weights))
	}
	c := *l
	c.draws, c.sums = n, sums
	return &c, nil
}

// draw gives the items of an epoch.
func (l *Loader) draw(rng *rand.Rand) []int {
	out, all := make([]int, l.draws), l.sums[len(l.sums)-1]
	for k := range out {
		x := rng.Float64() * all
		out[k] = sort.Search(len(l.sums), func(i int) bool { return l.sums[i] > x })
	}
	return out
}

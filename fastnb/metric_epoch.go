package fastnb

import (
	"fmt"
	"math"
	"sort"
)

// The metrics of this file are computed over the whole epoch: they are not averages of their batches.

// confusion counts actual (row) and predicted (column) classes over an epoch.
type confusion struct {
	n     [][]float64
	score func(n [][]float64) float64
}

func (c *confusion) add(out, targ *Tensor) error {
	s := out.Shape()
	if len(s) != 2 || targ.Len() != s[0] {
		return fmt.Errorf("needs outputs [N, C] and N targets")
	}
	if c.n == nil {
		c.n = make([][]float64, s[1])
		for k := range c.n {
			c.n[k] = make([]float64, s[1])
		}
	}
	p, y := out.ArgMax(1).Int64s(), targ.Long().Int64s()
	for k := range p {
		if y[k] < 0 || int(y[k]) >= len(c.n) || s[1] != len(c.n) {
			return fmt.Errorf("target %d of row %d is no class of %d", y[k], k, len(c.n))
		}
		c.n[y[k]][p[k]]++
	}
	return nil
}

func (c *confusion) value() float64 {
	if c.n == nil {
		return math.NaN()
	}
	return c.score(c.n)
}

func ofConfusion(name string, score func(n [][]float64) float64) Metric {
	return Metric{Name: name, whole: func() accumulator { return &confusion{score: score} }}
}

// Precision is the part of the items predicted as class 1 that are of class 1, for two classes; for
// more, the mean over classes.
func Precision() Metric {
	return ofConfusion("precision", func(n [][]float64) float64 {
		return overClasses(n, func(k int) float64 { return n[k][k] / (column(n, k) + fbetaEps) })
	})
}

// Recall is the part of the items of class 1 that are predicted as such, for two classes; for more,
// the mean over classes.
func Recall() Metric {
	return ofConfusion("recall", func(n [][]float64) float64 {
		return overClasses(n, func(k int) float64 { return n[k][k] / (row(n, k) + fbetaEps) })
	})
}

// overClasses is f of class 1 of two, or the mean of f over more classes.
func overClasses(n [][]float64, f func(k int) float64) float64 {
	if len(n) == 2 {
		return f(1)
	}
	s := 0.0
	for k := range n {
		s += f(k)
	}
	return s / float64(len(n))
}

func row(n [][]float64, k int) float64 {
	s := 0.0
	for _, v := range n[k] {
		s += v
	}
	return s
}

func column(n [][]float64, k int) float64 {
	s := 0.0
	for _, r := range n {
		s += r[k]
	}
	return s
}

// marginals gives what the agreement scores are made of: the count of all items, of right ones, and the
// sums over classes of actual·predicted, predicted² and actual².
func marginals(n [][]float64) (all, right, yp, pp, yy float64) {
	for k := range n {
		y, p := row(n, k), column(n, k)
		all += y
		right += n[k][k]
		yp, pp, yy = yp+y*p, pp+p*p, yy+y*y
	}
	return all, right, yp, pp, yy
}

// KappaScore is Cohen's kappa: agreement beyond that of chance, 1 at best.
func KappaScore() Metric {
	return ofConfusion("kappa_score", func(n [][]float64) float64 {
		all, right, yp, _, _ := marginals(n)
		chance := yp / (all * all)
		return (right/all - chance) / (1 - chance)
	})
}

// MatthewsCorrCoef is the correlation of predicted and actual classes, 1 at best.
func MatthewsCorrCoef() Metric {
	return ofConfusion("matthews_corrcoef", func(n [][]float64) float64 {
		all, right, yp, pp, yy := marginals(n)
		return (right*all - yp) / math.Sqrt((all*all-pp)*(all*all-yy))
	})
}

// AUROC is the area under the receiver operating characteristic, for outputs [N, 2] and targets of 0
// and 1: how often an item of class 1 scores above one of class 0, ties counting half.
func AUROC() Metric { return Metric{Name: "auroc", whole: func() accumulator { return &auroc{} }} }

type auroc struct {
	score []float64
	one   []bool
}

func (a *auroc) add(out, targ *Tensor) error {
	s := out.Shape()
	if len(s) != 2 || s[1] != 2 || targ.Len() != s[0] {
		return fmt.Errorf("needs outputs [N, 2] and N targets")
	}
	for k, r := range out.Rows() {
		// The difference of the two orders items as the softmax of the second does.
		a.score = append(a.score, r[1]-r[0])
		a.one = append(a.one, targ.Long().Int64s()[k] == 1)
	}
	return nil
}

func (a *auroc) value() float64 {
	order := make([]int, len(a.score))
	for k := range order {
		order[k] = k
	}
	sort.Slice(order, func(i, j int) bool { return a.score[order[i]] < a.score[order[j]] })
	var ones, zeros, above float64 // above: pairs in the right order
	for i := 0; i < len(order); {
		var o, z float64 // of equal scores
		j := i
		for ; j < len(order) && a.score[order[j]] == a.score[order[i]]; j++ {
			if a.one[order[j]] {
				o++
			} else {
				z++
			}
		}
		above += o * (zeros + z/2)
		ones, zeros, i = ones+o, zeros+z, j
	}
	return above / (ones * zeros)
}

package fastnb

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"
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

// averages are the ways to make one score of those of the classes.
var averages = []string{"binary", "micro", "macro", "weighted", "none"}

// Average says how a metric makes one score of those of the classes: "binary" takes class 1 of two (and
// "macro" of more), "macro" the mean, "weighted" the mean weighted by the items of each class, and "micro"
// counts over all classes (Precision is then weighted by the predictions of each). "none" averages nothing:
// each class has a column of its own in a learner's table.
func Average(how string) MetricOption {
	return ofMetric("Average", func(c *metricConfig) { c.average = how }, "Precision", "Recall", "ClassFBeta", "MultiLabelFbeta", "NewMetric")
}

// scored is a metric of each class's score, averaged.
func scored(call, name string, o []MetricOption, score func(n [][]float64, k int, c metricConfig) float64) Metric {
	c, err := configured(call, .5, o)
	if err != nil {
		return Metric{Name: name, err: err}
	}
	if c.average == "" {
		c.average = "binary"
	}
	if c.average == "none" {
		return Metric{Name: name, byClass: func(k, _ int) Metric {
			return ofConfusion(name, func(n [][]float64) float64 { return score(n, k, c) })
		}}
	}
	m := ofConfusion(name, func(n [][]float64) float64 {
		s := 0.0
		for k, w := range classShares(n, c.average) {
			if w != 0 {
				s += w * score(n, k, c)
			}
		}
		return s
	})
	if !slices.Contains(averages, c.average) {
		m.err = fmt.Errorf("fastnb: metric %s: no Average(%q) (there are %s)", name, c.average, strings.Join(averages, ", "))
	}
	return m
}

// classShares are the weights of the classes in an average.
func classShares(n [][]float64, average string) []float64 {
	w := make([]float64, len(n))
	if average == "binary" && len(n) == 2 {
		w[1] = 1
		return w
	}
	all := 0.0
	for k := range n {
		all += row(n, k)
	}
	for k := range w {
		switch average {
		case "micro":
			w[k] = column(n, k) / all
		case "weighted":
			w[k] = row(n, k) / all
		default:
			w[k] = 1 / float64(len(n))
		}
	}
	return w
}

func precisionOf(n [][]float64, k int) float64 { return n[k][k] / (column(n, k) + fbetaEps) }
func recallOf(n [][]float64, k int) float64    { return n[k][k] / (row(n, k) + fbetaEps) }

// Precision is the part of the items predicted as a class that are of it. Option: Average ("binary").
func Precision(o ...MetricOption) Metric {
	return scored("Precision", "precision", o, func(n [][]float64, k int, _ metricConfig) float64 { return precisionOf(n, k) })
}

// Recall is the part of the items of a class that are predicted as such. Option: Average ("binary").
func Recall(o ...MetricOption) Metric {
	if metricCfg(.5, o).average == "micro" { // over all classes it is the part of right predictions
		o = append(o[:len(o):len(o)], Average("weighted"))
	}
	return scored("Recall", "recall", o, func(n [][]float64, k int, _ metricConfig) float64 { return recallOf(n, k) })
}

// ClassFBeta is (1+b²)PR/(b²P+R) of precision P and recall R of a class, for one class per item; FBeta is
// for several labels. Options: Beta (2), Average ("binary"). (fastai metrics.FBeta)
func ClassFBeta(o ...MetricOption) Metric {
	return scored("ClassFBeta", "f_beta", o, func(n [][]float64, k int, c metricConfig) float64 {
		b2, p, r := c.beta*c.beta, precisionOf(n, k), recallOf(n, k)
		return (1 + b2) * p * r / (p*b2 + r + fbetaEps)
	})
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

// KappaWeights says how far apart classes are in KappaScore: "" all alike, "linear" by the difference of
// their numbers, "quadratic" by its square.
func KappaWeights(name string) MetricOption {
	return ofMetric("KappaWeights", func(c *metricConfig) { c.weights = name }, "KappaScore")
}

// KappaScore is Cohen's kappa: agreement beyond that of chance, 1 at best. Option: KappaWeights ("").
func KappaScore(o ...MetricOption) Metric {
	c, err := configured("KappaScore", .5, o)
	if err != nil {
		return Metric{Name: "kappa_score", err: err}
	}
	m := ofConfusion("kappa_score", func(n [][]float64) float64 {
		all, _, _, _, _ := marginals(n)
		var seen, chance float64
		for y := range n {
			for p := range n {
				w := 0.0
				switch d := math.Abs(float64(y - p)); {
				case c.weights == "linear":
					w = d
				case c.weights == "quadratic":
					w = d * d
				case y != p:
					w = 1
				}
				seen += w * n[y][p]
				chance += w * row(n, y) * column(n, p) / all
			}
		}
		return 1 - seen/chance
	})
	if c.weights != "" && c.weights != "linear" && c.weights != "quadratic" {
		m.err = fmt.Errorf("fastnb: metric kappa_score: no KappaWeights(%q) (there are linear, quadratic)", c.weights)
	}
	return m
}

// MatthewsCorreff is the correlation of predicted and actual classes, 1 at best.
func MatthewsCorreff() Metric {
	return ofConfusion("matthews_correff", func(n [][]float64) float64 {
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

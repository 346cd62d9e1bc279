package fastnb

import (
	"fmt"
	"math"
)

// MultiLabelFbeta is (1+b²)PR/(b²P+R) of precision P and recall R of the labels, counted over the epoch, for
// outputs and targets [N, C] with several labels per item. Options: Thresh (0.3), Beta (2), WithSigmoid
// (true), Average: "micro" (the default) counts over all labels, "macro" and "weighted" average over
// labels, "none" makes a column for each. (fastai metrics.MultiLabelFbeta)
func MultiLabelFbeta(o ...MetricOption) Metric {
	c, err := configured("MultiLabelFbeta", .3, o)
	if err != nil {
		return Metric{Name: "multi_label_fbeta", err: err}
	}
	if c.average == "" {
		c.average = "micro"
	}
	m := Metric{Name: "multi_label_fbeta", whole: func() accumulator { return &labelCounts{c: c} }}
	switch c.average {
	case "micro", "macro", "weighted":
	case "none":
		m = Metric{Name: m.Name, byClass: func(k, _ int) Metric {
			return Metric{whole: func() accumulator { return &labelCounts{c: c, only: &k} }}
		}}
	default:
		m.err = fmt.Errorf("fastnb: metric multi_label_fbeta: no Average(%q) (there are micro, macro, weighted, none)", c.average)
	}
	return m
}

// labelCounts counts for each label how often it was right, predicted and there.
type labelCounts struct {
	c                       metricConfig
	only                    *int // the score is that of one label
	right, predicted, there []float64
}

func (l *labelCounts) add(out, targ *Tensor) error {
	s := out.Shape()
	if len(s) != 2 || targ.Len() != out.Len() {
		return fmt.Errorf("needs outputs and targets [N, C] of one shape")
	}
	p := l.c.predicted(out)
	if err := p.Err(); err != nil {
		return err
	}
	if l.right == nil {
		l.right, l.predicted, l.there = make([]float64, s[1]), make([]float64, s[1]), make([]float64, s[1])
	}
	if len(l.right) != s[1] {
		return fmt.Errorf("%d labels, %d before", s[1], len(l.right))
	}
	y := targ.Float().Float32s()
	for i, on := range p.Uint8s() {
		k, t := i%s[1], float64(y[i])
		l.right[k] += float64(on) * t
		l.predicted[k] += float64(on)
		l.there[k] += t
	}
	return nil
}

// labelEps keeps divisions finite (fastai: 1e-15).
const labelEps = 1e-15

func (l *labelCounts) value() float64 {
	if l.right == nil {
		return math.NaN()
	}
	score := func(right, predicted, there float64) float64 {
		p, r, b2 := right/(predicted+labelEps), right/(there+labelEps), l.c.beta*l.c.beta
		return (1 + b2) * p * r / (b2*p + r + labelEps)
	}
	if k := l.only; k != nil {
		return score(l.right[*k], l.predicted[*k], l.there[*k])
	}
	var all, sum, weights float64
	var right, predicted, there float64
	for k := range l.right {
		right, predicted, there = right+l.right[k], predicted+l.predicted[k], there+l.there[k]
		w := 1.0
		if l.c.average == "weighted" {
			w = l.there[k]
		}
		sum += w * score(l.right[k], l.predicted[k], l.there[k])
		weights += w
	}
	if l.c.average == "micro" {
		all = score(right, predicted, there)
	} else {
		all = sum / (weights + labelEps)
	}
	return all
}

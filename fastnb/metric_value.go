package fastnb

import (
	"fmt"
	"math"
)

// The metrics of numbers: outputs and targets of the same count, whatever their shapes.

// MSE is the mean squared error.
func MSE() Metric {
	return values("mean_squared_error", func(p, y []float32) float64 {
		return avg(p, y, func(p, y float64) float64 { return (p - y) * (p - y) })
	})
}

// MAE is the mean absolute error.
func MAE() Metric {
	return values("mean_absolute_error", func(p, y []float32) float64 {
		return avg(p, y, func(p, y float64) float64 { return math.Abs(p - y) })
	})
}

// RMSE is the square root of the epoch's mean squared error.
func RMSE() Metric {
	return wholeValues("rmse", func(p, y []float32) float64 {
		return math.Sqrt(avg(p, y, func(p, y float64) float64 { return (p - y) * (p - y) }))
	})
}

// MSLE is the mean squared difference of log(1+x).
func MSLE() Metric {
	return values("mean_squared_logarithmic_error", func(p, y []float32) float64 {
		return avg(p, y, func(p, y float64) float64 { d := math.Log1p(p) - math.Log1p(y); return d * d })
	})
}

// PSNR is the ratio of the greatest signal, 1, to the noise in decibels: 10 log10(1/MSE), averaged over
// batches.
func PSNR() Metric {
	return values("psnr", func(p, y []float32) float64 {
		return -10 * math.Log10(avg(p, y, func(p, y float64) float64 { return (p - y) * (p - y) }))
	})
}

// ExpRMSPE is the root mean squared relative error of exp(x) over the epoch.
func ExpRMSPE() Metric {
	return wholeValues("exp_rmspe", func(p, y []float32) float64 {
		return math.Sqrt(avg(p, y, func(p, y float64) float64 { d := 1 - math.Exp(p-y); return d * d }))
	})
}

// R2Score is 1 - squared error / variance of the targets, over the epoch.
func R2Score() Metric {
	return wholeValues("r2_score", func(p, y []float32) float64 {
		m := avg(y, y, func(y, _ float64) float64 { return y })
		res := avg(p, y, func(p, y float64) float64 { return (y - p) * (y - p) })
		return 1 - res/avg(y, y, func(y, _ float64) float64 { return (y - m) * (y - m) })
	})
}

// ExplainedVariance is 1 - variance of the error / variance of the targets, over the epoch.
func ExplainedVariance() Metric {
	return wholeValues("explained_variance", func(p, y []float32) float64 {
		return 1 - variance(p, y, func(p, y float64) float64 { return y - p })/variance(y, y, func(y, _ float64) float64 { return y })
	})
}

// values wraps a function of flat outputs and targets.
func values(name string, f func(p, y []float32) float64) Metric {
	return Metric{Name: name, batch: func(out, targ *Tensor) (float64, error) {
		if out.Len() != targ.Len() {
			return 0, fmt.Errorf("needs as many outputs as targets")
		}
		return f(out.Float().Float32s(), targ.Float().Float32s()), nil
	}}
}

// wholeValues wraps a function of the flat outputs and targets of a whole epoch.
func wholeValues(name string, f func(p, y []float32) float64) Metric {
	return Metric{Name: name, whole: func() accumulator { return &gathered{f: f} }}
}

// gathered keeps an epoch's outputs and targets.
type gathered struct {
	p, y []float32
	f    func(p, y []float32) float64
}

func (g *gathered) add(out, targ *Tensor) error {
	if out.Len() != targ.Len() {
		return fmt.Errorf("needs as many outputs as targets")
	}
	g.p, g.y = append(g.p, out.Float().Float32s()...), append(g.y, targ.Float().Float32s()...)
	return nil
}

func (g *gathered) value() float64 {
	if len(g.p) == 0 {
		return math.NaN()
	}
	return g.f(g.p, g.y)
}

func avg(p, y []float32, f func(p, y float64) float64) float64 {
	s := 0.0
	for k := range p {
		s += f(float64(p[k]), float64(y[k]))
	}
	return s / float64(len(p))
}

func variance(p, y []float32, f func(p, y float64) float64) float64 {
	m := avg(p, y, f)
	return avg(p, y, func(p, y float64) float64 { d := f(p, y) - m; return d * d })
}

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

// RMSE is the square root of the batch's mean squared error, averaged over batches.
func RMSE() Metric {
	return values("root_mean_squared_error", func(p, y []float32) float64 {
		return math.Sqrt(avg(p, y, func(p, y float64) float64 { return (p - y) * (p - y) }))
	})
}

// MSLE is the mean squared difference of log(1+x).
func MSLE() Metric {
	return values("mean_squared_logarithmic_error", func(p, y []float32) float64 {
		return avg(p, y, func(p, y float64) float64 { d := math.Log1p(p) - math.Log1p(y); return d * d })
	})
}

// ExpRMSPE is the root mean squared relative error of exp(x).
func ExpRMSPE() Metric {
	return values("exp_rmspe", func(p, y []float32) float64 {
		return math.Sqrt(avg(p, y, func(p, y float64) float64 { d := 1 - math.Exp(p-y); return d * d }))
	})
}

// R2Score is 1 - squared error / variance of the targets, averaged over batches.
func R2Score() Metric {
	return values("r2_score", func(p, y []float32) float64 {
		m := avg(y, y, func(y, _ float64) float64 { return y })
		res := avg(p, y, func(p, y float64) float64 { return (y - p) * (y - p) })
		return 1 - res/avg(y, y, func(y, _ float64) float64 { return (y - m) * (y - m) })
	})
}

// ExplainedVariance is 1 - variance of the error / variance of the targets, averaged over batches.
func ExplainedVariance() Metric {
	return values("explained_variance", func(p, y []float32) float64 {
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

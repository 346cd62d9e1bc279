package fastnb

import "math"

// smoothBeta weighs the past in the shown training loss (fastai: 0.98).
const smoothBeta = 0.98

// smoother is a moving average without the bias of its zero start.
type smoother struct {
	mean float64
	n    int
}

// add takes a value and gives the average so far.
func (s *smoother) add(x float64) float64 {
	s.n++
	s.mean = smoothBeta*s.mean + (1-smoothBeta)*x
	return s.mean / (1 - math.Pow(smoothBeta, float64(s.n)))
}

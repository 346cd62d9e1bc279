package fastnb

import "math"

// smoothBeta weighs the past in the shown training loss (fastai: 0.98).
const smoothBeta = 0.98

// smoother is a moving average without the bias of its zero start. It is kept in single precision, as
// fastai's is, so that ties in the curve fall as they do there.
type smoother struct {
	mean float32
	n    int
}

// add takes a value and gives the average so far.
func (s *smoother) add(x float64) float64 {
	s.n++
	s.mean = float32(float32(smoothBeta)*s.mean) + float32(float32(1-smoothBeta)*float32(x))
	return float64(s.mean / float32(1-math.Pow(smoothBeta, float64(s.n))))
}

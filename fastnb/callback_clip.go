package fastnb

import "fmt"

// GradientClipping scales the gradients of a batch down so that their common L2 norm is at most max.
// (fastai callbacks/misc.py; the norm is over all parameters that train)
func GradientClipping(max float64) Callback {
	return Callback{Name: "GradientClipping", Blind: true, AfterBackward: func(l *Learner) error {
		if !(max > 0) {
			return fmt.Errorf("the largest norm must be positive, got %v", max)
		}
		_, err := l.ClipGrads(max)
		return err
	}}
}

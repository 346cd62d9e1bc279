package fastnb

import "fmt"

// AccumulateScheduler makes the optimizer step once every n batches, by the mean of their gradients over
// all their rows, as if they were one batch (but for batch norm, which sees them one by one). What is
// left at the end of an epoch makes a last, smaller step, unless dropLast. It comes before the callbacks
// that work on gradients, such as GradientClipping. (fastai train.py)
func AccumulateScheduler(n int, dropLast bool) Callback {
	count, added := 0, false
	return Callback{
		Name: "AccumulateScheduler", Order: -5, Blind: true,
		BeforeFit: func(l *Learner) error {
			if n < 1 {
				return fmt.Errorf("a step every %d batches: must be at least 1", n)
			}
			return nil
		},
		BeforeEpoch: func(l *Learner) error {
			count, added = 0, false
			l.DropGrads()
			return nil
		},
		AfterBackward: func(l *Learner) error {
			if !l.Overflow {
				if err := l.AddGrads(float64(firstSize(l.Input))); err != nil {
					return err
				}
				added = true
			}
			count++
			if count < n && (dropLast || l.Batch+1 < l.TrainBatches()) {
				return ErrStopBatch
			}
			count = 0
			if !added {
				return nil // every batch overflowed, so the step will not be taken
			}
			added, l.Overflow = false, false
			return l.TakeGrads()
		},
		AfterFit: func(l *Learner) error {
			l.DropGrads()
			return nil
		},
	}
}

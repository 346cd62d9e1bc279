package fastnb

// What callbacks do to a fit: of a user's as of ours.

// ClipGrads has the step that comes scale the gradients of all parameters that train down so that their common L2
// norm is at most max, and gives the norm before. It is for AfterBackward. Max 0 only measures.
func (l *Learner) ClipGrads(max float64) (norm float64, err error) {
	if err := l.alive("clip gradients"); err != nil {
		return 0, err
	}
	return l.eng.ClipGrads(max)
}

// ScaleGrads has the step that comes multiply all gradients by a factor, as if the batch's loss were so many times
// what it is. It is for AfterBackward.
func (l *Learner) ScaleGrads(factor float64) error {
	if err := l.alive("scale gradients"); err != nil {
		return err
	}
	return l.eng.ScaleGrads(factor)
}

// AddGrads adds the batch's gradients to a sum, with a weight such as its number of rows, for TakeGrads. It is for
// AfterBackward, which then returns ErrStopBatch where the batch is to make no step of its own.
func (l *Learner) AddGrads(weight float64) error {
	if err := l.alive("add gradients"); err != nil {
		return err
	}
	return l.eng.AddGrads(weight)
}

// TakeGrads puts the mean of what AddGrads added up, by its weights, in the gradients' place and begins a new sum.
func (l *Learner) TakeGrads() error {
	if err := l.alive("take gradients"); err != nil {
		return err
	}
	return l.eng.TakeGrads()
}

// DropGrads forgets the sum that AddGrads made, and the memory it takes.
func (l *Learner) DropGrads() {
	if l.eng != nil {
		l.eng.DropGrads()
	}
}

// FreezeNorm says whether batch norm in frozen layer groups works as in evaluation in training too, with its running
// statistics, and leaves these as they are. It is for BeforeFit and AfterFit.
func (l *Learner) FreezeNorm(on bool) {
	if l.eng != nil {
		l.eng.FreezeNorm(on)
	}
}

// Watch has training keep what layers give, named by their paths as in Summary, for Watched; without any it ends.
// Programs for training are made anew: it is for BeforeFit and AfterFit.
func (l *Learner) Watch(layers ...string) error {
	if err := l.alive("watch"); err != nil {
		return err
	}
	return l.eng.Watch(layers)
}

// Watched gives the outputs of the watched layers on the last training batch, in the order of Watch, pictures as
// [N, C, H, W].
func (l *Learner) Watched() ([]*Tensor, error) {
	if err := l.alive("watched"); err != nil {
		return nil, err
	}
	return l.eng.Watched()
}

// EpochsBegun is the number of training epochs begun since the learner was made, beyond the fit under way and after
// Load that of the checkpoint: random numbers drawn by it and Batch are those of a training that never stopped.
func (l *Learner) EpochsBegun() int64 { return l.seen }

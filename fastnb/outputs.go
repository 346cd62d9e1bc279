package fastnb

import (
	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/engine"
)

// ResetState lets a model that carries a state from batch to batch, as a language model does, begin anew.
// Fits do it at the start of each epoch's training.
func (l *Learner) ResetState() error {
	if err := l.alive("reset state"); err != nil {
		return err
	}
	l.eng.ResetState()
	l.Model.begin(l.asks, nil)
	return nil
}

// SelectState makes row rows[i] of the last batch's state that of row i of the next batch, which is to
// have as many rows as the list: how a search follows its best branches.
func (l *Learner) SelectState(rows []int) error {
	if err := l.alive("select state"); err != nil {
		return err
	}
	return because("select state", l.Model.selectState(l.asks, rows))
}

// Outputs gives what the model says about a batch of inputs in evaluation mode, before the loss's
// activation. A state goes on from the batch before.
func (l *Learner) Outputs(x ...*Tensor) (*Tensor, error) {
	if err := l.alive("outputs"); err != nil {
		return nil, err
	}
	_, out, err := l.forward(cell.Context(), engine.Batch{X: x}, true)
	if cell.Interrupted() != nil {
		return nil, cell.ErrInterrupted
	}
	return out, because("outputs", err)
}

// StateDict gives all parameters and running statistics by their names in the model.
func (l *Learner) StateDict() (map[string]*Tensor, error) {
	if err := l.alive("state dict"); err != nil {
		return nil, err
	}
	return l.eng.State()
}

// LoadStateDict sets parameters and running statistics by their names in the model. With strict all must
// be there and nothing else; shapes must fit in any case, and nothing is changed unless they do.
func (l *Learner) LoadStateDict(state map[string]*Tensor, strict bool) error {
	if err := l.alive("load state dict"); err != nil {
		return err
	}
	return l.eng.LoadState(state, strict)
}

// Gradient gives the output of a layer, named by its path in the model, on a batch x in evaluation mode,
// and how the score sum(outputs*weights) of the model's outputs changes with it. Weights have the shape of
// the outputs.
func (l *Learner) Gradient(x *Tensor, layer string, weights *Tensor) (value, grad *Tensor, err error) {
	if err := l.alive("gradient"); err != nil {
		return nil, nil, err
	}
	a, err := l.Model.inspect(cell.Context(), x, layer, weights)
	if cell.Interrupted() != nil {
		return nil, nil, cell.ErrInterrupted
	}
	if err != nil {
		return nil, nil, because("gradient", err)
	}
	return a.Value, a.Grad, nil
}

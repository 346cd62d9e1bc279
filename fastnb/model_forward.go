package fastnb

import (
	"context"
	"errors"

	"github.com/fastnb/go/fastnb/engine"
)

// dialogue is a run of batches each of which goes on from the state that the one before has left, as those of a
// language model do. Others may ask the model between them: each dialogue has its own state.
type dialogue struct {
	kept *engine.Carried // the state while another's is in the engine; nil: zeros. Under the model's mu.
}

// enter makes the engine that of a dialogue, nil for who begins from zeros; mu is held.
func (m *Model) enter(d *dialogue) (predictor, error) {
	e, err := m.engine()
	if err != nil {
		return nil, err
	}
	if m.turn == d && d != nil {
		return e, nil
	}
	if m.turn != nil {
		if m.turn.kept, err = e.PutAside(); err != nil {
			return nil, err
		}
		m.turn = nil
	}
	if d == nil {
		e.ResetState()
		return e, nil
	}
	if err := e.TakeUp(d.kept); err != nil {
		return nil, err
	}
	d.kept.Free()
	d.kept, m.turn = nil, d
	return e, nil
}

// begin makes a dialogue go on from a state, which it takes over: nil for zeros.
func (m *Model) begin(d *dialogue, state *engine.Carried) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.turn == d {
		m.turn = nil
	}
	d.kept.Free()
	d.kept = state
}

// forward runs a batch in evaluation mode as the next of a dialogue, nil for a batch by itself, and waits for the
// mean loss, 0 without targets, and if it is wanted for the output before the loss's activation.
func (m *Model) forward(ctx context.Context, d *dialogue, b engine.Batch, output bool) (loss float64, out *Tensor, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, err := m.enter(d)
	if err != nil {
		return 0, nil, err
	}
	r, err := e.Forward(ctx, b)
	if err != nil {
		return 0, nil, err
	}
	told, err := r.Loss(ctx)
	if err == nil && output {
		out, err = r.Output(ctx)
	}
	return float64(told), out, err
}

// selectState is engine.SelectState in a dialogue.
func (m *Model) selectState(d *dialogue, rows []int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, err := m.enter(d)
	if err != nil {
		return err
	}
	return e.SelectState(rows)
}

// with lets f use the engine; its state is then nobody's.
func (m *Model) with(f func(e predictor) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, err := m.enter(nil)
	if err != nil {
		return err
	}
	return f(e)
}

// state are the weights and running statistics, by their names in the network.
func (m *Model) state() (all map[string]*Tensor, err error) {
	err = m.with(func(e predictor) error {
		all, err = e.State()
		return err
	})
	return all, err
}

// inspect is engine.Inspect.
func (m *Model) inspect(ctx context.Context, x *Tensor, layer string, weights *Tensor) (a *engine.Activation, err error) {
	err = m.with(func(e predictor) error {
		a, err = e.Inspect(ctx, x, layer, weights)
		return err
	})
	return a, err
}

// layerShapes is engine.LayerShapes.
func (m *Model) layerShapes(x *Tensor) (shapes []engine.LayerShape, err error) {
	err = m.with(func(e predictor) error {
		shapes, err = e.LayerShapes(x)
		return err
	})
	return shapes, err
}

// memory is what the model's programs take.
func (m *Model) memory() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.eng == nil {
		return 0
	}
	programs, _ := m.eng.Memory()
	return programs
}

// dropPrograms frees compiled programs, which the next batch makes again.
func (m *Model) dropPrograms() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.eng != nil {
		m.eng.DropPrograms()
	}
}

// forward asks the learner's model for a batch, as the next of those that the learner evaluates. Programs for
// training make room where they are in its way.
func (l *Learner) forward(ctx context.Context, b engine.Batch, output bool) (loss float64, out *Tensor, err error) {
	return l.forwardIn(ctx, l.asks, b, output)
}

// forwardIn is forward as the next batch of a dialogue of one's own.
func (l *Learner) forwardIn(ctx context.Context, d *dialogue, b engine.Batch, output bool) (loss float64, out *Tensor, err error) {
	loss, out, err = l.Model.forward(ctx, d, b, output)
	if errors.Is(err, engine.ErrMemory) {
		l.eng.DropPrograms()
		loss, out, err = l.Model.forward(ctx, d, b, output)
	}
	return loss, out, err
}

// trainOn begins a training batch. Programs for evaluation make room where they are in its way.
func (l *Learner) trainOn(ctx context.Context) (engine.Result, error) {
	res, err := l.eng.Train(ctx, l.batch())
	if errors.Is(err, engine.ErrMemory) {
		l.Model.dropPrograms()
		res, err = l.eng.Train(ctx, l.batch())
	}
	return res, err
}

// handOver lets evaluation go on from the state that training has left.
func (l *Learner) handOver() error {
	c, err := l.eng.PutAside()
	if err != nil {
		return err
	}
	l.Model.begin(l.asks, c)
	return nil
}

package fastnb

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/internal/opt"
	"github.com/fastnb/go/fastnb/tensor"
)

// PredictConfig is what the options of Predict say.
type PredictConfig struct {
	opt.Given

	Thresh float64 // probability from which on a label counts: 0.5
}

// PredictOption changes Predict.
type PredictOption interface{ ApplyPredict(*PredictConfig) }

func predictCfg(o []PredictOption) PredictConfig {
	c := PredictConfig{Thresh: .5}
	for _, o := range o {
		o.ApplyPredict(&c)
	}
	return c
}

// NBatch lets GetPreds and Validate see the first n batches only.
func NBatch(n int) data.PredsOption {
	return inPreds("NBatch", func(c *data.PredsConfig) { c.Batches = n }, "GetPreds", "Validate", "TTA", "Interpret")
}

// inPreds makes an option that the named calls take.
func inPreds(name string, f func(*data.PredsConfig), takers ...string) data.PredsOption {
	return predsOption(func(c *data.PredsConfig) { f(c); c.Note(name, takers...) })
}

// predsCfg is the configuration of a call, and the error of an option that it does not look at.
func predsCfg(verb, call string, o []data.PredsOption) (data.PredsConfig, error) {
	c := data.NewPredsConfig(data.Valid, o...)
	return c, c.Refuse(verb, call)
}

type predsOption func(*data.PredsConfig)

// ApplyPreds makes the change.
func (o predsOption) ApplyPreds(c *data.PredsConfig) { o(c) }

// activate turns raw outputs into predictions as the loss asks.
func (l *Learner) activate(out *Tensor) *Tensor { return activation(l.Loss.Activation, out) }

// activateAs is activate with an activation of its own: "sigmoid", "softmax", "exp", "none", or "" for the
// loss's.
func (l *Learner) activateAs(name string, out *Tensor) (*Tensor, error) {
	switch name {
	case "":
		return l.activate(out), nil
	case "none":
		return out, nil
	case "exp":
		e := tensor.New(tensor.Float32, out.Shape()...)
		for k, v := range out.Float32s() {
			e.Float32s()[k] = float32(math.Exp(float64(v)))
		}
		return e, nil
	case "sigmoid", "softmax":
		return activation(name, out), nil
	}
	return nil, fmt.Errorf("no activation %q (there are sigmoid, softmax, exp, none)", name)
}

// Activ names the activation of predictions in place of the loss's: "sigmoid", "softmax", "exp" or "none".
func Activ(name string) data.PredsOption {
	return inPreds("Activ", func(c *data.PredsConfig) { c.Activ = name }, "GetPreds", "PredBatch", "TTA", "Interpret")
}

// OfBatch makes PredBatch predict this batch.
func OfBatch(b *data.Batch) data.PredsOption {
	return inPreds("OfBatch", func(c *data.PredsConfig) { c.Batch = b }, "PredBatch")
}

// PredBatch gives the predictions for one batch, after the activation: the first of the validation set, of
// another with On, or one of yours with OfBatch. Data.Decode makes targets of them. Other option: Activ.
func (l *Learner) PredBatch(o ...data.PredsOption) (*Tensor, error) {
	c, err := predsCfg("predict batch", "PredBatch", o)
	if err != nil {
		return nil, err
	}
	if c.Batch == nil {
		c.Batches = 1
		p, err := l.walk("predict batch", c)
		if err != nil {
			return nil, err
		}
		return p.preds, nil
	}
	if err := l.alive("predict batch"); err != nil {
		return nil, err
	}
	_, out, err := l.forward(cell.Context(), engine.Batch{X: c.Batch.X}, true)
	if err == nil {
		out, err = l.activateAs(c.Activ, out)
	}
	if err != nil {
		return nil, because("predict batch", err)
	}
	return out, out.Err()
}

// GetPreds gives the predictions for a set of the data, after the loss's activation, and the targets: a row
// for each item, in the order of the set (Train has the training transforms, Fix those of validation).
// Options: On (Valid), NBatch (all), Activ. A test set's targets are zeros. An item that SkipBroken leaves
// out keeps its row: its predictions are NaN, and so is its target where that cannot be told without the item
// (-1 for whole numbers).
func (l *Learner) GetPreds(o ...data.PredsOption) (preds, targs *Tensor, err error) {
	c, err := predsCfg("get predictions", "GetPreds", o)
	if err != nil {
		return nil, nil, err
	}
	p, err := l.walk("get predictions", c)
	if err != nil {
		return nil, nil, err
	}
	return p.preds, p.targs, nil
}

// predictions are a data set's, in its order.
type predictions struct {
	preds, targs *Tensor
	losses       []float64 // of each item, if asked for
}

// walk predicts a data set.
func (l *Learner) walk(verb string, c data.PredsConfig) (*predictions, error) {
	set, n, err := l.set(verb, c.On)
	if err != nil {
		return nil, err
	}
	show := l.walkBar(1)
	defer show.stop()
	return l.walkSet(verb, set, n, c, show)
}

// walkBar shows the progress of so many walks.
func (l *Learner) walkBar(walks int) *progress {
	show := &progress{silent: l.Silent, bare: true}
	show.start(nil, walks)
	return show
}

// walkSet predicts n batches.
func (l *Learner) walkSet(verb string, set func(context.Context) batches, n int, c data.PredsConfig, show *progress) (*predictions, error) {
	if c.Batches > 0 {
		n = min(n, c.Batches)
	}
	if n == 0 {
		return nil, fmt.Errorf("fastnb: %s: the %s set is empty", verb, c.On)
	}
	ctx := cell.Context()
	d := &dialogue{} // who predicts in the middle of a validation does not disturb it
	defer l.Model.begin(d, nil)
	show.phase(n)
	var ps, ts []*Tensor
	var order, lost []int
	p := &predictions{}
	for b, err := range set(ctx) {
		var out *Tensor
		if err == nil {
			_, out, err = l.forwardIn(ctx, d, engine.Batch{X: b.X}, true)
		}
		if err == nil && c.WithLoss {
			err = p.addLosses(l, out, b.Y)
		}
		if ctx.Err() != nil {
			return nil, cell.ErrInterrupted
		}
		if err != nil {
			return nil, because(verb, err)
		}
		act, err := l.activateAs(c.Activ, out)
		if err != nil {
			return nil, because(verb, err)
		}
		ps = append(ps, act)
		order, lost = append(order, b.Index...), append(lost, b.Skipped...)
		if len(b.Y) > 0 {
			ts = append(ts, b.Y[0])
		}
		show.step("")
		if len(ps) == n {
			break
		}
	}
	if len(ps) == 0 {
		return nil, fmt.Errorf("fastnb: %s: none of the %s items could be opened (learn.Data.Skipped names them)", verb, c.On)
	}
	p.preds = tensor.Concat(ps...)
	p.targs = tensor.New(tensor.Int64, firstSize([]*Tensor{p.preds}))
	if len(ts) > 0 {
		p.targs = tensor.Concat(ts...)
	}
	for _, t := range []*Tensor{p.preds, p.targs} {
		if err := t.Err(); err != nil {
			return nil, because(verb, err)
		}
	}
	p.sort(order)
	if len(order) == p.preds.Shape()[0] {
		if len(ps) < n || c.Batches == 0 { // lost at the end, behind the last batch
			lost = absent(order, l.itemsOf(c.On))
		}
		if err := p.fillLost(l, c.On, order, lost); err != nil {
			return nil, because(verb, err)
		}
	}
	return p, nil
}

func (l *Learner) itemsOf(t data.DSType) int {
	if f := l.feedOf(t); f != nil {
		return f.Items()
	}
	return 0
}

// sort brings predictions that were made in another order, as texts are by length, into that of the set.
// order says which items they are; where only a part was predicted, the order of what is there.
func (p *predictions) sort(order []int) {
	if slices.IsSorted(order) || len(order) != p.preds.Shape()[0] {
		return
	}
	at := make([]int, len(order))
	for k := range at {
		at[k] = k
	}
	sort.SliceStable(at, func(i, j int) bool { return order[at[i]] < order[at[j]] })
	p.preds = pick(p.preds, at)
	if p.targs.Shape()[0] == len(at) {
		p.targs = pick(p.targs, at)
	}
	losses := slices.Clone(p.losses)
	for k, i := range at {
		if k < len(losses) {
			p.losses[k] = losses[i]
		}
	}
}

// pick gives the rows at of a tensor.
func pick(t *Tensor, at []int) *Tensor {
	out := tensor.New(t.DType(), t.Shape()...)
	n := t.Len() / len(at)
	for k, i := range at {
		if t.DType() == tensor.Int64 {
			copy(out.Int64s()[k*n:(k+1)*n], t.Int64s()[i*n:])
		} else {
			copy(out.Float32s()[k*n:(k+1)*n], t.Float32s()[i*n:])
		}
	}
	return out
}

// addLosses adds a batch's loss of each item, computed on the raw outputs.
func (p *predictions) addLosses(l *Learner, out *Tensor, y []*Tensor) error {
	if l.Loss.Host == nil || len(y) == 0 {
		return fmt.Errorf("loss %s cannot be told for single items", l.Loss.Name)
	}
	ls, err := l.Loss.Host(out, y[0])
	for _, x := range ls {
		p.losses = append(p.losses, float64(x))
	}
	return err
}

// Validate gives the loss and the metrics on a set: the validation set, or another with On, or with NBatch the
// first batches of it. Items that SkipBroken leaves out do not count.
func (l *Learner) Validate(o ...data.PredsOption) ([]float64, error) {
	c, err := predsCfg("validate", "Validate", o)
	if err != nil {
		return nil, err
	}
	set, n, err := l.set("validate", c.On)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("fastnb: validate: the %s set is empty", c.On)
	}
	ctx := cell.Context()
	v, _, err := l.evaluate(ctx, first(c.Batches, set(ctx)), l.Metrics, newHooks(l.Callbacks), func() {})
	if ctx.Err() != nil {
		return nil, cell.ErrInterrupted
	}
	if err == nil && v == nil {
		err = fmt.Errorf("fastnb: validate: callbacks let no batch of the %s set count", c.On)
	}
	return v, because("validate", err)
}

// Prediction is what a model says about one item.
type Prediction struct {
	Class   string    // the class, or the labels above the threshold joined with ";"
	Classes []string  // the labels above the threshold; one for single-label models
	Index   int       // the class's number; -1 for multi-label models and values
	Probs   []float64 // after the activation, one for each class (or the predicted values)
	Output  *Tensor   // the same as a tensor, in the model's shape
	Target  data.Item // the same as an item: a class, labels, points, a mask
}

// String is the prediction in a line.
func (p Prediction) String() string {
	if p.Classes == nil {
		return fmt.Sprint(p.Probs)
	}
	if p.Index >= 0 && p.Index < len(p.Probs) {
		return fmt.Sprintf("%s (%.4f)", p.Class, p.Probs[p.Index])
	}
	return p.Class
}

// Predict tells what the model says about one item: an opened one such as a picture, or a path (or a
// string) that names one; of text models a string is the text itself. It goes through the transforms of the validation set. Option: Thresh (0.5).
func (l *Learner) Predict(item any, o ...PredictOption) (Prediction, error) {
	if err := l.alive("predict"); err != nil {
		return Prediction{}, err
	}
	ps, err := l.Model.ask(cell.Context(), recipe{l.Data, l.Loss}, []any{item}, predictCfg(o))
	if cell.Interrupted() != nil {
		return Prediction{}, cell.ErrInterrupted
	}
	if err != nil {
		return Prediction{}, because("predict", err)
	}
	if !ps[0].IsNumber() {
		l.say("predict: the result is no number: the item, or the weights after a training that went wrong, hold NaN.")
	}
	return ps[0], nil
}

// IsNumber reports whether all that the model said is finite. What it said is worth nothing otherwise: weights hold
// NaN after a training that went wrong, or the item does.
func (p Prediction) IsNumber() bool {
	bad := func(v float64) bool { return v-v != 0 }
	if slices.ContainsFunc(p.Probs, bad) {
		return false
	}
	if p.Output == nil || p.Output.Err() != nil || p.Output.DType() != tensor.Float32 {
		return true
	}
	return !slices.ContainsFunc(p.Output.Float32s(), func(v float32) bool { return v-v != 0 })
}

// PredictWithMCDropout predicts an item n times (10 in fastai) with dropout at work: how far the predictions
// lie apart tells how sure the model is. (Gal and Ghahramani 2015, arXiv:1506.02142)
func (l *Learner) PredictWithMCDropout(item any, n int) ([]Prediction, error) {
	const verb = "predict with dropout"
	if err := l.alive(verb); err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, fmt.Errorf("fastnb: %s: %d times: must be at least 1", verb, n)
	}
	x, err := l.open(item)
	if err != nil {
		return nil, because(verb, err)
	}
	b, err := l.Data.OneItem(x)
	if err != nil {
		return nil, because(verb, err)
	}
	var outs []*Tensor
	err = l.Model.with(func(e predictor) error {
		outs, err = e.EvalWithDropout(cell.Context(), b.X[0], n, l.stream)
		return err
	})
	if cell.Interrupted() != nil {
		return nil, cell.ErrInterrupted
	}
	if err != nil {
		return nil, because(verb, err)
	}
	ps := make([]Prediction, n)
	for k, out := range outs {
		if ps[k], err = l.decode(l.activate(out).At(0), predictCfg(nil).Thresh); err != nil {
			return nil, err
		}
	}
	return ps, nil
}

func (l *Learner) open(item any) (data.Item, error) { return recipe{l.Data, l.Loss}.open(item) }

// decode reads a row of activated outputs.
func (l *Learner) decode(row *Tensor, thresh float64) (Prediction, error) {
	p, err := recipe{l.Data, l.Loss}.decode(row, thresh)
	return p, because("predict", err)
}

func className(names []string, k int) string {
	if k >= 0 && k < len(names) {
		return names[k]
	}
	return fmt.Sprint(k)
}

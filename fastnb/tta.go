package fastnb

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/data"
)

// TTAScale is the magnification of TTA's pictures: 1.35 by default.
func TTAScale(x float64) data.PredsOption {
	return inPreds("TTAScale", func(c *data.PredsConfig) { c.Scale = x }, "TTA")
}

// testTimer is an augmenter that knows how to look at an item several times, in ways that together show
// all of it.
type testTimer interface {
	TestTime(scale float64) ([]data.Augmenter, error)
}

// ttaBeta is the weight of the predictions without augmentation (fastai: 0.4).
const ttaBeta, ttaScale = .4, 1.35

// TTA is GetPreds with test-time augmentation: each picture is seen eight times more, magnified by TTAScale
// (1.35) towards each corner, as it is and mirrored, with the training transforms but for crop, flip and
// zoom. The predictions are Beta (0.4) times those without augmentation and 1-Beta times the mean of the
// eight. Options: On (Valid), Beta, TTAScale, NBatch, Activ. (fastai vision/tta.py)
func (l *Learner) TTA(o ...data.PredsOption) (preds, targs *Tensor, err error) {
	c, err := predsCfg("tta", "TTA", append([]data.PredsOption{Beta(ttaBeta), TTAScale(ttaScale)}, o...))
	if err != nil {
		return nil, nil, err
	}
	p, err := l.tta("tta", c)
	if err != nil {
		return nil, nil, err
	}
	return p.preds, p.targs, nil
}

func (l *Learner) tta(verb string, c data.PredsConfig) (*predictions, error) {
	if c.On == data.Train {
		c.On = data.Fix // all runs must see the items in one order
	}
	if !(c.Plain >= 0 && c.Plain <= 1) {
		return nil, fmt.Errorf("fastnb: %s: Beta(%g): must be between 0 and 1", verb, c.Plain)
	}
	set, n, err := l.set(verb, c.On)
	if err != nil {
		return nil, err
	}
	show := l.walkBar(9)
	defer show.stop()
	p, err := l.walkSet(verb, set, n, c, show)
	if err != nil {
		return nil, err
	}
	if len(p.preds.Shape()) != 2 {
		return nil, fmt.Errorf("fastnb: %s: predictions %v lie where the picture shows them; augmentation moves it: only classes and labels can be averaged", verb, p.preds.Shape())
	}
	t, ok := l.Data.Augmenter().(testTimer)
	if !ok {
		return nil, fmt.Errorf("fastnb: %s: the data has no transforms of pictures (try Transform(GetTransforms(), ...))", verb)
	}
	ways, err := t.TestTime(c.Scale)
	if err != nil {
		return nil, because(verb, err)
	}
	mean := make([]float64, p.preds.Len())
	for k, aug := range ways {
		loader, err := l.Data.AugmentedLoader(c.On, aug)
		if err != nil {
			return nil, because(verb, err)
		}
		f := bunchFeed{loader}
		pass := func(ctx context.Context) batches { return f.Run(ctx, l.seen*int64(len(ways)+1)+int64(k)) }
		c.WithLoss = false
		show.row(nil)
		q, err := l.walkSet(verb, pass, f.Len(), c, show)
		if err != nil {
			return nil, err
		}
		if q.preds.Len() != len(mean) {
			return nil, fmt.Errorf("fastnb: %s: %d predictions with augmentation, %d without (items were left out)", verb, q.preds.Len(), len(mean))
		}
		for i, v := range q.preds.Float32s() {
			mean[i] += float64(v) / float64(len(ways))
		}
	}
	out := p.preds.Clone()
	for i, v := range p.preds.Float32s() {
		out.Float32s()[i] = float32(c.Plain*float64(v) + (1-c.Plain)*mean[i])
	}
	p.preds = out
	return p, nil
}

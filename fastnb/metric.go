package fastnb

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/internal/opt"
	"github.com/fastnb/go/fastnb/tensor"
)

// Tensor is the array that predictions, targets and metrics are made of.
type Tensor = tensor.Tensor

// Metric is a named figure computed on the validation set after each epoch. Ready ones are made by
// [Accuracy], [FBeta] and the like, your own by [NewMetric].
type Metric struct {
	// Name heads the metric's column.
	Name string

	batch func(out, targ *Tensor) (float64, error) // averaged over batches, weighted by rows
	whole func() accumulator                       // or: computed over the epoch
	err   error

	byClass func(k, classes int) Metric // or: a column for each class; gives that of class k
}

// accumulator computes a metric that is not an average of its batches.
type accumulator interface {
	add(out, targ *Tensor) error
	value() float64
}

// NewMetric makes a metric of a function of a batch's outputs (before the activation: logits) and
// targets. It may return a *Tensor of one element or a float64, each with or without an error. The
// figure of an epoch is the average over its batches, weighted by their rows. With Average("none") f
// returns a *Tensor with a value for each class, and each class has a column of the table.
func NewMetric(name string, f any, o ...MetricOption) Metric {
	c, err := configured("NewMetric", .5, o)
	m := Metric{Name: name, err: err}
	if err != nil {
		return m
	}
	switch average := c.average; average {
	case "":
	case "none":
		switch g := f.(type) {
		case func(pred, targ *Tensor) *Tensor:
			return vectorMetric(name, func(o, t *Tensor) (*Tensor, error) { return g(o, t), nil })
		case func(pred, targ *Tensor) (*Tensor, error):
			return vectorMetric(name, g)
		}
		m.err = fmt.Errorf("fastnb: new metric: %s: cannot use %T with Average(\"none\") (try func(pred, targ *Tensor) *Tensor)", name, f)
		return m
	default:
		m.err = fmt.Errorf("fastnb: new metric: %s: no Average(%q) of a function's values (there is none)", name, average)
		return m
	}
	switch g := f.(type) {
	case func(pred, targ *Tensor) *Tensor:
		m.batch = func(o, t *Tensor) (float64, error) { return item(g(o, t)) }
	case func(pred, targ *Tensor) (*Tensor, error):
		m.batch = func(o, t *Tensor) (float64, error) {
			x, err := g(o, t)
			if err != nil {
				return 0, err
			}
			return item(x)
		}
	case func(pred, targ *Tensor) float64:
		m.batch = func(o, t *Tensor) (float64, error) { return g(o, t), nil }
	case func(pred, targ *Tensor) (float64, error):
		m.batch = g
	default:
		m.err = fmt.Errorf("fastnb: new metric: %s: cannot use %T (try func(pred, targ *Tensor) *Tensor, or one that returns float64)", name, f)
	}
	return m
}

// Err is why the metric cannot be used, or nil.
func (m Metric) Err() error { return m.err }

// String is the metric's name.
func (m Metric) String() string { return m.Name }

func item(t *Tensor) (float64, error) {
	if err := t.Err(); err != nil {
		return 0, err
	}
	if t.Len() != 1 {
		return 0, fmt.Errorf("the result has shape %v, not one number (try .Mean())", t.Shape())
	}
	return t.Item(), nil
}

// Of computes the metric of outputs and targets, as if they were one batch.
func (m Metric) Of(out, targ *Tensor) (float64, error) {
	s := m.start()
	if err := s.add(out, targ); err != nil {
		return 0, err
	}
	return s.value(), nil
}

// start begins an epoch.
func (m Metric) start() *metricState {
	s := &metricState{m: m}
	if m.whole != nil {
		s.acc = m.whole()
	}
	return s
}

// metricState is a metric in the course of an epoch.
type metricState struct {
	m   Metric
	acc accumulator
	sum float64
	n   int
}

// add takes a batch. A panic of a user's function becomes an error.
func (s *metricState) add(out, targ *Tensor) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil {
			err = fmt.Errorf("fastnb: metric: %s: outputs %v, targets %v: %w", s.m.Name, shapeOf(out), shapeOf(targ), err)
		}
	}()
	if s.m.err != nil {
		return s.m.err
	}
	if s.acc != nil {
		return s.acc.add(out, targ)
	}
	if s.m.byClass != nil {
		return fmt.Errorf("has a value for each class, which are columns of a learner's table")
	}
	if s.m.batch == nil {
		return fmt.Errorf("has no function (try NewMetric)")
	}
	rows := 1
	if sh := targ.Shape(); len(sh) > 0 {
		rows = sh[0]
	}
	v, err := s.m.batch(out, targ)
	if err != nil {
		return err
	}
	s.sum += v * float64(rows)
	s.n += rows
	return nil
}

func shapeOf(t *Tensor) []int {
	if t == nil {
		return nil
	}
	return t.Shape()
}

func (s *metricState) value() float64 {
	if s.acc != nil {
		return s.acc.value()
	}
	if s.n == 0 {
		return math.NaN()
	}
	return s.sum / float64(s.n)
}

// metricConfig collects MetricOptions.
type metricConfig struct {
	opt.Given

	thresh  float64
	beta    float64
	sigmoid bool
	iou     bool
	average string
	weights string
}

// MetricOption changes a metric.
type MetricOption interface{ applyMetric(*metricConfig) }

type metricOption func(*metricConfig)

func (o metricOption) applyMetric(c *metricConfig) { o(c) }

// BetaOption is what Beta gives.
type BetaOption interface {
	MetricOption
	data.PredsOption
}

type betaOption float64

func (o betaOption) applyMetric(c *metricConfig) {
	c.beta = float64(o)
	c.Note("Beta", "FBeta", "ClassFBeta", "MultiLabelFbeta")
}

// ApplyPreds makes it the weight of plain predictions in TTA.
func (o betaOption) ApplyPreds(c *data.PredsConfig) {
	c.Plain = float64(o)
	c.Note("Beta", "TTA")
}

// Beta weighs recall against precision in FBeta: 2 by default, which favours recall. In TTA it is the weight
// of the predictions without augmentation: 0.4 by default.
func Beta(b float64) BetaOption { return betaOption(b) }

// WithSigmoid says whether a metric puts the outputs through the sigmoid first: true by default.
func WithSigmoid(on bool) MetricOption {
	return ofMetric("WithSigmoid", func(c *metricConfig) { c.sigmoid = on }, "AccuracyThresh", "FBeta", "MultiLabelFbeta")
}

// IoU makes Dice intersection over union: false by default.
func IoU(on bool) MetricOption {
	return ofMetric("IoU", func(c *metricConfig) { c.iou = on }, "Dice")
}

// ofMetric makes an option that the named metrics take.
func ofMetric(name string, f func(*metricConfig), takers ...string) MetricOption {
	return metricOption(func(c *metricConfig) { f(c); c.Note(name, takers...) })
}

// configured is the configuration of the metric that call makes, and the error of an option that it does not
// look at.
func configured(call string, thresh float64, o []MetricOption) (metricConfig, error) {
	c := metricCfg(thresh, o)
	return c, c.Refuse("metric", call)
}

func metricCfg(thresh float64, o []MetricOption) metricConfig {
	c := metricConfig{thresh: thresh, beta: 2, sigmoid: true}
	for _, o := range o {
		o.applyMetric(&c)
	}
	return c
}

// ThreshOption is a threshold, of a metric or of predictions.
type ThreshOption interface {
	MetricOption
	PredictOption
	data.ShowOption
	data.DecodeOption
}

type threshOption float64

func (o threshOption) applyMetric(c *metricConfig) {
	c.thresh = float64(o)
	c.Note("Thresh", "AccuracyThresh", "FBeta", "MultiLabelFbeta")
}

// ApplyPredict sets the threshold of a prediction.
func (o threshOption) ApplyPredict(c *PredictConfig) {
	c.Thresh = float64(o)
	c.Note("Thresh", severalLabels)
}

// ApplyShow sets the threshold of shown predictions.
func (o threshOption) ApplyShow(c *data.ShowConfig) {
	t := float64(o)
	c.Thresh = &t
	c.Note("Thresh", "ShowResults", "PlotTopLosses", "PlotMultiTopLosses", "LabelTable")
}

// ApplyDecode sets the threshold of decoded predictions.
func (o threshOption) ApplyDecode(a *data.DecodeArgs) { t := float64(o); a.Thresh = &t }

// Thresh is the probability from which on a label counts as predicted. Metrics, as fastai's, count only what
// lies above it: that matters for a probability that is exactly the threshold.
func Thresh(p float64) ThreshOption { return threshOption(p) }

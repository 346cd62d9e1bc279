package fastnb

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/plotting"
)

// LayerStats are what [ActivationStats] keeps of a fit. Callback is what Callbacks takes.
type LayerStats struct {
	Callback

	Layers []string    // paths, as in Summary: "0.4.0.conv1"
	Means  [][]float64 // of each layer's output, for each training batch: [layer][batch]
	Stds   [][]float64 // standard deviations of the same
}

// ActivationStats keeps mean and standard deviation of what layers give on each training batch of the last
// fit: a network whose later layers give next to nothing, or ever more, learns badly. layers are paths as
// in Summary; by default all layers that have parameters. Where a layer and the activation behind it are
// one operation, as batch norm and ReLU are, it is of the values behind the activation. The outputs of all
// these layers are kept and read each batch, which takes memory and time. (fastai callbacks/hooks.py)
//
//	stats := ActivationStats()
//	learn.Fit(1, LR(1e-3), Callbacks(stats.Callback))
//	stats.PlotStds()
func ActivationStats(layers ...string) *LayerStats {
	s := &LayerStats{}
	s.Callback = Callback{
		Name: "ActivationStats", Blind: true, NotInLRFind: true,
		BeforeFit: func(l *Learner) error {
			s.Layers, s.Means, s.Stds = layers, nil, nil
			if len(layers) == 0 {
				b, err := l.anyItem()
				if err != nil {
					return err
				}
				if s.Layers, err = weighty(l, b); err != nil {
					return err
				}
			}
			s.Means, s.Stds = make([][]float64, len(s.Layers)), make([][]float64, len(s.Layers))
			return l.Watch(s.Layers...)
		},
		AfterLoss: func(l *Learner) error {
			if !l.Training {
				return nil
			}
			values, err := l.Watched()
			for k, v := range values {
				m, std := meanStd(v)
				s.Means[k], s.Stds[k] = append(s.Means[k], m), append(s.Stds[k], std)
			}
			return err
		},
		AfterFit: func(l *Learner) error { return l.Watch() },
	}
	return s
}

// weighty are the layers that have parameters and work on a batch.
func weighty(l *Learner, b *data.Batch) ([]string, error) {
	shapes, err := l.Model.layerShapes(b.X[0])
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range shapes {
		if len(s.Layer.Params()) > 0 {
			out = append(out, s.Path)
		}
	}
	return out, nil
}

func meanStd(t *Tensor) (mean, std float64) {
	x := t.Float32s()
	var sum, sq float64
	for _, v := range x {
		sum += float64(v)
	}
	mean = sum / float64(len(x))
	for _, v := range x {
		sq += (float64(v) - mean) * (float64(v) - mean)
	}
	return mean, math.Sqrt(sq / math.Max(float64(len(x)-1), 1)) // of a sample, as PyTorch's std
}

// PlotMeans draws the mean of each layer's output over the batches. Option: FigSize.
func (s *LayerStats) PlotMeans(o ...data.PlotOption) (*plotting.Figure, error) {
	return s.plot("Mean", s.Means, o)
}

// PlotStds draws the standard deviation of each layer's output over the batches. Option: FigSize.
func (s *LayerStats) PlotStds(o ...data.PlotOption) (*plotting.Figure, error) {
	return s.plot("Standard deviation", s.Stds, o)
}

// mostNamed is how many curves have names beside them; more would hide the chart.
const mostNamed = 10

func (s *LayerStats) plot(what string, of [][]float64, o []data.PlotOption) (*plotting.Figure, error) {
	if len(of) == 0 || len(of[0]) == 0 {
		return nil, fmt.Errorf("fastnb: plot activations: nothing was recorded (try Callbacks(stats.Callback) in a fit)")
	}
	c, err := plotCfg("LayerStats.Plot", 0, 0, o)
	if err != nil {
		return nil, err
	}
	series := make([]plotting.Series, len(of))
	for k, ys := range of {
		series[k].Y, series[k].X = ys, make([]float64, len(ys))
		for i := range ys {
			series[k].X[i] = float64(i)
		}
		if len(of) <= mostNamed {
			series[k].Name = s.Layers[k]
		}
	}
	return shown(plotting.Lines(plotting.LineOpts{W: c.W, H: c.H, XLabel: "Batches processed", YLabel: what, Series: series}))
}

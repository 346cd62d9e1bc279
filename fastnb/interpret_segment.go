package fastnb

import (
	"fmt"
	"math"
	"sort"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/plotting"
)

// SegmentationInterpretation looks at what a model that gives every pixel a class gets wrong. Predictions
// are not kept, only what is counted of them.
type SegmentationInterpretation struct {
	Losses []float64 // of each item, the mean over its pixels; NaN where SkipBroken leaves it out
	// Counts says of each item how many pixels of each actual class (row) were given each class (column); nil
	// where SkipBroken leaves it out.
	Counts [][][]int

	l  *Learner
	on data.DSType
}

// SegmentationInterpretationFromLearner predicts a set and counts. Option: On (Valid). (fastai
// vision/interpret.py)
func SegmentationInterpretationFromLearner(l *Learner, o ...data.PredsOption) (*SegmentationInterpretation, error) {
	const verb = "interpret segmentation"
	c, err := predsCfg(verb, "SegmentationInterpretationFromLearner", o)
	if err != nil {
		return nil, err
	}
	if c.On == data.Train {
		c.On = data.Fix
	}
	set, n, err := l.set(verb, c.On)
	switch {
	case err != nil:
		return nil, err
	case !l.isMask() || c.On == data.Test:
		return nil, fmt.Errorf("fastnb: %s: the set has no masks", verb)
	}
	s := &SegmentationInterpretation{l: l, on: c.On}
	ctx := cell.Context()
	show := l.walkBar(1)
	defer show.stop()
	show.phase(n)
	var order []int
	for b, err := range set(ctx) {
		var out *Tensor
		if err == nil {
			_, out, err = l.forward(ctx, engine.Batch{X: b.X}, true)
		}
		if err == nil {
			err = s.add(out, b.Y[0])
		}
		if ctx.Err() != nil {
			return nil, cell.ErrInterrupted
		}
		if err != nil {
			return nil, because(verb, err)
		}
		order = append(order, b.Index...)
		show.step("")
	}
	s.align(order, l.itemsOf(c.On))
	return s, nil
}

// align gives each of n items its place, those that could not be opened too. order says which were.
func (s *SegmentationInterpretation) align(order []int, n int) {
	if len(order) != len(s.Losses) || len(order) == n {
		return
	}
	losses, counts := make([]float64, n), make([][][]int, n)
	for i := range losses {
		losses[i] = nan
	}
	for k, i := range order {
		losses[i], counts[i] = s.Losses[k], s.Counts[k]
	}
	s.Losses, s.Counts = losses, counts
}

// add counts a batch: outputs [N, C, H, W], targets [N, 1, H, W].
func (s *SegmentationInterpretation) add(out, y *Tensor) error {
	var p predictions
	if err := p.addLosses(s.l, out, []*Tensor{y}); err != nil {
		return err
	}
	s.Losses = append(s.Losses, p.losses...)
	shape, best := out.Shape(), out.ArgMax(1)
	if err := best.Err(); err != nil || len(shape) != 4 {
		return fmt.Errorf("outputs %v, want [N, C, H, W]: %w", shape, err)
	}
	area := shape[2] * shape[3]
	for i := range shape[0] {
		m := make([][]int, shape[1])
		for k := range m {
			m[k] = make([]int, shape[1])
		}
		for k, v := range y.Int64s()[i*area : (i+1)*area] {
			m[v][best.Int64s()[i*area+k]]++
		}
		s.Counts = append(s.Counts, m)
	}
	return nil
}

// TopLosses gives the k largest losses, largest first, and which items of the set they are. k below 1
// means all. Items that SkipBroken leaves out have none.
func (s *SegmentationInterpretation) TopLosses(k int) (losses []float64, items []int) {
	return topLosses(s.Losses, k)
}

// topLosses are the k largest, all for k below 1, and where they are.
func topLosses(all []float64, k int) (losses []float64, items []int) {
	for i, v := range all {
		if !math.IsNaN(v) {
			items = append(items, i)
		}
	}
	sort.SliceStable(items, func(a, b int) bool { return all[items[a]] > all[items[b]] })
	if k > 0 {
		items = items[:min(k, len(items))]
	}
	for _, i := range items {
		losses = append(losses, all[i])
	}
	return losses, items
}

// Confusion says which part of the pixels of each actual class (row) was given each class (column),
// averaged over the items that have pixels of the class; NaN where none has. Items chooses some of the
// set; none means all.
func (s *SegmentationInterpretation) Confusion(items ...int) ([][]float64, error) {
	if len(items) == 0 {
		for i := range s.Counts {
			items = append(items, i)
		}
	}
	c := s.l.Data.C
	z, n := make([][]float64, c), make([]int, c)
	for k := range z {
		z[k] = make([]float64, c)
	}
	for _, i := range items {
		if i < 0 || i >= len(s.Counts) {
			return nil, fmt.Errorf("fastnb: confusion: item %d of %d", i, len(s.Counts))
		}
		for y, row := range s.Counts[i] {
			sum := 0
			for _, v := range row {
				sum += v
			}
			if sum == 0 {
				continue
			}
			n[y]++
			for p, v := range row {
				z[y][p] += float64(v) / float64(sum)
			}
		}
	}
	for y := range z {
		for p := range z[y] {
			if z[y][p] /= float64(n[y]); n[y] == 0 {
				z[y][p] = math.NaN()
			}
		}
	}
	return z, nil
}

// PlotConfusion draws Confusion of these items (none: all), without the classes that no item has.
func (s *SegmentationInterpretation) PlotConfusion(items ...int) (*plotting.Figure, error) {
	z, err := s.Confusion(items...)
	if err != nil {
		return nil, err
	}
	var names []string
	var there []int
	for k, row := range z {
		if !isNaN(row[k]) {
			there, names = append(there, k), append(names, className(s.l.Data.Classes, k))
		}
	}
	part := make([][]float64, len(there))
	for r, y := range there {
		for _, p := range there {
			part[r] = append(part[r], z[y][p])
		}
	}
	return shown(plotting.Heatmap(plotting.HeatmapOpts{Title: "Part of the actual class's pixels", XLabel: "Predicted", YLabel: "Actual", X: names, Y: names, Z: part, Format: "%.2f"}))
}

// PlotTopLosses shows the k items with the largest losses, each with its mask and with the prediction,
// and prints their losses. Options: FigSize, Alpha.
func (s *SegmentationInterpretation) PlotTopLosses(k int, o ...data.ShowOption) (*plotting.Figure, error) {
	losses, items := s.TopLosses(max(k, 1))
	for j, i := range items {
		s.l.say("item %d: loss %.4f", i, losses[j])
	}
	return s.Show(items, o...)
}

// Show shows items of the set, each with its mask and with the prediction. Options: FigSize, Alpha.
func (s *SegmentationInterpretation) Show(items []int, o ...data.ShowOption) (*plotting.Figure, error) {
	const verb = "show segmentation"
	c, err := showCfg(verb, "SegmentationInterpretation.Show", s.on, o)
	if err != nil {
		return nil, err
	}
	ds := s.l.Data.Dataset(s.on)
	if ds == nil || len(items) == 0 {
		return nil, fmt.Errorf("fastnb: %s: there are no %s items to show", verb, s.on)
	}
	c.Rows = len(items)
	var xs, ys []data.Item
	for _, i := range items {
		x, y, err := ds.At(i)
		if err != nil {
			return nil, because(verb, err)
		}
		p, err := s.l.Predict(ds.Items()[i])
		if err != nil {
			return nil, err
		}
		xs, ys = append(xs, x), append(ys, beside{y, p.Target})
	}
	return shown(s.l.Data.Kind().Show(xs, ys, c))
}

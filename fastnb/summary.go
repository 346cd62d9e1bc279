package fastnb

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// LayerInfo is a row of a model's summary.
type LayerInfo struct {
	Path      string // in the model: "0.4.0.conv1"
	Type      string // of the layer: "Conv2D"
	Output    []int  // shape of what it gives for one item, pictures as [C, H, W]
	Params    int
	Group     int  // layer group of its parameters, from 0; -1 without any
	Trainable bool // whether any of its parameters trains as things are
}

// ModelSummary lists a model's layers and counts its parameters. Running statistics are not counted.
type ModelSummary struct {
	Layers            []LayerInfo
	Params, Trainable int

	notes [][]string
}

// Summary lists the layers of the model in the order they run, with the shape of what each gives for an
// item of the data and the number of its parameters; then where and in which precision it computes, the memory it
// takes so far and the time that a step of the last fit took. Nothing is computed for it. (fastai
// callbacks/hooks.py, model_summary)
func (l *Learner) Summary() (*ModelSummary, error) {
	if err := l.alive("summary"); err != nil {
		return nil, err
	}
	b, err := l.anyItem()
	if err != nil {
		return nil, because("summary", err)
	}
	shapes, err := l.Model.layerShapes(b.X[0])
	if err != nil {
		return nil, because("summary", err)
	}
	trains, s := l.trains(), &ModelSummary{}
	groups := map[*nn.Param]int{}
	for g, list := range l.groups {
		for _, p := range list {
			groups[p] = g
		}
	}
	for _, sh := range shapes {
		i := LayerInfo{Path: sh.Path, Type: nn.TypeName(sh.Layer), Output: sh.Output, Group: -1}
		if len(i.Output) > 0 {
			i.Output = i.Output[1:]
		}
		for _, p := range sh.Layer.Params() {
			if n := tensor.Count(p.Shape); p.Kind.Trainable() {
				i.Params += n
				if g, ok := groups[p]; ok {
					i.Group = g
				}
				s.Params += n
				if trains[p] {
					i.Trainable = true
					s.Trainable += n
				}
			}
		}
		s.Layers = append(s.Layers, i)
	}
	s.notes = [][]string{
		{"total parameters", thousands(s.Params)},
		{"trainable", thousands(s.Trainable)},
		{"not trainable", thousands(s.Params - s.Trainable)},
		{"layer groups", fmt.Sprintf("%d, the first %d frozen", len(l.groups), l.frozen)},
		{"optimizer", fmt.Sprintf("%s, weight decay %g %s", l.cfg.Optimizer, l.WD, map[bool]string{true: "apart from the gradient", false: "in the gradient"}[l.cfg.TrueWD])},
		{"loss", l.Loss.Name},
	}
	s.notes = append(s.notes, l.usage()...)
	if len(l.Callbacks) > 0 {
		var names []string
		for k, c := range l.Callbacks {
			names = append(names, nameOr(c.Name, k))
		}
		s.notes = append(s.notes, []string{"callbacks", strings.Join(names, ", ")})
	}
	return s, nil
}

// anyItem is a batch of one item, or where there are only training items, of several.
func (l *Learner) anyItem() (*data.Batch, error) {
	for _, t := range []data.DSType{data.Single, data.Test, data.Train} {
		if l.Data.Dataset(t) != nil {
			return l.Data.OneBatch(data.On(t))
		}
	}
	return nil, fmt.Errorf("the data has no items, and shapes depend on them (try TestItems, or SetData)")
}

// thousands writes 11,176,512.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for k := len(s) - 3; k > 0; k -= 3 {
		s = s[:k] + "," + s[k:]
	}
	return s
}

func (s *ModelSummary) rows() (head []string, rows [][]string) {
	for _, i := range s.Layers {
		trains, group := "", ""
		if i.Params > 0 {
			trains = fmt.Sprint(i.Trainable)
		}
		if i.Group >= 0 {
			group = fmt.Sprint(i.Group)
		}
		rows = append(rows, []string{i.Path, i.Type, strings.ReplaceAll(fmt.Sprint(i.Output), " ", ", "), thousands(i.Params), group, trains})
	}
	return []string{"layer", "type", "output", "parameters", "group", "trainable"}, rows
}

func (s *ModelSummary) figures() []*plotting.Figure {
	return []*plotting.Figure{plotting.HTMLTable(s.rows()), plotting.HTMLTable([]string{"model", ""}, s.notes)}
}

// String is the summary as text.
func (s *ModelSummary) String() string {
	f := s.figures()
	return f[0].String() + "\n\n" + f[1].String()
}

// Render gives the summary's forms for a notebook (gophernotes' Renderer).
func (s *ModelSummary) Render() struct{ Data, Metadata, Transient map[string]any } {
	f := s.figures()
	b := f[0].Render()
	b.Data["text/plain"] = s.String()
	b.Data["text/html"] = fmt.Sprint(b.Data["text/html"], "\n", f[1].Render().Data["text/html"])
	return b
}

package fastnb

import (
	"fmt"
	"image"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// GradCAM shows where in a picture the model finds a class: the body's last maps, each weighted by how
// the class's score depends on it, what is negative left out (Selvaraju et al. 2016, arXiv:1610.02391;
// fastai's heatmap). item is as for Predict; class is a number, below 0 the likeliest. Option: FigSize.
func (l *Learner) GradCAM(item any, class int, o ...data.ShowOption) (*plotting.Figure, error) {
	if err := l.alive("grad-cam"); err != nil {
		return nil, err
	}
	cfg, err := showCfg("grad-cam", "GradCAM", data.Valid, o)
	if err != nil {
		return nil, err
	}
	p, err := l.Predict(item)
	if err != nil {
		return nil, err
	}
	if class < 0 {
		class = int(p.Output.Reshape(-1).ArgMax(0).Item())
	}
	raw, err := l.open(item)
	if err != nil {
		return nil, because("grad-cam", err)
	}
	x, heat, err := l.heat(raw, class)
	if err != nil {
		return nil, because("grad-cam", err)
	}
	words := className(l.Data.Classes, class)
	if class < len(p.Probs) {
		words += fmt.Sprintf(" %.2f", p.Probs[class])
	}
	return shown(l.Data.Kind().Show([]data.Item{x}, []data.Item{titled{Item: p.Target, words: words, heat: heat}}, cfg))
}

// heat is an item as it is shown, and the picture of where the model finds class in it.
func (l *Learner) heat(raw data.Item, class int) (data.Item, image.Image, error) {
	x, b, err := l.Data.ShownItem(raw)
	if err != nil {
		return nil, nil, err
	}
	z, err := l.gradCAM(b.X[0], class)
	if err != nil {
		return nil, nil, err
	}
	return x, plotting.HeatImage(z, heatAlpha), nil
}

// heatAlpha is the opacity of heat maps over pictures (fastai: 0.6).
const heatAlpha = .6

// gradCAM is the map [h][w] of a class over the body's last maps, for a batch of one.
func (l *Learner) gradCAM(x *Tensor, class int) ([][]float64, error) {
	children := l.Model.Children()
	if len(children) < 2 || l.Data.C < 1 {
		return nil, fmt.Errorf("the model is not a body with a head")
	}
	if class < 0 || class >= l.Data.C {
		return nil, fmt.Errorf("class %d is none of %d", class, l.Data.C)
	}
	w := tensor.New(tensor.Float32, 1, l.Data.C)
	w.Float32s()[class] = 1
	a, err := l.Model.inspect(cell.Context(), x, children[0].Name, w)
	if err != nil {
		return nil, err
	}
	s := a.Value.Shape()
	if len(s) != 4 {
		return nil, fmt.Errorf("the body gives %v, not maps", s)
	}
	rows, area := s[2], s[2]*s[3]
	z := make([]float64, area)
	for c := range s[1] {
		mean := 0.0
		for _, g := range a.Grad.Float32s()[c*area : (c+1)*area] {
			mean += float64(g) / float64(area)
		}
		for i, v := range a.Value.Float32s()[c*area : (c+1)*area] {
			z[i] += mean * float64(v)
		}
	}
	out := make([][]float64, rows)
	for r := range out {
		out[r] = z[r*s[3] : (r+1)*s[3]]
		for i, v := range out[r] {
			out[r][i] = max(v, 0)
		}
	}
	return out, nil
}

func (l *Learner) isMask() bool { return l.Data.LabelKind().Name() == "mask" }

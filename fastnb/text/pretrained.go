package text

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// pretrainedFiles are names in the model folder, without extensions.
type pretrainedFiles struct{ weights, words string }

// modelDir is the folder of the learner that cfg describes.
func modelDir(d *data.DataBunch, cfg fastnb.LearnerConfig) datasets.Path {
	if cfg.Path != nil {
		return cfg.Path.Join(cfg.ModelDir)
	}
	return d.Path.Join(cfg.ModelDir)
}

// start gives params the values of a language model that was trained before, and says whether it did.
// Names of params have prefix where those of the weights have "0.".
func (c *modelConfig) start(verb string, d *data.DataBunch, params []*nn.Param, prefix string, dir datasets.Path) (bool, error) {
	if c.pretrained != nil && !*c.pretrained {
		return false, nil
	}
	weights, words, err := c.find(d, dir)
	if err == nil {
		err = fill(weights, words, d.Vocab, params, prefix)
	}
	switch {
	case err == nil:
		return true, nil
	case c.pretrained == nil && c.files == nil && errors.As(err, new(otherSizesError)):
		fmt.Printf("Pretrained weights of %s are not used, so the network starts from fresh weights and nothing is frozen.\n(%v)\n", c.Arch, err)
		return false, nil
	case c.pretrained == nil && c.files == nil && errors.Is(err, datasets.ErrUnavailable):
		fmt.Printf("Pretrained weights of %s are not available here, so the network starts from fresh weights and nothing is frozen.\n(%v)\n", c.Arch, err)
		return false, nil
	}
	return false, fmt.Errorf("fastnb: %s: pretrained weights of %s: %w (try Pretrained(false))", verb, c.Arch, err)
}

// otherSizesError says how a configuration differs from that of the published weights.
type otherSizesError string

func (o otherSizesError) Error() string { return string(o) }

// publishedSizes are those of the weights that fastai publishes.
var publishedSizes = models.LMConfig()

// fits compares the sizes of the configuration with the published ones: weights of others are of no use,
// so they are not fetched for it.
func (c *modelConfig) fits() error {
	p := publishedSizes
	if c.EmbSz == p.EmbSz && c.NHid == p.NHid && c.NLayers == p.NLayers {
		return nil
	}
	return otherSizesError(fmt.Sprintf("this network has EmbSz %d, NHid %d, NLayers %d, the published one %d, %d, %d", c.EmbSz, c.NHid, c.NLayers, p.EmbSz, p.NHid, p.NLayers))
}

// find names the files of weights and words.
func (c *modelConfig) find(d *data.DataBunch, dir datasets.Path) (weights, words string, err error) {
	if c.files != nil {
		return dir.Join(c.files.weights + ".pth").String(), dir.Join(c.files.words + ".pkl").String(), nil
	}
	url := datasets.URLs.WT103Fwd
	if d.Backwards {
		url = datasets.URLs.WT103Bwd
	}
	path := datasets.Home().Join("data", url.Name)
	if _, err := only(path, "*.pth"); err != nil {
		if err := c.fits(); err != nil {
			return "", "", err
		}
	}
	path, err = datasets.UntarData(url)
	if err != nil {
		return "", "", err
	}
	if weights, err = only(path, "*.pth"); err != nil {
		return "", "", err
	}
	words, err = only(path, "*.pkl")
	return weights, words, err
}

// only is the first file of a folder that fits the pattern.
func only(dir datasets.Path, pattern string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir.String(), pattern))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("%s: no file %s: %w", dir, pattern, os.ErrNotExist)
	}
	return files[0], nil
}

// fill reads the files and sets the values of params, by words.
func fill(weights, words string, v *data.Vocab, params []*nn.Param, prefix string) error {
	old, err := models.ReadWords(words)
	if err != nil {
		return err
	}
	ts, err := models.ReadTorch(weights)
	if err != nil {
		return err
	}
	ts = models.PlainNames(ts)
	named := func(p *nn.Param) string {
		if rest, ok := strings.CutPrefix(p.Name, prefix); ok && prefix != "" {
			return "0." + rest
		}
		return p.Name
	}
	for _, p := range params {
		t, ok := ts[named(p)]
		if !ok || len(t.Shape()) != len(p.Shape) {
			return fmt.Errorf("%s: %s of shape %v is not in it (weights of another architecture?)", weights, named(p), p.Shape)
		}
		// The first dimension of what belongs to words is their number, which conversion changes.
		words := slices.Contains([]string{"0.encoder.weight", "1.decoder.bias"}, named(p))
		if have, want := t.Shape(), p.Shape; words && !slices.Equal(have[1:], want[1:]) || !words && !slices.Equal(have, want) {
			return otherSizesError(fmt.Sprintf("%s: %s is of shape %v there, %v in this network", weights, named(p), have, want))
		}
	}
	ts, err = models.ConvertWeights(ts, old, v.Itos)
	if err != nil {
		return fmt.Errorf("%w (file %s)", err, weights)
	}
	values := map[*nn.Param]*tensor.Tensor{}
	for _, p := range params {
		values[p] = ts[named(p)]
	}
	for p, t := range values {
		p.Value = t
	}
	return nil
}

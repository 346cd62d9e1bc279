package text

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
)

// encoderWords is the metadata entry of an encoder's file that holds its words.
const encoderWords = "words"

// SaveEncoder writes the encoder's weights, with fastai's names, and its words to
// Path/ModelDir/name.safetensors, for LoadEncoder of another learner.
func (l *TextLearner) SaveEncoder(name string) error {
	if name == "" {
		return fmt.Errorf("fastnb: save encoder: no name given")
	}
	all, err := l.StateDict()
	if err != nil {
		return err
	}
	out := map[string]*tensor.Tensor{}
	for k := range models.EncoderParams(l.encoder) {
		out[k] = all[l.prefix+k]
	}
	words, err := json.Marshal(l.Data.Vocab.Itos)
	if err != nil {
		return fmt.Errorf("fastnb: save encoder: %w", err)
	}
	file := l.ModelFile(name)
	if err := l.Place(file); err != nil {
		return fmt.Errorf("fastnb: save encoder: %w (try ModelPath with a folder that can be written)", err)
	}
	if err := safetensors.Write(file.String(), out, map[string]string{"format": "pt", encoderWords: string(words)}); err != nil {
		return fmt.Errorf("fastnb: save encoder: %w", err)
	}
	return nil
}

// LoadEncoder reads what SaveEncoder wrote, or the file of that name with the extension .pth that fastai's
// save_encoder wrote, and freezes all but the last layer group. The words must be the learner's own.
func (l *TextLearner) LoadEncoder(name string) error {
	ts, words, err := l.readEncoder(name)
	if err != nil {
		return err
	}
	v := l.Data.Vocab
	if words != nil && !slices.Equal(words, v.Itos) {
		return fmt.Errorf("fastnb: load encoder: %s: it was trained with another vocabulary (%d words, the data has %d; try WithVocab(dataLM.Vocab.Itos) when making the list of texts)", name, len(words), v.Len())
	}
	all, err := l.StateDict()
	if err != nil {
		return err
	}
	known := models.EncoderParams(l.encoder)
	for k, t := range ts {
		if known[k] == nil {
			return fmt.Errorf("fastnb: load encoder: %s: the model's encoder has no %s (an encoder of another configuration?)", name, k)
		}
		all[l.prefix+k] = t
	}
	for k := range known {
		if ts[k] == nil {
			return fmt.Errorf("fastnb: load encoder: %s: %s is missing", name, k)
		}
	}
	if err := l.LoadStateDict(all, true); err != nil {
		return fmt.Errorf("fastnb: load encoder: %s: %s", name, strings.TrimPrefix(err.Error(), "fastnb: "))
	}
	return l.Freeze()
}

func (l *TextLearner) readEncoder(name string) (map[string]*tensor.Tensor, []string, error) {
	file := l.ModelFile(strings.TrimSuffix(name, ".pth"))
	torch := datasets.NewPath(strings.TrimSuffix(file.String(), file.Ext()) + ".pth")
	if strings.HasSuffix(name, ".pth") || !file.Exists() && torch.Exists() {
		ts, err := models.ReadTorch(torch.String())
		return models.PlainNames(ts), nil, err
	}
	ts, meta, err := safetensors.Read(file.String())
	if err != nil {
		return nil, nil, fmt.Errorf("fastnb: load encoder: %w (try SaveEncoder of the language model first)", err)
	}
	var words []string
	if js, ok := meta[encoderWords]; ok {
		if err := json.Unmarshal([]byte(js), &words); err != nil {
			return nil, nil, fmt.Errorf("fastnb: load encoder: %s: its words: %w", file, err)
		}
	}
	return ts, words, nil
}

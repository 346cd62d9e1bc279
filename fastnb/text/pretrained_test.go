package text

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// tiny is the configuration of the small checkpoint of package models: 40 words, of which w0 to w30 are
// no special tokens.
func tiny(c models.AWDConfig) fastnb.LearnerOption {
	c.EmbSz, c.NHid = 8, 12
	return Config(c)
}

// published puts the small checkpoint and its words into a folder as files of the given names.
func published(t *testing.T, dir datasets.Path, weights, words string) {
	t.Helper()
	must(t, os.MkdirAll(dir.String(), 0o755))
	for from, to := range map[string]string{"tiny_awd_lstm_zip.pth": weights + ".pth", "tiny_itos.pkl": words + ".pkl"} {
		b, err := os.ReadFile(filepath.Join("..", "models", "testdata", from))
		must(t, err)
		must(t, os.WriteFile(dir.Join(to).String(), b, 0o644))
	}
}

// knownWords are reviews of which some words are those of the checkpoint.
func knownWords(t *testing.T) *data.Table {
	t.Helper()
	var label, text, valid []string
	for i := range 60 {
		label = append(label, []string{"positive", "negative"}[i%2])
		text = append(text, fmt.Sprintf("w%d is a %s film with w%d .", i%31, []string{"fine", "dull"}[i%2], (i*7)%31))
		valid = append(valid, map[bool]string{true: "True", false: "False"}[i >= 45])
	}
	tab, err := data.NewTable("label", label, "text", text, "is_valid", valid)
	must(t, err)
	return tab
}

// fromCheckpoint compares an encoder with the checkpoint: rows of words that it knows, the mean of its rows
// for others, the recurrent layers as they are.
func fromCheckpoint(t *testing.T, state map[string]*tensor.Tensor, prefix string, words []string) {
	t.Helper()
	var file struct {
		Keys map[string][]int
		Itos []string
	}
	js, err := os.ReadFile(filepath.Join("..", "models", "testdata", "tiny_awd_lstm.json"))
	must(t, err)
	must(t, json.Unmarshal(js, &file))
	table := goldentest.Fill("lm:0.encoder.weight", .1, 0, 40, 8).Float32s()
	got, known := state[prefix+"encoder.weight"].Float32s(), 0
	for i, w := range words {
		row := make([]float64, 8)
		if k := slices.Index(file.Itos, w); k >= 0 {
			known++
			for j := range row {
				row[j] = float64(table[k*8+j])
			}
		} else {
			for k, v := range table {
				row[k%8] += float64(v) / 40
			}
		}
		for j, want := range row {
			if math.Abs(float64(got[i*8+j])-want) > 1e-7 {
				t.Fatalf("%s: its vector has %v at %d, want %v", w, got[i*8+j], j, want)
			}
		}
	}
	if known < 30 || known == len(words) {
		t.Errorf("%d of %d words are the checkpoint's", known, len(words))
	}
	for k, shape := range file.Keys {
		if name, ok := strings.CutPrefix(k, "0.rnns."); ok && !strings.HasSuffix(k, "module.weight_hh_l0") {
			goldentest.Near(t, k, state[prefix+"rnns."+name], goldentest.Fill("lm:"+k, .1, 0, shape...), 1e-7)
		}
	}
}

// A language model starts from a checkpoint of fastai's with another vocabulary, trains its last group
// alone, and hands over an encoder.
func TestLanguageModelFromCheckpoint(t *testing.T) {
	tab, dir := knownWords(t), datasets.NewPath(t.TempDir())
	published(t, dir.Join("models"), "lstm_wt", "itos_wt")
	d, err := TextListFromTable(dir, tab, data.Cols("text"), MinFreq(1)).SplitByRandPct(.2, data.SplitSeed(1)).LabelForLM().DataBunch(data.BS(4), data.BPTT(9))
	must(t, err)
	l, err := LanguageModelLearner(d, models.AWDLSTM, tiny(models.LMConfig()), PretrainedFiles("lstm_wt", "itos_wt"), fastnb.Silent(true))
	must(t, err)
	before, err := l.StateDict()
	must(t, err)
	fromCheckpoint(t, before, "0.", d.Vocab.Itos)
	bias := goldentest.Fill("lm:1.decoder.bias", .1, 0, 40).Float32s()
	if got := before["1.decoder.bias"].Float32s()[d.Vocab.Stoi["w3"]]; math.Abs(float64(got-bias[9+3])) > 1e-7 {
		t.Errorf("the bias of w3 is %v, want %v", got, bias[9+3])
	}
	must(t, l.FitOneCycle(1, fastnb.LR(1e-2)))
	after, err := l.StateDict()
	must(t, err)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		moved := !slices.Equal(before[name].Float32s(), after[name].Float32s())
		if frozen := strings.HasPrefix(name, "0.rnns."); moved == frozen {
			t.Errorf("%s moved: %v", name, moved)
		}
	}
	must(t, l.Unfreeze())
	must(t, l.FitOneCycle(1, fastnb.LR(1e-2)))
	s, err := l.Predict("w3 is a", 4)
	must(t, err)
	if !strings.HasPrefix(s, "w3 is a ") {
		t.Errorf("wrote %q", s)
	}
	must(t, l.SaveEncoder("enc"))
	d, err = TextListFromTable(dir, tab, data.Cols("text"), WithVocab(d.Vocab.Itos)).SplitFromTable("is_valid").LabelFromTable(data.LabelCols("label")).DataBunch(data.BS(4))
	must(t, err)
	c, err := TextClassifierLearner(d, models.AWDLSTM, tiny(models.ClasConfig()), fastnb.Pretrained(false), fastnb.Silent(true))
	must(t, err)
	must(t, c.LoadEncoder("enc"))
	must(t, c.FitOneCycle(1, fastnb.LR(1e-2)))
	// A network of another size does not take the weights.
	if _, err := LanguageModelLearner(l.Data, models.AWDLSTM, small(models.LMConfig()), PretrainedFiles("lstm_wt", "itos_wt")); err == nil || !strings.Contains(err.Error(), "of shape") {
		t.Error(err)
	}
}

// Where the published files are, a learner starts from them without being told.
func TestClassifierFromPublishedFiles(t *testing.T) {
	home := datasets.NewPath(t.TempDir())
	t.Setenv("FASTNB_HOME", home.String())
	t.Setenv("FASTNB_MIRROR", "")
	t.Setenv("FASTNB_OFFLINE", "1")
	published(t, home.Join("data", "wt103-fwd"), "lstm_fwd", "itos_wt103")
	d, err := TextListFromTable(datasets.NewPath(t.TempDir()), knownWords(t), data.Cols("text"), MinFreq(1)).
		SplitFromTable("is_valid").LabelFromTable(data.LabelCols("label")).DataBunch(data.BS(4))
	must(t, err)
	c, err := TextClassifierLearner(d, models.AWDLSTM, tiny(models.ClasConfig()), fastnb.Silent(true))
	must(t, err)
	state, err := c.StateDict()
	must(t, err)
	fromCheckpoint(t, state, "0.module.", d.Vocab.Itos)
	must(t, c.FitOneCycle(1, fastnb.LR(1e-2)))
	after, err := c.StateDict()
	must(t, err)
	fromCheckpoint(t, after, "0.module.", d.Vocab.Itos) // frozen
}

// A configuration that differs from the published one gets a notice and fresh weights, whether the files
// are there or not, and nothing is fetched for it.
func TestOtherSizesStartFresh(t *testing.T) {
	home := datasets.NewPath(t.TempDir())
	t.Setenv("FASTNB_HOME", home.String())
	t.Setenv("FASTNB_OFFLINE", "")
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(http.StatusNotFound) }))
	defer srv.Close()
	t.Setenv("FASTNB_MIRROR", srv.URL)
	tab, dir := knownWords(t), datasets.NewPath(t.TempDir())
	d, err := TextListFromTable(dir, tab, data.Cols("text"), MinFreq(1)).SplitByRandPct(.2, data.SplitSeed(1)).LabelForLM().DataBunch(data.BS(4), data.BPTT(9))
	must(t, err)
	for _, here := range []bool{false, true} {
		if here {
			published(t, home.Join("data", "wt103-fwd"), "lstm_wt103", "itos_wt103")
		}
		l, err := LanguageModelLearner(d, models.AWDLSTM, small(models.LMConfig()), fastnb.Silent(true))
		must(t, err)
		before, err := l.StateDict()
		must(t, err)
		must(t, l.FitOneCycle(1, fastnb.LR(1e-2)))
		after, err := l.StateDict()
		must(t, err)
		for name, v := range before {
			if strings.HasPrefix(name, "0.rnns.") && slices.Equal(v.Float32s(), after[name].Float32s()) {
				t.Errorf("files here: %v: %s is frozen", here, name)
			}
		}
		_, err = LanguageModelLearner(d, models.AWDLSTM, small(models.LMConfig()), fastnb.Pretrained(true))
		if err == nil || !strings.Contains(err.Error(), map[bool]string{false: "EmbSz", true: "of shape"}[here]) {
			t.Errorf("files here: %v: asked for outright: %v", here, err)
		}
	}
	if asked.Load() > 0 {
		t.Errorf("%d requests for weights that do not fit", asked.Load())
	}
}

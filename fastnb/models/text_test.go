package models

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

func textGolden(t *testing.T) (g struct {
	Inits map[string][]struct {
		Name  string
		Shape []int
		Std   float64
		Min   float64
		Max   float64
	}
	Groups map[string]struct {
		Groups []struct {
			WD   []string `json:"wd"`
			NoWD []string `json:"no_wd"`
		}
	}
},
) {
	t.Helper()
	js, err := os.ReadFile("testdata/text.json")
	if err == nil {
		err = json.Unmarshal(js, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Names, shapes and start values of fresh text models are fastai's.
func TestTextInits(t *testing.T) {
	g := textGolden(t)
	lc, cc := LMConfig(), ClasConfig()
	lc.EmbSz, lc.NHid, cc.EmbSz, cc.NHid = 40, 120, 40, 120
	lm, err := NewLanguageModel(400, lc, nn.NewRNG(5))
	if err != nil {
		t.Fatal(err)
	}
	clas, err := NewTextClassifier(400, 2, cc, TextHead{BPTT: 70, MaxLen: 1400}, nn.NewRNG(5))
	if err != nil {
		t.Fatal(err)
	}
	for name, net := range map[string]nn.Layer{"awd_lstm_lm": lm, "awd_lstm_classifier": clas} {
		want := map[string]int{}
		for i, p := range g.Inits[name] {
			if plain := PlainNames(map[string]*tensor.Tensor{p.Name: nil}); len(plain) == 1 {
				want[p.Name] = i
			}
		}
		for _, p := range nn.AllParams(net) {
			i, ok := want[p.Name]
			if !ok {
				if p.Kind.Trainable() {
					t.Errorf("%s: %s is not fastai's", name, p.Name)
				}
				continue
			}
			delete(want, p.Name)
			w := g.Inits[name][i]
			if !slices.Equal(w.Shape, p.Shape) {
				t.Errorf("%s: %s has shape %v, want %v", name, p.Name, p.Shape, w.Shape)
			}
			if p.Value.Len() < 1000 {
				continue
			}
			if std := deviation(p.Value); math.Abs(std-w.Std) > .1*w.Std || p.Value.Min() < 1.02*w.Min || p.Value.Max() > 1.02*w.Max {
				t.Errorf("%s: %s has deviation %.4f in [%.4f, %.4f], want %.4f in [%.4f, %.4f]", name, p.Name, std, p.Value.Min(), p.Value.Max(), w.Std, w.Min, w.Max)
			}
		}
		for n := range want {
			t.Errorf("%s: %s is missing", name, n)
		}
	}
	if pad := lm.Encoder.Encoder.Weight.Value.Float32s()[40:80]; slices.ContainsFunc(pad, func(v float32) bool { return v != 0 }) {
		t.Error("the vector of the padding token is not zero")
	}
}

func deviation(t *tensor.Tensor) float64 {
	var s, q float64
	for _, v := range t.Float32s() {
		s, q = s+float64(v), q+float64(v)*float64(v)
	}
	n := float64(t.Len())
	return math.Sqrt(q/n - s/n*s/n)
}

// The layer groups are fastai's.
func TestTextGroups(t *testing.T) {
	g := textGolden(t)
	lc, cc := LMConfig(), ClasConfig()
	lc.EmbSz, lc.NHid, cc.EmbSz, cc.NHid = 8, 12, 8, 12
	lm, err := NewLanguageModel(40, lc, nn.NewRNG(5))
	if err != nil {
		t.Fatal(err)
	}
	clas, err := NewTextClassifier(40, 2, cc, TextHead{BPTT: 70, MaxLen: 1400}, nn.NewRNG(5))
	if err != nil {
		t.Fatal(err)
	}
	for name, groups := range map[string][][]*nn.Param{"language_model_learner": lm.Groups(), "text_classifier_learner": clas.Groups()} {
		want := g.Groups[name].Groups
		if len(want) != len(groups) {
			t.Fatalf("%s: %d groups, want %d", name, len(groups), len(want))
		}
		for k, ps := range groups {
			var names []string
			for _, p := range ps {
				if p.Kind.Trainable() {
					names = append(names, p.Name)
				}
			}
			w := append(want[k].WD, want[k].NoWD...)
			slices.Sort(names)
			slices.Sort(w)
			if !slices.Equal(names, w) {
				t.Errorf("%s: group %d is %v, want %v", name, k, names, w)
			}
		}
	}
}

// fastai's checkpoints are read in both forms, its words too.
func TestTextWeights(t *testing.T) {
	var want struct {
		Keys map[string][]int
		Itos []string
	}
	js, err := os.ReadFile("testdata/tiny_awd_lstm.json")
	if err == nil {
		err = json.Unmarshal(js, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	words, err := ReadWords("testdata/tiny_itos.pkl")
	if err != nil || !slices.Equal(words, want.Itos) {
		t.Errorf("words %v, %v", words, err)
	}
	for _, form := range []string{"zip", "legacy"} {
		ts, err := ReadTorch(filepath.Join("testdata", "tiny_awd_lstm_"+form+".pth"))
		if err != nil {
			t.Fatal(err)
		}
		if len(ts) != len(want.Keys) {
			t.Errorf("%s: %d tensors, want %d", form, len(ts), len(want.Keys))
		}
		for k, shape := range want.Keys {
			if ts[k] == nil || !slices.Equal(ts[k].Shape(), shape) {
				t.Errorf("%s: %s is missing or of another shape than %v", form, k, shape)
				continue
			}
			// Tied arrays share the values of the first of their names.
			first := map[string]string{"0.encoder_dp.emb.weight": "0.encoder.weight", "1.decoder.weight": "0.encoder.weight"}[k]
			if first == "" {
				first = k
			}
			if raw, ok := strings.CutSuffix(k, "module.weight_hh_l0"); ok {
				first = raw + "weight_hh_l0_raw"
			}
			goldentest.Near(t, form+": "+k, ts[k], goldentest.Fill("lm:"+first, .1, 0, shape...), 1e-8)
		}
		cfg := LMConfig()
		cfg.EmbSz, cfg.NHid = 8, 12
		m, err := NewLanguageModel(40, cfg, nn.NewRNG(1))
		if err != nil {
			t.Fatal(err)
		}
		plain := PlainNames(ts)
		for _, p := range nn.AllParams(m) {
			if plain[p.Name] == nil {
				t.Errorf("%s: the model's %s is not in the file", form, p.Name)
			}
			delete(plain, p.Name)
		}
		if len(plain) > 0 {
			t.Errorf("%s: %d tensors have no place in the model", form, len(plain))
		}
	}
}

// A pickle that wants to call something is refused, and so is one that is no list of words.
func TestReadWordsRefuses(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"calls":      {"cos\nsystem\n(S'true'\ntR.", "os.system"},
		"not a list": {"I7\n.", "not a list"},
		"numbers":    {"(lp0\nI1\na.", "entry 0"},
		"empty":      {"(lp0\n.", "empty"},
		"damaged":    {"\x80\x02]q", ""},
		"extension":  {"\x80\x02\x82\x01.", ""},
		"1.6 GB":     {"X\nV\na", "1628067338 bytes are to come, 0 are there"},
		"frame":      {"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f]\x94.", "cut off"},
	} {
		path := filepath.Join(t.TempDir(), "words.pkl")
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if w, err := ReadWords(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want an error with %q", name, w, err, c.want)
		}
	}
}

func TestConvertWeights(t *testing.T) {
	ts, meta, err := safetensors.Read("testdata/convert_weights.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var v struct{ Old, New []string }
	if err := json.Unmarshal([]byte(meta["vocabularies"]), &v); err != nil {
		t.Fatal(err)
	}
	old := map[string]*tensor.Tensor{}
	for k, x := range ts {
		if name, ok := strings.CutPrefix(k, "old/"); ok {
			old[name] = x
		}
	}
	got, err := ConvertWeights(old, v.Old, v.New)
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range got {
		w := ts["new/"+name]
		if w == nil || !slices.Equal(w.Shape(), x.Shape()) || x.Sub(w).Abs().Max() > 1e-7 {
			t.Errorf("%s: %v, want %v", name, x, w)
		}
	}
	if _, err := ConvertWeights(old, v.Old[1:], v.New); err == nil {
		t.Error("weights of another vocabulary were converted")
	}
}

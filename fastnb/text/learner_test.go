package text

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
)

func small(c models.AWDConfig) fastnb.LearnerOption {
	c.EmbSz, c.NHid = 24, 40
	return Config(c)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// lmOf is a language model of the table's texts.
func lmOf(t *testing.T, tab *data.Table, dir datasets.Path) *LanguageLearner {
	t.Helper()
	d, err := TextListFromTable(dir, tab, data.Cols("text"), MinFreq(1)).SplitByRandPct(.2, data.SplitSeed(1)).LabelForLM().DataBunch(data.BS(4), data.BPTT(9))
	must(t, err)
	data.Seed(3)
	l, err := LanguageModelLearner(d, models.AWDLSTM, small(models.LMConfig()), DropMult(.2), fastnb.Pretrained(false), fastnb.Silent(true))
	must(t, err)
	return l
}

func clasOf(t *testing.T, tab *data.Table, dir datasets.Path, words []string, o ...fastnb.LearnerOption) *TextLearner {
	t.Helper()
	d, err := TextListFromTable(dir, tab, data.Cols("text"), WithVocab(words)).SplitFromTable("is_valid").LabelFromTable(data.LabelCols("label")).DataBunch(data.BS(4))
	must(t, err)
	l, err := TextClassifierLearner(d, models.AWDLSTM, append([]fastnb.LearnerOption{small(models.ClasConfig()), DropMult(.2), CutAt(7), MaxLen(15), fastnb.Pretrained(false), fastnb.Silent(true)}, o...)...)
	must(t, err)
	return l
}

// The lesson's way: a language model learns, writes, and hands its encoder to a classifier, which is
// trained from the head down, exported and asked.
func TestTextLearners(t *testing.T) {
	tab, dir := reviews(t, 120), datasets.NewPath(t.TempDir())
	lm := lmOf(t, tab, dir)
	if lm.LayerGroups() != 4 {
		t.Errorf("%d layer groups", lm.LayerGroups())
	}
	must(t, lm.FitOneCycle(6, fastnb.LR(2e-2), fastnb.Moms(.8, .7)))
	losses := lm.Recorder.ValLosses
	if last := losses[len(losses)-1]; !(last < 1.5 && last < losses[0]) {
		t.Errorf("validation losses %v: the texts are easier than that", losses)
	}
	if a := lm.Recorder.Metrics[5][0]; a < .5 {
		t.Errorf("accuracy %v", a)
	}
	s, err := lm.Predict("Film number 3 was", 6, Temperature(.5))
	must(t, err)
	if !strings.HasPrefix(s, "Film number 3 was ") || len(strings.Fields(s)) < 9 || strings.Contains(s, "xxmaj") {
		t.Errorf("wrote %q", s)
	}
	b, err := lm.BeamSearch("Film number 3 was", 4, Beams(5), TopK(3), Temperature(.1))
	must(t, err)
	if !strings.Contains(b, "lovely") && !strings.Contains(b, "awful") {
		t.Errorf("searched %q", b)
	}
	f, err := lm.ShowResults()
	must(t, err)
	if !strings.Contains(f.String(), "pred") {
		t.Errorf("results %s", f)
	}
	must(t, lm.SaveEncoder("enc"))

	clas := clasOf(t, tab, dir, lm.Data.Vocab.Itos)
	must(t, clas.LoadEncoder("enc"))
	must(t, clas.FitOneCycle(1, fastnb.LR(1e-2), fastnb.Moms(.8, .7)))
	must(t, clas.FreezeTo(-2))
	must(t, clas.FitOneCycle(1, fastnb.Slice(1e-3, 1e-2), fastnb.Moms(.8, .7)))
	must(t, clas.Unfreeze())
	must(t, clas.FitOneCycle(9, fastnb.LR(1e-2)))
	if a := clas.Recorder.Metrics[8][0]; a < .9 {
		t.Errorf("accuracy %v", a)
	}
	preds, targs, err := clas.GetPreds()
	must(t, err)
	for i, y := range targs.Int64s() {
		p, err := clas.Predict(rawText(t, tab, i))
		must(t, err)
		if want, err := clas.Data.ValidDS.Y(i); err != nil || int64(want.Tensor().Item()) != y {
			t.Fatalf("target %d is %d, of the set %v: %v", i, y, want, err)
		}
		// Not the same: in its batch a text has padding in front, which the model reads.
		if d := p.Probs[1] - preds.At(i).Float64s()[1]; math.Abs(d) > .05 {
			t.Errorf("text %d: predicted %v alone, %v in its batch: not in the order of the set?", i, p.Probs, preds.At(i).Float64s())
		}
	}
	attend(t, clas)
	must(t, clas.Export())
	back, err := fastnb.LoadLearner(dir)
	must(t, err)
	p, err := back.Predict("Film number 3 was lovely!")
	must(t, err)
	if q, err := clas.Predict("Film number 3 was lovely!"); err != nil || q.String() != p.String() || p.Class != "positive" {
		t.Errorf("predicted %v, loaded again %v, %v", q, p, err)
	}
}

// rawText is the text of row i of the validation rows.
func rawText(t *testing.T, tab *data.Table, i int) string {
	t.Helper()
	texts, err := tab.Col("text")
	must(t, err)
	valid, err := tab.Col("is_valid")
	must(t, err)
	for k, v := range valid {
		if v != "True" {
			continue
		}
		if i == 0 {
			return texts[k]
		}
		i--
	}
	t.Fatal("no such row")
	return ""
}

// attend looks at which words the classifier goes by.
func attend(t *testing.T, clas *TextLearner) {
	t.Helper()
	in, err := clas.Interpret()
	must(t, err)
	words, at, err := in.IntrinsicAttention("Film number 3 was lovely!", -1)
	must(t, err)
	top := 0.0
	for _, a := range at {
		top = max(top, a)
	}
	if len(words.Tokens()) != len(at) || top != 1 {
		t.Errorf("attention %v for %v", at, words.Tokens())
	}
	f, err := in.ShowIntrinsicAttention("Film <b>number</b> 3 was lovely!", -1)
	must(t, err)
	if js := f.Render().Data["text/html"]; js == nil || strings.Contains(js.(string), "<b>number") || !strings.Contains(js.(string), "lovely") {
		t.Errorf("shown as %v", js)
	}
	if f, err = in.ShowTopLosses(3); err != nil || !bytes.Contains([]byte(f.String()), []byte("Probability")) {
		t.Errorf("top losses %v, %v", f, err)
	}
}

// Mistakes are told.
func TestTextLearnerMistakes(t *testing.T) {
	tab, dir := reviews(t, 40), datasets.NewPath(t.TempDir())
	lm := lmOf(t, tab, dir)
	must(t, lm.SaveEncoder("enc"))
	words := append([]string{}, lm.Data.Vocab.Itos...)
	words[len(words)-1] = "zebra"
	other := clasOf(t, tab, dir, words)
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"another vocabulary":  {other.LoadEncoder("enc"), "vocabulary"},
		"no encoder":          {other.LoadEncoder("nothing"), "nothing"},
		"no words":            {second(lm.Predict("x", 0)), "words"},
		"temperature":         {second(lm.Predict("x", 2, Temperature(0))), "Temperature"},
		"lm of a classifier":  {second(LanguageModelLearner(other.Data, models.AWDLSTM)), "LabelForLM"},
		"classifier of an lm": {second(TextClassifierLearner(lm.Data, models.AWDLSTM)), "classes"},
		"dropouts":            {second(LanguageModelLearner(lm.Data, models.AWDLSTM, DropMult(9), fastnb.Pretrained(false))), "DropMult"},
		"no weights here":     {second(LanguageModelLearner(lm.Data, models.AWDLSTM, PretrainedFiles("a", "b"))), "b.pkl"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, c.err, c.want)
		}
	}
	// Two learners of one seed write the same text.
	s, err := lmOf(t, tab, dir).Predict("Film", 8)
	must(t, err)
	if again, err := lmOf(t, tab, dir).Predict("Film", 8); err != nil || again != s {
		t.Errorf("one seed wrote %q and %q, %v", s, again, err)
	}
}

func second[T any](_ T, err error) error { return err }

// page is a cell's output, as a notebook keeps it.
type page struct {
	texts   []string
	updates int
	ids     map[string]bool
	most    int // updates after which the reader interrupts; 0: never
	stop    context.CancelFunc
}

func (p *page) Display(b, _ cell.Bundle, id string, update bool) error {
	p.texts = append(p.texts, fmt.Sprint(b["text/plain"]))
	p.ids[id] = true
	if update {
		p.updates++
	}
	if p.most > 0 && p.updates == p.most {
		p.stop()
	}
	return nil
}

func (*page) ClearOutput(bool) error { return nil }

// A streamed text grows word by word in one output, and its reader may stop it.
func TestStream(t *testing.T) {
	l := lmOf(t, reviews(t, 40), datasets.NewPath(t.TempDir()))
	in := func(most int, o ...GenerateOption) (*page, string, error) {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		p := &page{ids: map[string]bool{}, most: most, stop: stop}
		defer cell.Enter(ctx, p)()
		s, err := l.Predict("Film", 8, o...)
		return p, s, err
	}
	p, s, err := in(0, Stream(true))
	must(t, err)
	if len(p.texts) != 8 || p.updates != 7 || len(p.ids) != 1 || p.texts[7] != s {
		t.Errorf("%d outputs, %d updates of %d displays; the last %q, the text %q", len(p.texts), p.updates, len(p.ids), p.texts[len(p.texts)-1], s)
	}
	for i, text := range p.texts {
		if !strings.HasPrefix(text, "Film") || i > 0 && len(text) < len(p.texts[i-1]) {
			t.Errorf("output %d: %q", i, text)
		}
	}
	if p, _, err = in(0); err != nil || len(p.texts) != 0 {
		t.Errorf("without Stream: %q, %v", p.texts, err)
	}
	if p, s, err = in(2, Stream(true)); !errors.Is(err, cell.ErrInterrupted) || len(p.texts) != 3 {
		t.Errorf("stopped after 3 words: %q, %v, %q", p.texts, err, s)
	}
	if _, err = l.Predict("Film", 2); err != nil {
		t.Error(err)
	}
}

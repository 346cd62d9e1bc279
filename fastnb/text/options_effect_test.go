package text

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/internal/opt/opttest"
	"github.com/fastnb/go/fastnb/models"
)

// Every option changes what a call gives, or is refused with a hint.

func TestGenerateOptionsCount(t *testing.T) {
	lm := lmOf(t, reviews(t, 60), datasets.NewPath(t.TempDir()))
	options := opttest.Options[GenerateOption]{
		"Temperature": Temperature(30), "MinP": MinP(1.01 / float64(lm.Data.Vocab.Len())), "NoUnk": NoUnk(false), "Sep": Sep("_"), "Stream": Stream(true), "TopK": TopK(1), "Beams": Beams(2),
	}
	opttest.Complete(t, ".", options, "GenerateOption")
	write := func(f func(text string, words int, o ...GenerateOption) (string, error), words int) func(o ...GenerateOption) (any, error) {
		return func(o ...GenerateOption) (any, error) {
			data.Seed(11)
			lm.drawn = 0
			return f("a film", words, o...)
		}
	}
	// What Stream does shows in a cell (TestStream), and xxunk is too rare here to be drawn.
	opttest.Demand(t, options, opttest.Calls[GenerateOption]{"Predict": write(lm.Predict, 30)}, "Stream", "NoUnk")
	opttest.Demand(t, options, opttest.Calls[GenerateOption]{"BeamSearch": write(lm.BeamSearch, 5)}, "NoUnk")
	c, err := generateCfg([]GenerateOption{NoUnk(false)})
	if err != nil || c.probabilities([]float32{5, 1})[unkID] == 0 {
		t.Error("NoUnk(false)", err)
	}
}

func TestTokenizerOptionsCount(t *testing.T) {
	options := opttest.Options[TokenizerOption]{"PreRules": PreRules(), "PostRules": PostRules(), "SpecialCases": SpecialCases("don't")}
	opttest.Complete(t, ".", options, "TokenizerOption")
	opttest.Demand(t, options, opttest.Calls[TokenizerOption]{
		"NewTokenizer": func(o ...TokenizerOption) (any, error) {
			return NewTokenizer(o...).Process("A&amp;B don't LIKE<br />it"), nil
		},
	})
}

func TestTextListOptionsCount(t *testing.T) {
	dir := folders(t, map[string]string{"train/a.txt": "One one two.", "train/b.txt": "Two, three.", "test/c.txt": "One two four."})
	table, err := data.ReadCSV(csvOf(t, reviews(t, 12)).Join("texts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	options := opttest.Options[data.FromOption]{
		"WithVocab": WithVocab([]string{"xxunk", "xxpad", "one"}), "MaxVocab": MaxVocab(len(data.SpecialTokens()) + 1), "MinFreq": MinFreq(1),
		"MarkFields": MarkFields(true), "IncludeBOS": IncludeBOS(false), "IncludeEOS": IncludeEOS(true), "WithTokenizer": WithTokenizer(NewTokenizer(PostRules())),
		"Folder": data.Folder("f"), "Suffix": data.Suffix("s"), "SkipMissing": data.SkipMissing(true), "Recurse": data.Recurse(false), "Include": data.Include("train"),
		"Exclude": data.Exclude("test"), "Extensions": data.Extensions(".csv"), "Delimiter": data.Delimiter(";"), "Header": data.Header(false),
	}
	opttest.Complete(t, ".", options, "data.FromOption")
	seen := func(l *data.ItemList) (any, error) {
		ll := l.SplitNone().LabelForLM()
		if ll.Err() != nil {
			return nil, ll.Err()
		}
		d, err := ll.DataBunch(data.BS(1), data.BPTT(2))
		if err != nil {
			return nil, err
		}
		words := ""
		for i := range d.TrainDS.Len() {
			x, _, err := d.TrainDS.At(i)
			if err != nil {
				return nil, err
			}
			words += fmt.Sprint(x, "|")
		}
		return fmt.Sprint(d.Vocab.Itos, words), nil
	}
	opttest.Demand(t, options, opttest.Calls[data.FromOption]{
		"TextListFromTable": func(o ...data.FromOption) (any, error) {
			return seen(TextListFromTable(dir, table, append([]data.FromOption{data.Cols("text")}, o...)...))
		},
	})
	opttest.Demand(t, options, opttest.Calls[data.FromOption]{
		"TextListFromFolder": func(o ...data.FromOption) (any, error) { return seen(TextListFromFolder(dir, o...)) },
	}, "Recurse", "Extensions") // without a file there is no list, which is an error of its own
}

func TestTextFactoryOptionsCount(t *testing.T) {
	dir, csv := imdbLike(t), csvOf(t, reviews(t, 60))
	table, err := data.ReadCSV(csv.Join("texts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	options := opttest.Options[data.FactoryOption]{
		"ValidPct": data.ValidPct(.5), "TrainFolder": data.TrainFolder("unsup"), "ValidFolder": data.ValidFolder("unsup"), "SplitSeed": data.SplitSeed(9),
		"LabelDelim": data.LabelDelim("i"), "MinFreq": MinFreq(200), "BS": data.BS(7), "Delimiter": data.Delimiter(";"), "Recurse": data.Recurse(false),
		"FullPath": data.FullPath(true), "SkipMissing": data.SkipMissing(true), "BPTT": data.BPTT(3), "PadFirst": data.PadFirst(false),
	}
	seen := func(d *data.DataBunch, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(d.TrainDS.Items(), d.ValidDS.Items(), d.Classes, d.LabelKind().Name(), d.Vocab.Len(), d.BS, d.BPTT, d.PadFirst), nil
	}
	small := func(o []data.FactoryOption) []data.FactoryOption {
		return append([]data.FactoryOption{data.BS(4)}, o...)
	}
	cols := func(o []data.FactoryOption) []data.FactoryOption {
		data.Seed(4)
		return append([]data.FactoryOption{data.Cols("text")}, small(o)...)
	}
	labelled := func(o []data.FactoryOption) []data.FactoryOption {
		return append([]data.FactoryOption{data.LabelCols("label")}, cols(o)...)
	}
	// A comma table read by semicolons has no column of texts, and a folder has no files of its own: errors
	// that say so.
	opttest.Demand(t, options, opttest.Calls[data.FactoryOption]{
		"TextDataBunchFromCSV": func(o ...data.FactoryOption) (any, error) {
			return seen(TextDataBunchFromCSV(csv, "texts.csv", labelled(o)...))
		},
		"TextLMDataBunchFromCSV": func(o ...data.FactoryOption) (any, error) {
			return seen(TextLMDataBunchFromCSV(csv, "texts.csv", cols(o)...))
		},
		"TextDataBunchFromFolder": func(o ...data.FactoryOption) (any, error) {
			return seen(TextDataBunchFromFolder(dir, append(small(o[:0:0]), append([]data.FactoryOption{data.ValidFolder("test")}, o...)...)...))
		},
		"TextLMDataBunchFromFolder": func(o ...data.FactoryOption) (any, error) {
			return seen(TextLMDataBunchFromFolder(dir, append(small(o[:0:0]), append([]data.FactoryOption{data.ValidFolder("test")}, o...)...)...))
		},
		"TextDataBunchFromTable": func(o ...data.FactoryOption) (any, error) {
			return seen(TextDataBunchFromTable(csv, table, table, labelled(o)...))
		},
		"TextLMDataBunchFromTable": func(o ...data.FactoryOption) (any, error) {
			return seen(TextLMDataBunchFromTable(csv, table, table, cols(o)...))
		},
	}, "TextDataBunchFromCSV Delimiter", "TextLMDataBunchFromCSV Delimiter", "TextDataBunchFromFolder Recurse", "TextLMDataBunchFromFolder Recurse")
}

func TestTextLearnerOptionsCount(t *testing.T) {
	tab, dir := reviews(t, 40), datasets.NewPath(t.TempDir())
	d, err := TextListFromTable(dir, tab, data.Cols("text"), MinFreq(1)).SplitByRandPct(.2, data.SplitSeed(1)).LabelForLM().DataBunch(data.BS(4), data.BPTT(9))
	must(t, err)
	c, err := TextListFromTable(dir, tab, data.Cols("text"), MinFreq(1)).SplitFromTable("is_valid").LabelFromTable(data.LabelCols("label")).DataBunch(data.BS(4))
	must(t, err)
	options := opttest.Options[fastnb.LearnerOption]{
		"DropMult": DropMult(.9), "Config": small(models.LMConfig()), "ClipGrad": ClipGrad(.1), "AlphaAR": AlphaAR(5), "BetaTAR": BetaTAR(9),
		"CutAt": CutAt(3), "MaxLen": MaxLen(9), "PretrainedFiles": PretrainedFiles("a", "b"), "PS": fastnb.PS(.4), "LinFtrs": fastnb.LinFtrs(5), "Pretrained": fastnb.Pretrained(true),
		"WD": fastnb.WD(.3),
	}
	opttest.Complete(t, ".", options, "fastnb.LearnerOption")
	tinier := models.LMConfig()
	tinier.EmbSz, tinier.NHid, tinier.NLayers = 6, 8, 2
	seen := func(l *TextLearner, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		defer l.Destroy()
		// The description holds what the model is made of, whatever it does to one batch.
		return fmt.Sprint(l.Learner.String(), string(l.Spec().Config), len(l.Callbacks), l.WD), nil
	}
	first := func(o []fastnb.LearnerOption) []fastnb.LearnerOption {
		data.Seed(3)
		return slices.Concat([]fastnb.LearnerOption{Config(tinier), fastnb.Pretrained(false), fastnb.Silent(true)}, o)
	}
	t.Setenv("FASTNB_OFFLINE", "1")
	t.Setenv("FASTNB_HOME", t.TempDir())
	opttest.Demand(t, options, opttest.Calls[fastnb.LearnerOption]{
		"LanguageModelLearner": func(o ...fastnb.LearnerOption) (any, error) {
			l, err := LanguageModelLearner(d, models.AWDLSTM, first(o)...)
			if err != nil {
				return nil, err
			}
			return seen(l.TextLearner, nil)
		},
		"TextClassifierLearner": func(o ...fastnb.LearnerOption) (any, error) {
			return seen(TextClassifierLearner(c, models.AWDLSTM, first(o)...))
		},
	}, "Pretrained") // its refusal is the missing file's
}

// TestVocabularyIsOneOrTheOther: how a vocabulary is made has no effect where one is given.
func TestVocabularyIsOneOrTheOther(t *testing.T) {
	tab, dir := reviews(t, 8), datasets.NewPath(t.TempDir())
	given := WithVocab([]string{"xxunk", "xxpad", "one"})
	for name, o := range map[string]data.FromOption{"MinFreq": MinFreq(1), "MaxVocab": MaxVocab(100)} {
		for _, both := range [][]data.FromOption{{given, o}, {o, given}} {
			_, err := TextListFromTable(dir, tab, append(both, data.Cols("text"))...).SplitNone().LabelForLM().DataBunch(data.BS(2))
			if err == nil || !strings.Contains(err.Error(), name+" has no effect beside WithVocab") || !strings.Contains(err.Error(), "(try ") {
				t.Errorf("%s beside WithVocab: %v", name, err)
			}
		}
	}
}

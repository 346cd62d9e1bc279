package main

import (
	"math"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/text"
)

// imdbOptions are the options of the reviews alone.
var imdbOptions struct {
	bptt, emb, hid, layers, vocab, minFreq, clasEpochs, allEpochs, clasBS int
	clasLR, spread, wd, dropLM, dropClas                                  float64
	gradual                                                               bool
}

// imdbTask is the same work as bench/fastai_imdb.py: a language model from scratch on rows of
// texts.csv, then, if asked for, a classifier on its encoder, first the head alone and then all layers.
var imdbTask = benchTask{
	name: "imdb", short: "A language model and a classifier of film reviews, from scratch",
	defaults: benchOptions{items: 600, bs: 48, epochs: 2, lr: 5e-3},
	flags: func(f *pflag.FlagSet) {
		o := &imdbOptions
		f.IntVar(&o.bptt, "bptt", 70, "words of a batch's rows")
		f.IntVar(&o.emb, "emb", 200, "length of a word vector")
		f.IntVar(&o.hid, "hid", 400, "units of a layer")
		f.IntVar(&o.layers, "layers", 3, "recurrent layers")
		f.IntVar(&o.vocab, "vocab", 60000, "words at most")
		f.IntVar(&o.minFreq, "min-freq", 2, "how often a word must be there")
		f.IntVar(&o.clasEpochs, "clas-epochs", 0, "epochs of each of the classifier's phases")
		f.IntVar(&o.allEpochs, "all-epochs", 0, "epochs of the classifier's last phase, with all layers (0: as the others)")
		f.IntVar(&o.clasBS, "clas-bs", 0, "batch size of the classifier (0: the language model's)")
		f.BoolVar(&o.gradual, "gradual", false, "unfreeze the classifier by one layer group a phase, the last two and last three before all")
		f.Float64Var(&o.clasLR, "clas-lr", 1e-2, "largest learning rate of the classifier, the head's")
		f.Float64Var(&o.spread, "spread", math.Pow(2.6, 4), "quotient of the head's learning rate and the table of words'")
		f.Float64Var(&o.wd, "wd", .01, "weight decay of both models")
		f.Float64Var(&o.dropLM, "drop-lm", .3, "factor of the language model's dropouts")
		f.Float64Var(&o.dropClas, "drop-clas", .5, "factor of the classifier's dropouts")
	},
	run: func(b *bench) error {
		path, err := b.path("imdb_sample")
		if err != nil {
			return err
		}
		table, err := data.ReadCSV(path.Join("texts.csv"))
		if err != nil {
			return err
		}
		if table, err = spreadRows(table, b.items); err != nil {
			return err
		}
		if imdbOptions.allEpochs == 0 {
			imdbOptions.allEpochs = imdbOptions.clasEpochs
		}
		if imdbOptions.clasBS == 0 {
			imdbOptions.clasBS = b.bs
		}
		dir, err := os.MkdirTemp("", "fastnb-bench")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }() // checkpoints of the run
		lm, err := imdbLM(b, table, datasets.NewPath(dir))
		if err != nil || imdbOptions.clasEpochs == 0 {
			return err
		}
		return imdbClas(b, table, lm)
	},
}

// imdbConfig is a configuration with the sizes asked for.
func imdbConfig(c models.AWDConfig) fastnb.LearnerOption {
	c.EmbSz, c.NHid, c.NLayers = imdbOptions.emb, imdbOptions.hid, imdbOptions.layers
	return text.Config(c)
}

func imdbLM(b *bench, table *data.Table, dir datasets.Path) (*text.LanguageLearner, error) {
	o := imdbOptions
	start := time.Now()
	d, err := text.TextListFromTable(dir, table, data.Cols("text"), text.MinFreq(o.minFreq), text.MaxVocab(o.vocab)).
		SplitByRandPct(.1, data.SplitSeed(42)).LabelForLM().DataBunch(data.BS(b.bs), data.BPTT(o.bptt))
	if err != nil {
		return nil, err
	}
	b.note("prepare_seconds", time.Since(start).Seconds())
	b.note("vocab", d.Vocab.Len())
	if err := b.loader(d); err != nil {
		return nil, err
	}
	data.Seed(b.seed)
	l, err := text.LanguageModelLearner(d, models.AWDLSTM, imdbConfig(models.LMConfig()), text.DropMult(o.dropLM), fastnb.Pretrained(false), fastnb.Silent(true))
	if err != nil {
		return nil, err
	}
	if b.epochs == 0 { // the classifier starts from nothing
		return l, nil
	}
	return l, b.fit("language model", l.Learner, b.epochs, fastnb.LR(b.lr), fastnb.WD(o.wd), fastnb.Moms(.8, .7), b.tokens("lm_tokens_per_second"))
}

func imdbClas(b *bench, table *data.Table, lm *text.LanguageLearner) error {
	o := imdbOptions
	if err := lm.SaveEncoder("enc"); err != nil {
		return err
	}
	table, err := labelled(table)
	if err != nil {
		return err
	}
	d, err := text.TextListFromTable(lm.Path, table, data.Cols("text"), text.WithVocab(lm.Data.Vocab.Itos)).
		SplitFromTable("is_valid").LabelFromTable(data.LabelCols("label"), data.Classes("negative", "positive")).DataBunch(data.BS(o.clasBS))
	if err != nil {
		return err
	}
	b.note("lm_peak_mb", peakMB())
	b.note("clas_texts", d.Dataset(data.Train).Len())
	if err := b.naiveBayes(d); err != nil {
		return err
	}
	l, err := text.TextClassifierLearner(d, models.AWDLSTM, imdbConfig(models.ClasConfig()), text.DropMult(o.dropClas), fastnb.Pretrained(false), fastnb.Silent(true))
	if err != nil {
		return err
	}
	if err := l.LoadEncoder("enc"); err != nil {
		return err
	}
	for _, p := range imdbPhases() {
		if err := l.FreezeTo(p.from); err != nil {
			return err
		}
		if err := b.fit(p.name, l.Learner, p.epochs, fastnb.Slice(o.clasLR/o.spread, o.clasLR), fastnb.WD(o.wd), fastnb.Moms(.8, .7), b.tokens(p.tokens)); err != nil {
			return err
		}
	}
	return nil
}

// imdbPhase is one fit of the classifier: the first layer group that trains, and how long.
type imdbPhase struct {
	name, tokens string
	from, epochs int
}

func imdbPhases() []imdbPhase {
	o := imdbOptions
	p := []imdbPhase{{"head", "head_tokens_per_second", -1, o.clasEpochs}}
	if o.gradual {
		p = append(p, imdbPhase{"last two", "last_two_tokens_per_second", -2, o.clasEpochs}, imdbPhase{"last three", "last_three_tokens_per_second", -3, o.clasEpochs})
	}
	return append(p, imdbPhase{"all layers", "clas_tokens_per_second", 0, o.allEpochs})
}

// spreadRows is n rows at equal distances, all for n = 0: a table may have its labels one after the other.
func spreadRows(t *data.Table, n int) (*data.Table, error) {
	if n <= 0 || n >= t.Len() {
		return t, nil
	}
	var rows []int
	for i := range n {
		rows = append(rows, i*t.Len()/n)
	}
	return pickRows(t, rows)
}

// labelled is the rows that a classifier learns from; reviews labelled unsup serve the language model alone.
func labelled(t *data.Table) (*data.Table, error) {
	labels, err := t.Col("label")
	if err != nil {
		return nil, err
	}
	var rows []int
	for i, l := range labels {
		if l != "unsup" {
			rows = append(rows, i)
		}
	}
	return pickRows(t, rows)
}

func pickRows(t *data.Table, rows []int) (*data.Table, error) {
	var cols []any
	for _, name := range []string{"label", "text", "is_valid"} {
		values, err := t.Col(name)
		if err != nil {
			return nil, err
		}
		kept := make([]string, len(rows))
		for k, i := range rows {
			kept[k] = values[i]
		}
		cols = append(cols, name, kept)
	}
	return data.NewTable(cols...)
}

// tokens notes how many words a second training reads, validation left out.
func (b *bench) tokens(name string) fastnb.FitOption {
	var start time.Time
	var n int
	var seconds float64
	return fastnb.Callbacks(fastnb.Callback{
		Name:        "tokens",
		BeforeBatch: func(*fastnb.Learner) error { start = time.Now(); return nil },
		AfterBatch: func(l *fastnb.Learner) error {
			if l.Training {
				n += l.Input[0].Len()
				seconds += time.Since(start).Seconds()
			}
			return nil
		},
		AfterFit: func(*fastnb.Learner) error { b.note(name, float64(n)/seconds); return nil },
	})
}

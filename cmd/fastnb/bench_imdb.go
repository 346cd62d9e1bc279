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
	bptt, emb, hid, layers, vocab, clasEpochs int
	clasLR, dropLM, dropClas                  float64
}

// imdbTask is the same work as bench/fastai_imdb.py: a language model from scratch on the first rows of
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
		f.IntVar(&o.clasEpochs, "clas-epochs", 0, "epochs of each of the classifier's two phases")
		f.Float64Var(&o.clasLR, "clas-lr", 1e-2, "largest learning rate of the classifier")
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
		if b.items > 0 {
			table = table.Head(b.items)
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
	d, err := text.TextListFromTable(dir, table, data.Cols("text"), text.MinFreq(2), text.MaxVocab(o.vocab)).
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
	return l, b.fit("language model", l.Learner, b.epochs, fastnb.LR(b.lr), fastnb.Moms(.8, .7), b.tokens("lm_tokens_per_second"))
}

func imdbClas(b *bench, table *data.Table, lm *text.LanguageLearner) error {
	o := imdbOptions
	if err := lm.SaveEncoder("enc"); err != nil {
		return err
	}
	d, err := text.TextListFromTable(lm.Path, table, data.Cols("text"), text.WithVocab(lm.Data.Vocab.Itos)).
		SplitFromTable("is_valid").LabelFromTable(data.LabelCols("label"), data.Classes("negative", "positive")).DataBunch(data.BS(b.bs))
	if err != nil {
		return err
	}
	b.note("lm_peak_mb", peakMB())
	l, err := text.TextClassifierLearner(d, models.AWDLSTM, imdbConfig(models.ClasConfig()), text.DropMult(o.dropClas), fastnb.Pretrained(false), fastnb.Silent(true))
	if err != nil {
		return err
	}
	if err := l.LoadEncoder("enc"); err != nil {
		return err
	}
	rates := fastnb.Slice(o.clasLR/math.Pow(2.6, 4), o.clasLR)
	if err := b.fit("head", l.Learner, o.clasEpochs, rates, fastnb.Moms(.8, .7), b.tokens("head_tokens_per_second")); err != nil {
		return err
	}
	if err := l.Unfreeze(); err != nil {
		return err
	}
	return b.fit("all layers", l.Learner, o.clasEpochs, rates, fastnb.Moms(.8, .7), b.tokens("clas_tokens_per_second"))
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

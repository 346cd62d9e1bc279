package badinput

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/vision"
	"github.com/fastnb/go/kernel/interp"
)

// mistakes are the page's rows.
func mistakes() []mistake {
	return slices.Concat(dataMistakes(), visionMistakes(), textMistakes(), trainingMistakes(), fileMistakes())
}

func dataMistakes() []mistake {
	return []mistake{
		{input: "missing folder", after: "nothing was done", make: func(d *desk) error {
			return vision.ImageListFromFolder(d.tiles.Join("train")).Err()
		}},
		{input: "CSV without the column of files", after: "nothing was done", make: func(d *desk) error {
			return d.list(data.Col("file")).Err()
		}},
		{input: "CSV without the column of labels", after: "the list and its split stay usable", make: func(d *desk) error {
			return d.list().SplitByRandPct(.2).LabelFromTable(data.LabelCols("labels")).Err()
		}},
		{input: "label file naming an absent image", after: "`SkipMissing(true)` leaves such rows out", make: func(d *desk) error {
			d.write("planet/train_v2.csv", append(d.read("planet/train_v2.csv"), "train_77,haze\n"...))
			if l := d.list(data.SkipMissing(true)); l.Err() != nil || l.Len() != 20 {
				d.t.Error("SkipMissing:", l.Err(), l.Len())
			}
			return d.list().Err()
		}},
		{input: "truncated JPEG", after: "the fit ends, the learner stays usable; with `SkipBroken(true)` the other items are trained on", make: truncated},
		{input: "empty split", after: "nothing was done", make: func(d *desk) error {
			return d.list().SplitByRandPct(.01).Err()
		}},
		{input: "bs larger than the set", after: "nothing was done", make: func(d *desk) error {
			_, err := d.bunch()
			return err
		}},
		{input: "option of another call", after: notRun, make: inCell("var learn *Learner\nlearn.Fit(1, LR(0.001), Size(64))")},
		{input: "option that does not exist", after: notRun, make: inCell("var learn *Learner\nlearn.Fit(1, LR(0.001), WeightDecay(0.1))")},
	}
}

// truncated cuts a picture of the training set and trains.
func truncated(d *desk) error {
	cut := "planet/train-jpg/train_9.jpg"
	b := d.read(cut)
	d.write(cut, b[:len(b)/2])
	split := func() *data.LabelLists {
		return d.list().SplitByIdx([]int{0, 1}).LabelFromTable(data.LabelDelim(" ")).Transform(nil, data.Size(16))
	}
	bunch, err := split().DataBunch(data.BS(18))
	d.must(err)
	l, err := vision.CNNLearner(bunch, models.ResNet18, fastnb.Pretrained(false), fastnb.Silent(true))
	d.must(err)
	failed := l.Fit(1, fastnb.LR(1e-3))
	bunch, err = split().DataBunch(data.BS(6), data.SkipBroken(true))
	d.must(err)
	d.must(l.SetData(bunch))
	d.must(l.Fit(1, fastnb.LR(1e-3)))
	if s := bunch.Skipped(); len(s) != 1 || !strings.HasSuffix(s[0], "train_9.jpg") {
		d.t.Error("skipped:", s)
	}
	return failed
}

const notRun = "the cell does not compile; none of it was run"

// inCell runs code as a cell of a notebook.
func inCell(code string) func(d *desk) error {
	return func(d *desk) error {
		s, err := interp.New(interp.Options{})
		d.must(err)
		defer s.Close()
		r := s.Run(context.Background(), code, interp.RunOptions{}, &quiet{})
		if r.Err == nil {
			return nil
		}
		return errors.New(strings.ReplaceAll(r.Err.Value, "\n", " "))
	}
}

// quiet is a cell's output that nobody looks at.
type quiet struct{ screen }

// Stream drops text.
func (*quiet) Stream(string, string) {}

func trainingMistakes() []mistake {
	return []mistake{
		{input: "picture that is not there, to predict", after: "the learner stays usable", make: func(d *desk) error {
			_, err := d.learner(models.ResNet18).Predict("nowhere.jpg")
			return err
		}},
		{input: "NaN loss", after: "the step of that batch was not taken: weights are finite, and the learner goes on", make: func(d *desk) error {
			l := d.learner(models.ResNet18)
			poison := fastnb.Callback{BeforeBatch: func(l *fastnb.Learner) error {
				if l.Training && l.Batch == 2 {
					l.Input[0].Float32s()[0] = float32(math.NaN())
				}
				return nil
			}}
			err := l.Fit(1, fastnb.LR(1e-3), fastnb.Callbacks(poison))
			d.must(l.Fit(1, fastnb.LR(1e-3)))
			if r := l.Recorder; math.IsNaN(r.LastLoss()) || math.IsNaN(r.LastValLoss()) {
				d.t.Errorf("losses afterwards: %v, %v", r.LastLoss(), r.LastValLoss())
			}
			return err
		}},
		{
			input: "memory need above the machine's", after: "told before the first batch is made; nothing was done",
			make: tooBig, vary: gigabytes,
		},
	}
}

// tooBig asks for batches of 40,000 pictures of 2048 pixels.
func tooBig(d *desk) error {
	const n = 40_000
	var files []datasets.Path
	for range n + 2 {
		files = append(files, d.tiles.Join("train-jpg", "train_1.jpg"))
	}
	b, err := vision.ImageList(d.tiles, files...).SplitByIdx([]int{0, 1}).LabelFromFunc(func(datasets.Path) string { return "clear" }).
		Transform(nil, data.Size(2048)).DataBunch(data.BS(n))
	d.must(err)
	l, err := vision.CNNLearner(b, models.ResNet18, fastnb.Pretrained(false), fastnb.Silent(true))
	d.must(err)
	return l.FitOneCycle(1, fastnb.LR(1e-3))
}

// gigabytes hides the machine's figures: what it has and how many items would fit.
func gigabytes(msg string) string {
	msg = regexp.MustCompile(`[0-9.]+ GB`).ReplaceAllString(msg, "N GB")
	return regexp.MustCompile(`a batch size of \d+,`).ReplaceAllString(msg, "a batch size of N,")
}

func fileMistakes() []mistake {
	checkpoint := func(after, input string, f func(d *desk, l *fastnb.Learner) error) mistake {
		return mistake{input: input, after: after, make: func(d *desk) error {
			l := d.learner(models.ResNet18)
			d.must(l.Save("good"))
			before, _, err := l.GetPreds()
			d.must(err)
			failed := f(d, l)
			after, _, err := l.GetPreds()
			d.must(err)
			if diff := before.Sub(after).Abs().Max(); diff != 0 {
				d.t.Error("the weights have moved by", diff)
			}
			return failed
		}}
	}
	const same = "the learner's weights are as they were"
	full := checkpoint("the old checkpoint is intact and no part of a new one is left", "disk full while saving", diskFull)
	full.only = "unix"
	// The test limits the size of files, which fails alike for everyone; a full disk has words of its own.
	full.vary = func(msg string) string {
		return strings.ReplaceAll(msg, "file too large", "no space left on device")
	}
	cut := checkpoint(same, "checkpoint truncated", func(d *desk, l *fastnb.Learner) error {
		b := d.read("planet/models/good.safetensors")
		d.write("planet/models/cut.safetensors", b[:len(b)/3])
		return l.Load("cut")
	})
	cut.vary = func(msg string) string { // any of the missing tensors is named
		return regexp.MustCompile(`"[^"]+": its bytes \d+ to \d+(.*) \d+ `).ReplaceAllString(msg, `"NAME": its bytes N to N$1 N `)
	}
	return append(downloadMistakes(), full,
		cut,
		checkpoint(same, "checkpoint of another architecture", func(d *desk, _ *fastnb.Learner) error {
			return d.learner(models.ResNet34).Load("good")
		}),
		checkpoint(same, "not a checkpoint", func(d *desk, l *fastnb.Learner) error {
			d.write("planet/models/notes.safetensors", []byte("Dear diary, today the loss fell.\n"))
			return l.Load("notes")
		}),
		checkpoint(same, "no such checkpoint", func(_ *desk, l *fastnb.Learner) error { return l.Load("best") }),
		mistake{input: "export that is a checkpoint", after: "nothing was done", make: func(d *desk) error {
			d.must(d.learner(models.ResNet18).Save("good"))
			_, err := fastnb.LoadLearner(d.tiles, fastnb.File("models/good.safetensors"))
			return err
		}},
	)
}

// diskFull saves where there is no room for half the file.
func diskFull(d *desk, l *fastnb.Learner) error {
	before := d.read("planet/models/good.safetensors")
	failed := withoutRoom(d.t, uint64(len(before)/2), func() error { return l.Save("good") })
	if string(before) != string(d.read("planet/models/good.safetensors")) {
		d.t.Error("the old checkpoint has changed")
	}
	left, err := os.ReadDir(filepath.Join(d.dir, "planet", "models"))
	if err != nil || len(left) != 1 {
		d.t.Error("left behind:", left, err)
	}
	d.must(l.Load("good"))
	return failed
}

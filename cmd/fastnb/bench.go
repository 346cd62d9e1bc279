package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/vision"
)

func benchCommand() *cobra.Command {
	c := &cobra.Command{Use: "bench", Short: "Train a lesson's task and time it; bench/run.sh holds fastai's figures beside"}
	c.AddCommand(benchPlanetCommand())
	return c
}

// planetBench is the same work as bench/fastai_planet.py: a ResNet without pretrained weights on the
// first rows of train_v2.csv, the lesson's transforms and metrics, one cycle over all layers.
type planetBench struct {
	data, arch                             string
	seed, items, size, bs, epochs, workers int
	lr                                     float64
	json, loader                           bool
	out                                    io.Writer
}

func benchPlanetCommand() *cobra.Command {
	var b planetBench
	c := &cobra.Command{
		Use: "planet", Short: "Tags of satellite tiles, from scratch", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.out = cmd.OutOrStdout()
			return b.run(cmd.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&b.data, "data", "", "the data set's folder (none: as GetData finds it)")
	f.StringVar(&b.arch, "arch", "resnet34", "architecture")
	f.IntVar(&b.seed, "seed", 1, "seed of the run; the split is the lesson's whatever it is")
	f.IntVar(&b.items, "items", 600, "rows of the table to use")
	f.IntVar(&b.size, "size", 64, "pixels")
	f.IntVar(&b.bs, "bs", 16, "batch size")
	f.IntVar(&b.epochs, "epochs", 6, "epochs")
	f.IntVar(&b.workers, "workers", 2, "loader workers")
	f.Float64Var(&b.lr, "lr", 3e-3, "largest learning rate")
	f.BoolVar(&b.json, "json", false, "a JSON line for each epoch and one at the end")
	f.BoolVar(&b.loader, "loader", false, "measure the loader alone first")
	return c
}

func (b *planetBench) bunch() (*data.DataBunch, error) {
	path := datasets.NewPath(b.data)
	if b.data == "" {
		var err error
		if path, err = datasets.GetData("planet", datasets.Tiles(b.items)); err != nil {
			return nil, err
		}
	}
	data.Seed(42)
	tfms := vision.GetTransforms(vision.FlipVert(true), vision.MaxLighting(0.1), vision.MaxZoom(1.05), vision.MaxWarp(0))
	return vision.ImageListFromCSV(path, "train_v2.csv", data.Folder("train-jpg"), data.Suffix(".jpg")).
		UseItems(b.items).SplitByRandPct(0.2).LabelFromTable(data.LabelDelim(" ")).
		Transform(tfms, data.Size(b.size)).Normalize(vision.ImageNetStats).DataBunch(data.BS(b.bs), data.Workers(b.workers))
}

func (b *planetBench) run(ctx context.Context) error {
	d, err := b.bunch()
	if err != nil {
		return err
	}
	summary := map[string]any{"library": "fastnb " + version, "threads": runtime.GOMAXPROCS(0)}
	if b.loader {
		rate, err := loaderRate(ctx, d)
		if err != nil {
			return err
		}
		summary["loader_items_per_second"] = rate
	}
	data.Seed(b.seed)
	arch, err := models.ByName(b.arch)
	if err != nil {
		return err
	}
	learn, err := vision.CNNLearner(d, arch, vision.Pretrained(false), fastnb.Silent(true),
		fastnb.Metrics(fastnb.AccuracyThresh(fastnb.Thresh(0.2)), fastnb.FBeta(fastnb.Thresh(0.2))))
	if err != nil {
		return err
	}
	var start time.Time
	var cpu float64
	report := fastnb.Callback{
		Name: "report", Order: 1000,
		BeforeEpoch: func(*fastnb.Learner) error { start, cpu = time.Now(), usedCPU(); return nil },
		AfterEpoch: func(l *fastnb.Learner) error {
			r := l.Recorder
			k := len(r.ValLosses) - 1
			return b.line(map[string]any{
				"epoch": k, "seconds": time.Since(start).Seconds(), "cpu_seconds": usedCPU() - cpu, "train_loss": r.Losses[len(r.Losses)-1],
				"valid_loss": r.ValLosses[k], "accuracy_thresh": r.Metrics[k][0], "fbeta": r.Metrics[k][1],
			})
		},
	}
	if err := learn.FitOneCycle(b.epochs, fastnb.LR(b.lr), fastnb.Callbacks(report)); err != nil {
		return err
	}
	summary["peak_mb"] = peakMB()
	return b.line(summary)
}

func (b *planetBench) line(v map[string]any) error {
	js, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if b.json {
		_, err = fmt.Fprintf(b.out, "%s\n", js)
		return err
	}
	if _, ok := v["epoch"]; ok {
		_, err = fmt.Fprintf(b.out, "epoch %v: %.2f s, loss %.4f, validation %.4f, fbeta %.4f\n", v["epoch"], v["seconds"], v["train_loss"], v["valid_loss"], v["fbeta"])
		return err
	}
	_, err = fmt.Fprintln(b.out, v)
	return err
}

// loaderRate is how many items a second the loader alone gives over an epoch.
func loaderRate(ctx context.Context, d *data.DataBunch) (float64, error) {
	l, err := d.TrainLoader()
	if err != nil {
		return 0, err
	}
	start, n := time.Now(), 0
	it := l.Iter(ctx, 0)
	defer it.Close()
	for it.Next() {
		n += it.Batch().N
	}
	return float64(n) / time.Since(start).Seconds(), it.Err()
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/device"
)

// benchTask is a training that fastai runs too, by bench/fastai_<name>.py with the same options; bench/README.md
// says what both print.
type benchTask struct {
	name, short string
	defaults    benchOptions
	flags       func(*pflag.FlagSet) // of the task's own, or nil
	run         func(*bench) error
}

// benchTasks are the tasks there are, each in a file of its own.
var benchTasks = []benchTask{planetTask, camvidTask, headposeTask, imdbTask, tokenizerTask}

// benchOptions are the options of every task; a task ignores those that say nothing to it.
type benchOptions struct {
	data, arch                             string
	seed, items, size, bs, epochs, workers int
	lr                                     float64
}

// bench is one run of a task.
type bench struct {
	benchOptions
	device, precision            string
	json, measureLoader, profile bool
	ctx                          context.Context
	out                          io.Writer
	summary                      map[string]any // the last line
}

func benchCommand() *cobra.Command {
	c := &cobra.Command{Use: "bench", Short: "Train a lesson's task and time it; bench/run.sh holds fastai's figures beside"}
	for _, t := range benchTasks {
		c.AddCommand(t.command())
	}
	c.AddCommand(benchStepCommand(), benchDeviceCommand())
	return c
}

func (t benchTask) command() *cobra.Command {
	b := bench{benchOptions: t.defaults, summary: map[string]any{}}
	c := &cobra.Command{
		Use: t.name, Short: t.short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.ctx, b.out = cmd.Context(), cmd.OutOrStdout()
			if _, err := precisionOf(b.precision); err != nil {
				return err
			}
			if b.device != "" {
				was, set := os.LookupEnv("FASTNB_DEVICE")
				if err := os.Setenv("FASTNB_DEVICE", b.device); err != nil {
					return err
				}
				defer func() {
					os.Unsetenv("FASTNB_DEVICE") //nolint:errcheck // a name that can be unset
					if set {
						os.Setenv("FASTNB_DEVICE", was) //nolint:errcheck // it was there before
					}
				}()
			}
			if err := b.measured(t.run, cmd.ErrOrStderr()); err != nil {
				return err
			}
			b.note("library", "fastnb "+version)
			b.note("threads", runtime.GOMAXPROCS(0))
			b.note("peak_mb", peakMB())
			return b.line(b.summary)
		},
	}
	f, d := c.Flags(), t.defaults
	f.StringVar(&b.data, "data", "", "the data set's folder (none: as GetData finds it)")
	f.StringVar(&b.arch, "arch", d.arch, "architecture")
	f.IntVar(&b.seed, "seed", 1, "seed of the run; the split is the lesson's whatever it is")
	f.IntVar(&b.items, "items", d.items, "items to use, training and validation together (0: all)")
	f.IntVar(&b.size, "size", d.size, "pixels")
	f.IntVar(&b.bs, "bs", d.bs, "batch size")
	f.IntVar(&b.epochs, "epochs", d.epochs, "epochs")
	f.IntVar(&b.workers, "workers", 2, "loader workers")
	f.Float64Var(&b.lr, "lr", d.lr, "largest learning rate")
	f.StringVar(&b.device, "device", "", "device: cpu, cuda, cuda:1, opencl (default: FASTNB_DEVICE, or the best one)")
	f.StringVar(&b.precision, "precision", "f32", "what lies between layers is kept in f32, f16 (with the dynamic loss scale) or bf16")
	f.BoolVar(&b.json, "json", false, "a JSON line for each epoch and one at the end")
	f.BoolVar(&b.profile, "profile", false, "tell at the end, on standard error, where the time went: by operation and layer, forward and backward")
	f.BoolVar(&b.measureLoader, "loader", false, "measure the loader alone first")
	if t.flags != nil {
		t.flags(f)
	}
	return c
}

// measured runs the task, and tells its profile where that was asked for.
func (b *bench) measured(run func(*bench) error, w io.Writer) error {
	if !b.profile {
		return run(b)
	}
	p, err := fastnb.StartProfile()
	if err != nil {
		return err
	}
	err = run(b)
	_, werr := fmt.Fprintln(w, p.Stop())
	return errors.Join(err, werr)
}

// path is the data set's folder.
func (b *bench) path(name string, o ...datasets.DataOption) (datasets.Path, error) {
	if b.data != "" {
		return datasets.NewPath(b.data), nil
	}
	return datasets.GetData(name, o...)
}

// note adds a figure to the last line.
func (b *bench) note(name string, v any) { b.summary[name] = v }

// loader measures how many items a second the training loader alone gives over an epoch, if that was asked for.
func (b *bench) loader(d *data.DataBunch) error {
	if !b.measureLoader {
		return nil
	}
	l, err := d.TrainLoader()
	if err != nil {
		return err
	}
	start, n := time.Now(), 0
	it := l.Iter(b.ctx, 0)
	defer it.Close()
	for it.Next() {
		n += it.Batch().N
	}
	b.note("loader_items_per_second", float64(n)/time.Since(start).Seconds())
	return it.Err()
}

// fit runs one cycle and prints a line for each epoch: time, processor time, losses and the metrics by name. phase
// tells several fits of a task apart; "" where there is one. Options are FitOneCycle's.
func (b *bench) fit(phase string, learn *fastnb.Learner, epochs int, lr fastnb.LRs, o ...fastnb.FitOption) error {
	var start time.Time
	var cpu float64
	if err := b.mix(learn); err != nil {
		return err
	}
	err := learn.FitOneCycle(epochs, lr, append(o, fastnb.Callbacks(fastnb.Callback{
		Name: "report", Order: 1000,
		BeforeEpoch: func(*fastnb.Learner) error { start, cpu = time.Now(), usedCPU(); return nil },
		AfterEpoch: func(l *fastnb.Learner) error {
			r := l.Recorder
			k := len(r.ValLosses) - 1
			row := map[string]any{
				"epoch": l.Epoch, "seconds": time.Since(start).Seconds(), "cpu_seconds": usedCPU() - cpu,
				"train_loss": r.LastLoss(), "valid_loss": r.ValLosses[k],
			}
			if phase != "" {
				row["phase"] = phase
			}
			for j, m := range l.Metrics {
				row[m.Name] = r.Metrics[k][j]
			}
			return b.line(row)
		},
	}))...)
	return errors.Join(err, learn.Purge()) // which prints the profile that FASTNB_PROFILE asks for
}

// mix asks for the precision of the command line. A device that has it not is an error: its figures would be those
// of another precision.
func (b *bench) mix(learn *fastnb.Learner) error {
	dev, err := device.Open("") // the learner's
	if err != nil {
		return err
	}
	i := dev.Info()
	_ = dev.Close() // a share of it
	b.note("device", i.Name)
	b.note("precision", b.precision)
	switch kind := precisions[b.precision]; {
	case b.precision == "f32":
		return nil
	case !i.CanMix(kind):
		return fmt.Errorf("fastnb: bench: --precision %s: device %s computes in float32 only (try --precision f32, or --device with a card's)", b.precision, i.Name)
	case b.precision == "bf16":
		return learn.ToFP16(fastnb.BF16())
	}
	return learn.ToFP16()
}

// line prints figures: as JSON, or for people.
func (b *bench) line(v map[string]any) error {
	if b.json {
		js, err := json.Marshal(v)
		if err == nil {
			_, err = fmt.Fprintf(b.out, "%s\n", js)
		}
		return err
	}
	var parts []string
	for k, x := range v {
		if f, ok := x.(float64); ok {
			x = fmt.Sprintf("%.4g", f)
		}
		parts = append(parts, fmt.Sprint(k, " ", x))
	}
	sort.Strings(parts)
	_, err := fmt.Fprintln(b.out, strings.Join(parts, ", "))
	return err
}

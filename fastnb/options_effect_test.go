package fastnb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/internal/opt/opttest"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// Every option changes what a call gives, or is refused with a hint.

func TestFitOptionsCount(t *testing.T) {
	phase := NewTrainingPhase(3).ScheduleLR(LR(1e-3), LR(2e-3), AnnealLinear)
	called := errors.New("Callbacks were called (try none)")
	options := opttest.Options[FitOption]{
		"Moms": Moms(.8, .7), "DivFactor": DivFactor(10), "FinalDiv": FinalDiv(5), "PctStart": PctStart(.6), "StartEpoch": StartEpoch(1),
		"TotEpochs": TotEpochs(4), "NumIt": NumIt(3), "StartLR": StartLR(1e-5), "EndLR": EndLR(1), "StopDiv": StopDiv(false),
		"WD": WD(.3), "StepSize": StepSize(2), "CycleMode": CycleMode("triangular2"), "Gamma": Gamma(.5), "GeneralScheduler": GeneralScheduler(phase), "StartPct": StartPct(.2),
		"Callbacks": Callbacks(Callback{Name: "test", BeforeFit: func(*Learner) error { return called }}),
	}
	opttest.Complete(t, ".", options, "FitOption", "WDOption", "CallbackOption")
	fit := func(run func(l *Learner, o ...FitOption) error) func(o ...FitOption) (any, error) {
		return func(o ...FitOption) (any, error) {
			l, e := fakeLearner(t, 6, 1, 2, 1, .5, .4, 9, 9, 9, 9)
			err := run(l, o...)
			return fmt.Sprint(e.hypers, l.Recorder.LRs, l.Recorder.Moms), err
		}
	}
	opttest.Demand(t, options, opttest.Calls[FitOption]{
		"Fit":         fit(func(l *Learner, o ...FitOption) error { return l.Fit(2, LR(1e-3), o...) }),
		"FitOneCycle": fit(func(l *Learner, o ...FitOption) error { return l.FitOneCycle(2, LR(1e-3), o...) }),
		"FitFC":       fit(func(l *Learner, o ...FitOption) error { return l.FitFC(2, LR(1e-3), o...) }),
		"LRFind":      fit(func(l *Learner, o ...FitOption) error { return l.LRFind(o...) }),
		"FitCyclical": fit(func(l *Learner, o ...FitOption) error {
			return l.FitCyclical(2, LR(1e-3), LR(1e-2), append([]FitOption{CycleMode("exp_range"), StepSize(3)}, o...)...)
		}),
	})
}

func TestMetricOptionsCount(t *testing.T) {
	options := opttest.Options[MetricOption]{
		"Thresh": Thresh(.9), "Beta": Beta(.5), "WithSigmoid": WithSigmoid(false), "IoU": IoU(true), "Average": Average("weighted"), "KappaWeights": KappaWeights("quadratic"),
	}
	opttest.Complete(t, ".", options, "MetricOption", "ThreshOption", "BetaOption")
	multi := tensor.FromFloat32([]float32{-3, .3, 1, 2, 3, -.5, .2, -1, 4, -2, .6, .7}, 4, 3)
	tags := tensor.FromFloat32([]float32{0, 1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 1}, 4, 3)
	classes := tensor.FromInt64([]int64{2, 0, 1, 1}, 4)
	mask, px := tensor.FromFloat32([]float32{1, 0, 3, 0, 0, 2, 1, 4}, 1, 2, 2, 2), tensor.FromInt64([]int64{0, 1, 1, 1}, 1, 1, 2, 2)
	of := func(make func(o ...MetricOption) Metric, out, targ *Tensor) func(o ...MetricOption) (any, error) {
		return func(o ...MetricOption) (any, error) {
			m := make(o...)
			if m.Err() != nil {
				return nil, m.Err()
			}
			return m.Of(out, targ)
		}
	}
	opttest.Demand(t, options, opttest.Calls[MetricOption]{
		"AccuracyThresh": of(AccuracyThresh, multi, tags), "FBeta": of(FBeta, multi, tags), "MultiLabelFbeta": of(MultiLabelFbeta, multi, tags),
		"Precision": of(Precision, multi, classes), "Recall": of(Recall, multi, classes), "ClassFBeta": of(ClassFBeta, multi, classes),
		"KappaScore": of(KappaScore, multi, classes), "Dice": of(Dice, mask, px),
		"NewMetric": of(func(o ...MetricOption) Metric {
			return NewMetric("n", func(_, _ *Tensor) float64 { return 1 }, o...)
		}, multi, tags),
	}, "NewMetric Average") // "none" alone means something there, and a metric that has it needs columns
}

func TestPredsOptionsCount(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	batch, err := l.Data.OneBatch(data.On(data.Fix))
	must(t, err)
	options := opttest.Options[data.PredsOption]{
		"On": data.On(data.Fix), "NBatch": NBatch(1), "Activ": Activ("none"), "OfBatch": OfBatch(batch), "WithTTA": WithTTA(true), "TTAScale": TTAScale(2), "Beta": Beta(.9),
	}
	opttest.Complete(t, ".", options, "data.PredsOption", "BetaOption")
	opttest.Demand(t, options, opttest.Calls[data.PredsOption]{
		"GetPreds": func(o ...data.PredsOption) (any, error) {
			p, _, err := l.GetPreds(o...)
			return rowsOf(p), err
		},
		"PredBatch": func(o ...data.PredsOption) (any, error) {
			p, err := l.PredBatch(o...)
			return rowsOf(p), err
		},
		"Validate": func(o ...data.PredsOption) (any, error) { return l.Validate(o...) },
		"Interpret": func(o ...data.PredsOption) (any, error) {
			in, err := l.Interpret(o...)
			if err != nil {
				return nil, err
			}
			return rowsOf(in.Preds), nil
		},
	}, "Interpret WithTTA") // these pictures have no transforms: vision's tests see it
}

func TestPredictOptionsCount(t *testing.T) {
	options := opttest.Options[PredictOption]{"Thresh": Thresh(.99999)}
	opttest.Complete(t, ".", options, "PredictOption", "ThreshOption")
	several := quickLearner(t, datasets.NewPath(t.TempDir()))
	d, err := data.NewItemList(drawingKind{}, datasets.NewPath(t.TempDir()), []string{"0", "1", "2", "3", "4", "5"}).SplitByIdx([]int{1}).
		LabelFromFunc(func(p datasets.Path) string { return fmt.Sprint(p.Name() > "2") }).DataBunch(data.BS(2))
	must(t, err)
	net, groups, err := smallResNet(d)
	must(t, err)
	one, err := NewLearner(d, net, groups, Silent(true))
	must(t, err)
	calls := opttest.Calls[PredictOption]{}
	for name, l := range map[string]*Learner{"several labels": several, "one class": one} {
		calls["Predict of "+name] = func(o ...PredictOption) (any, error) {
			p, err := l.Predict("3", o...)
			return p.Class, err
		}
		calls["PredictWith of "+name] = func(o ...PredictOption) (any, error) {
			ps, err := l.Model.PredictWith(context.Background(), []any{"3"}, o...)
			if err != nil {
				return nil, err
			}
			return ps[0].Class, nil
		}
	}
	opttest.Demand(t, options, calls)
	if _, err := one.ShowResults(Thresh(.3)); err == nil || !strings.Contains(err.Error(), "Thresh has no effect") {
		t.Error("ShowResults of one class:", err)
	}
}

func rowsOf(t *Tensor) any {
	if t == nil {
		return nil
	}
	return t.Float32s()
}

func TestShowAndPlotOptionsCount(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	in, err := l.Interpret()
	must(t, err)
	options := opttest.Options[data.ShowOption]{
		"On": data.On(data.Fix), "Rows": data.Rows(1), "WithY": data.WithY(data.Float{}), "Alpha": data.Alpha(.1), "Title": data.Title("T"), "FigSize": data.FigSize(2, 2),
		"Thresh": Thresh(.99999), "WithHeatmap": WithHeatmap(true),
	}
	opttest.Complete(t, ".", options, "data.ShowOption", "ThreshOption")
	seen := func(f *plotting.Figure, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		table, _ := f.Render().Data["text/html"].(string)
		if f.Image() != nil {
			table = string(f.PNG()) // the HTML of charts has a name of its own each time
		}
		return f.String() + table, nil
	}
	opttest.Demand(t, options, opttest.Calls[data.ShowOption]{
		"LabelTable": func(o ...data.ShowOption) (any, error) { return seen(in.LabelTable(o...)) },
	})
	// What pictures do with Alpha and FigSize, vision's tests see.
	opttest.Demand(t, options, opttest.Calls[data.ShowOption]{
		"ShowResults":   func(o ...data.ShowOption) (any, error) { return seen(l.ShowResults(o...)) },
		"PlotTopLosses": func(o ...data.ShowOption) (any, error) { return seen(in.PlotTopLosses(2, o...)) },
	}, "Alpha", "FigSize", "WithHeatmap")

	l2, _ := fakeLearner(t, 30, 1, 1, 1, .5, .4, .3, .35, .5, .9)
	must(t, l2.Fit(1, LR(1e-3)))
	plots := opttest.Options[data.PlotOption]{"SkipStart": SkipStart(3), "SkipEnd": SkipEnd(2), "Suggestion": Suggestion(true), "ShowMoms": ShowMoms(true), "FigSize": data.FigSize(2, 2)}
	opttest.Complete(t, ".", plots, "data.PlotOption")
	opttest.Demand(t, plots, opttest.Calls[data.PlotOption]{
		"Plot":        func(o ...data.PlotOption) (any, error) { return seen(l2.Recorder.Plot(o...)) },
		"PlotLosses":  func(o ...data.PlotOption) (any, error) { return seen(l2.Recorder.PlotLosses(o...)) },
		"LossLines":   func(o ...data.PlotOption) (any, error) { return l2.Recorder.LossLines(o...) },
		"PlotLR":      func(o ...data.PlotOption) (any, error) { return seen(l2.Recorder.PlotLR(o...)) },
		"PlotMetrics": func(o ...data.PlotOption) (any, error) { return seen(l2.Recorder.PlotMetrics(o...)) },
	})
}

func TestTrackOptionsCount(t *testing.T) {
	options := opttest.Options[TrackOption]{
		"Monitor": Monitor("train_loss"), "Lower": Lower(false), "MinDelta": MinDelta(1.5), "Patience": Patience(2), "Factor": Factor(.5), "MinLR": MinLR(5), "EveryEpoch": EveryEpoch(true),
	}
	opttest.Complete(t, ".", options, "TrackOption")
	with := func(cb func(o ...TrackOption) Callback) func(o ...TrackOption) (any, error) {
		return func(o ...TrackOption) (any, error) {
			l, e := fakeLearner(t, 1, 1, 1, 9, 8, 7, 6, 5, 4, 3, 2)
			err := l.Fit(8, LR(1), Callbacks(script(e, 5, 4, 3.9, 6, 6.5, 4.5, 7, 8), cb(o...)))
			saved, _ := l.Path.Join("models").Ls()
			var names []string
			for _, p := range saved {
				names = append(names, p.Name())
			}
			slices.Sort(names)
			return fmt.Sprint(len(l.Recorder.ValLosses), l.Recorder.LRs, names, e.weight), err
		}
	}
	opttest.Demand(t, options, opttest.Calls[TrackOption]{
		"EarlyStopping": with(EarlyStopping), "ReduceLROnPlateau": with(ReduceLROnPlateau),
		"SaveModel": with(func(o ...TrackOption) Callback { return SaveModel("best", o...) }),
	})
	opttest.Demand(t, options, opttest.Calls[TrackOption]{
		"SaveModel": with(func(o ...TrackOption) Callback { return SaveModel("best", append(o, EveryEpoch(true))...) }),
	}, "EveryEpoch")
}

func TestSaveAndLoadOptionsCount(t *testing.T) {
	l := quickLearner(t, datasets.NewPath(t.TempDir()))
	must(t, l.Fit(1, LR(1e-3)))
	must(t, l.Save("whole"))
	save := opttest.Options[SaveOption]{"WithOpt": WithOpt(false), "Strict": Strict(false)}
	opttest.Complete(t, ".", save, "SaveOption")
	opttest.Demand(t, save, opttest.Calls[SaveOption]{
		"Save": func(o ...SaveOption) (any, error) {
			err := l.Save("again", o...)
			all, _, _ := readModel("test", l.ModelFile("again"))
			return len(all), err
		},
	})
	opttest.Demand(t, save, opttest.Calls[SaveOption]{
		"Load": func(o ...SaveOption) (any, error) {
			err := l.Load("whole", o...)
			return l.eng.HasOptimizer(), err
		},
	}, "Strict")
	r := resnetLearner(t, l.Path)
	must(t, r.Export())
	must(t, r.Export("other"))
	load := opttest.Options[LoadOption]{"TestItems": TestItems(data.NewItemList(drawingKind{}, l.Path, []string{"1"})), "File": File("other"), "With": With(Silent(true))}
	opttest.Complete(t, ".", load, "LoadOption")
	loaded := func(p datasets.Path) func(o ...LoadOption) (any, error) {
		return func(o ...LoadOption) (any, error) {
			got, err := LoadLearner(p, o...)
			if err != nil {
				return nil, err
			}
			return fmt.Sprint(got.Data.HasTest(), got.Silent), nil
		}
	}
	opttest.Demand(t, load, opttest.Calls[LoadOption]{"LoadLearner of a file": loaded(l.Path.Join(exportFile)), "LoadLearner": loaded(l.Path)}, "LoadLearner File")
	// A model answers without a learner; of a learner's options it takes its device and its loss.
	model := func(more ...LearnerOption) func(o ...LoadOption) (any, error) {
		return func(o ...LoadOption) (any, error) {
			m, err := LoadModel(l.Path, append(o, With(more...))...)
			if err != nil {
				return nil, err
			}
			defer m.Close()
			return fmt.Sprint(m.Loss().Name, m.Examples()), nil
		}
	}
	load["With"], load["File"] = With(LossFunc(nn.MSELossFlat)), File("examples")
	must(t, r.ExportWith(File("examples"), ExampleTexts("one")))
	opttest.Demand(t, load, opttest.Calls[LoadOption]{"LoadModel": model()})
	for name, o := range map[string]LearnerOption{
		"Metrics": Metrics(Accuracy()), "Callbacks": Callbacks(ShowGraph()), "ModelPath": ModelPath(l.Path), "ModelDir": ModelDir("m"), "OptFunc": OptFunc("sgd"), "WD": WD(.3),
		"TrainBN": TrainBN(false), "BNWD": BNWD(false), "TrueWD": TrueWD(false), "Silent": Silent(true), "PS": PS(.3),
	} {
		if _, err := model(o)(); err == nil || !strings.Contains(err.Error(), "option "+name+" has no effect") || !strings.Contains(err.Error(), "(try LoadLearner)") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFP16OptionsCount(t *testing.T) {
	options := opttest.Options[FP16Option]{
		"BF16": BF16(), "LossScale": LossScale(64), "MaxNoskip": MaxNoskip(2), "Dynamic": Dynamic(false), "MaxScale": MaxScale(128),
	}
	opttest.Complete(t, ".", options, "FP16Option")
	l, e := fakeLearner(t, 1, 1, 1)
	mixed := func(before ...FP16Option) func(o ...FP16Option) (any, error) {
		return func(o ...FP16Option) (any, error) {
			if err := l.ToFP16(append(before[:len(before):len(before)], o...)...); err != nil {
				return nil, err
			}
			if l.scale == nil {
				return e.scale, nil
			}
			return fmt.Sprint(e.scale, *l.scale), nil
		}
	}
	opttest.Demand(t, options, opttest.Calls[FP16Option]{"ToFP16": mixed(), "ToFP16 with BF16": mixed(BF16())}, "ToFP16 with BF16 BF16")
}

func TestExportOptionsCount(t *testing.T) {
	r := resnetLearner(t, datasets.NewPath(t.TempDir()))
	must(t, r.Path.Join("a.txt").WriteText("an example"))
	options := opttest.Options[ExportOption]{"File": File("other"), "Examples": Examples(r.Path.Join("a.txt")), "ExampleTexts": ExampleTexts("one")}
	opttest.Complete(t, ".", options, "ExportOption", "FileOption")
	opttest.Demand(t, options, opttest.Calls[ExportOption]{"ExportWith": func(o ...ExportOption) (any, error) {
		_ = os.Remove(r.Path.Join(exportFile).String())
		if err := r.ExportWith(o...); err != nil {
			return nil, err
		}
		if !r.Path.Join(exportFile).Exists() {
			return "another file", nil
		}
		m, err := LoadModel(r.Path.Join(exportFile))
		if err != nil {
			return nil, err
		}
		defer m.Close()
		return fmt.Sprint(m.Examples()), nil
	}})
}

func TestLearnerOptionsCount(t *testing.T) {
	options := opttest.Options[LearnerOption]{
		"Metrics": Metrics(ErrorRate()), "LossFunc": LossFunc(nn.MSELossFlat), "OptFunc": OptFunc("sgd"), "TrainBN": TrainBN(false), "BNWD": BNWD(false), "TrueWD": TrueWD(false),
		"ModelPath": ModelPath(datasets.NewPath("elsewhere")), "ModelDir": ModelDir("m"), "Silent": Silent(false), "OnDevice": OnDevice("host"), "WD": WD(.2),
		"Callbacks":  Callbacks(Callback{Name: "test", BeforeFit: func(*Learner) error { return errors.New("Callbacks (try none)") }}),
		"Pretrained": Pretrained(false), "PS": PS(.3), "LinFtrs": LinFtrs(7),
	}
	opttest.Complete(t, ".", options, "LearnerOption", "WDOption", "CallbackOption")
	ts := goldenTensors(t, "trajectories.safetensors")
	opttest.Demand(t, options, opttest.Calls[LearnerOption]{
		"NewLearner": func(o ...LearnerOption) (any, error) {
			net := trajectoryNet()
			d := &data.DataBunch{Loss: nn.CrossEntropyFlat, Path: datasets.NewPath("p")}
			l, err := NewLearner(d, net, nil, append([]LearnerOption{Silent(true), WD(.5)}, o...)...)
			if err != nil {
				return nil, err
			}
			defer l.eng.Close()
			must(t, l.eng.LoadState(under(ts, "cnn/init/"), true))
			l.groups = [][]*nn.Param{nn.AllParams(net)}
			where := fmt.Sprint(l.Path, l.ModelDir, l.Silent, len(l.Metrics), l.Loss.Name, l.WD, l.cfg.Device, l.cfg.TrainBN)
			l.Silent = true
			l.feeds = map[data.DSType]feed{data.Train: tensorFeed{ts["cnn/x"].Slice(0, 8), ts["cnn/y"].Slice(0, 8), 8}}
			if l.Loss.Name == nn.MSELossFlat.Name {
				return where, nil
			}
			if err := l.Fit(1, LR(1e-1)); err != nil {
				return nil, err
			}
			state, err := l.StateDict()
			if err != nil {
				return nil, err
			}
			return fmt.Sprint(where, state["1.2.weight"].Float32s()), nil
		},
	})
}

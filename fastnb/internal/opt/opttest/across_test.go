package opttest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/internal/opt/opttest"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/text"
	"github.com/fastnb/go/fastnb/vision"
)

// The options of several packages given to the calls of all of them: an option of texts given to pictures is
// refused, and the other way round. What each does where it belongs, the tables of its package see too.

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pictures is a folder with train/, valid/ and test/ of small digits, labels.csv and more.csv.
func pictures(t *testing.T) datasets.Path {
	t.Helper()
	dir := datasets.NewPath(t.TempDir()).Join("d")
	must(t, datasets.SampleData("mnist_tiny", dir, 40))
	csv, err := dir.Join("labels.csv").ReadText()
	must(t, err)
	lines := strings.SplitAfter(csv, "\n")
	must(t, dir.Join("more.csv").WriteText(strings.Join(lines[:len(lines)/2], "")))
	return dir
}

// texts is a table of short reviews, and a folder with them in train/, valid/ and test/ and in files of tables.
func texts(t *testing.T) (*data.Table, datasets.Path) {
	t.Helper()
	dir := datasets.NewPath(t.TempDir())
	var labels, words, valid []string
	for i := range 40 {
		label := []string{"awful", "lovely"}[i%3/2]
		s := strings.Repeat(fmt.Sprintf("Film number %d was %s! ", i%7, label), 1+i%3)
		labels, words, valid = append(labels, label), append(words, s), append(valid, []string{"False", "True"}[i%4/3])
		file := dir.Join([]string{"train", "train", "valid", "test"}[i%4], label, fmt.Sprint(i, ".txt"))
		must(t, file.Parent().Mkdir())
		must(t, file.WriteText(s))
	}
	tab, err := data.NewTable("label", labels, "text", words, "is_valid", valid)
	must(t, err)
	must(t, tab.ToCSV(dir.Join("texts.csv")))
	must(t, tab.ToCSV(dir.Join("test.csv")))
	return tab, dir
}

func TestLearnerOptionsAcross(t *testing.T) {
	t.Setenv("FASTNB_OFFLINE", "1")
	t.Setenv("FASTNB_HOME", t.TempDir())
	path := pictures(t)
	pics, err := vision.ImageDataBunchFromFolder(path, data.Size(32), data.BS(4))
	must(t, err)
	tab, dir := texts(t)
	lm, err := text.TextLMDataBunchFromTable(dir, tab, tab, data.Cols("text"), text.MinFreq(1), data.BS(4), data.BPTT(9))
	must(t, err)
	clas, err := text.TextDataBunchFromTable(dir, tab, tab, data.Cols("text"), data.LabelCols("label"), text.MinFreq(1), data.BS(4))
	must(t, err)
	config, other := models.LMConfig(), models.LMConfig()
	config.EmbSz, config.NHid, config.NLayers = 6, 8, 2
	other.EmbSz, other.NHid = 7, 9
	options := opttest.Options[fastnb.LearnerOption]{
		"Metrics": fastnb.Metrics(fastnb.ErrorRate()), "LossFunc": fastnb.LossFunc(nn.MSELossFlat), "OptFunc": fastnb.OptFunc("sgd"), "TrainBN": fastnb.TrainBN(false),
		"BNWD": fastnb.BNWD(false), "TrueWD": fastnb.TrueWD(false), "ModelPath": fastnb.ModelPath(datasets.NewPath("elsewhere")), "ModelDir": fastnb.ModelDir("m"),
		"Silent": fastnb.Silent(false), "OnDevice": fastnb.OnDevice("host"), "WD": fastnb.WD(.2), "Callbacks": fastnb.Callbacks(fastnb.Callback{Name: "test"}),
		"Pretrained": fastnb.Pretrained(true), "PS": fastnb.PS(.3), "LinFtrs": fastnb.LinFtrs(7),
		"Cut": vision.Cut(6), "SplitOn": vision.SplitOn(3), "CustomHead": vision.CustomHead(nn.NewSequential(nn.NewGlobalPool(true, false), nn.NewFlatten(), nn.NewLinear(64, 2))),
		"BNFinal": vision.BNFinal(true), "YRange": vision.YRange(0, 1), "ConcatPool": vision.ConcatPool(false), "Bottle": vision.Bottle(true), "Blur": vision.Blur(true),
		"BlurFinal": vision.BlurFinal(false), "SelfAttention": vision.SelfAttention(true), "LastCross": vision.LastCross(false), "NormType": vision.NormType(nn.NormTypeBatch), "OldUnet": vision.OldUnet(true),
		"DropMult": text.DropMult(.9), "Config": text.Config(other), "ClipGrad": text.ClipGrad(.1), "AlphaAR": text.AlphaAR(5), "BetaTAR": text.BetaTAR(9), "CutAt": text.CutAt(3),
		"MaxLen": text.MaxLen(9), "PretrainedFiles": text.PretrainedFiles("a", "b"),
	}
	opttest.Complete(t, "../../../.", options, "LearnerOption", "WDOption", "CallbackOption")
	opttest.Complete(t, "../../../vision", options, "fastnb.LearnerOption")
	opttest.Complete(t, "../../../text", options, "fastnb.LearnerOption")
	seen := func(l *fastnb.Learner, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		defer l.Destroy()
		spec, metrics := "none", ""
		for _, m := range l.Metrics {
			metrics += m.Name + " "
		}
		if l.Spec() != nil {
			spec = string(l.Spec().Config)
		}
		return fmt.Sprint(l, spec, l.WD, len(l.Callbacks), metrics, l.Loss.Name, l.Path, l.ModelDir, l.Silent, l.LayerGroups()), nil
	}
	first := func(o []fastnb.LearnerOption, more ...fastnb.LearnerOption) []fastnb.LearnerOption {
		return slices.Concat([]fastnb.LearnerOption{fastnb.Pretrained(false), fastnb.Silent(true)}, more, o)
	}
	// How a fit goes with OptFunc and the like, the table of the learner's own package sees; that a file is
	// missing is an error of its own.
	opttest.Demand(t, options, opttest.Calls[fastnb.LearnerOption]{
		"CNNLearner": func(o ...fastnb.LearnerOption) (any, error) {
			return seen(vision.CNNLearner(pics, models.ResNet18, first(o, vision.Cut(5))...))
		},
		"UnetLearner": func(o ...fastnb.LearnerOption) (any, error) {
			return seen(vision.UnetLearner(pics, models.ResNet18, first(o, vision.Cut(5))...))
		},
		"LanguageModelLearner": func(o ...fastnb.LearnerOption) (any, error) {
			l, err := text.LanguageModelLearner(lm, models.AWDLSTM, first(o, text.Config(config))...)
			if err != nil {
				return nil, err
			}
			return seen(l.Learner, nil)
		},
		"TextClassifierLearner": func(o ...fastnb.LearnerOption) (any, error) {
			l, err := text.TextClassifierLearner(clas, models.AWDLSTM, first(o, text.Config(config))...)
			if err != nil {
				return nil, err
			}
			return seen(l.Learner, nil)
		},
		"NewLearner": func(o ...fastnb.LearnerOption) (any, error) {
			net := nn.NewSequential(nn.NewGlobalPool(true, true), nn.NewFlatten(), nn.NewLinear(6, pics.C))
			nn.NamePaths(net, "")
			return seen(fastnb.NewLearner(pics, net, nil, append([]fastnb.LearnerOption{fastnb.Silent(true)}, o...)...))
		},
	}, "OptFunc", "TrainBN", "BNWD", "TrueWD", "OnDevice", "CNNLearner Pretrained", "UnetLearner Pretrained", "LanguageModelLearner Pretrained", "TextClassifierLearner Pretrained")
}

// fromOptions are the options of lists, of all packages.
func fromOptions(t *testing.T) opttest.Options[data.FromOption] {
	options := opttest.Options[data.FromOption]{
		"Folder": data.Folder("f"), "Suffix": data.Suffix(".x"), "Col": data.Col(0), "Cols": data.Cols(0), "Recurse": data.Recurse(false), "Include": data.Include("valid"),
		"Exclude": data.Exclude("valid"), "Extensions": data.Extensions(".csv"), "SkipMissing": data.SkipMissing(true), "Delimiter": data.Delimiter(";"), "Header": data.Header(false),
		"Encoding":  data.Encoding("none"),
		"ForKind":   data.ForKind(func(k data.Kind) (data.Kind, error) { return k, fmt.Errorf("ForKind was asked (try none)") }),
		"WithVocab": text.WithVocab([]string{"xxunk", "xxpad", "film"}), "MaxVocab": text.MaxVocab(len(data.SpecialTokens()) + 1), "MinFreq": text.MinFreq(200),
		"MarkFields": text.MarkFields(true), "IncludeBOS": text.IncludeBOS(false), "IncludeEOS": text.IncludeEOS(true), "WithTokenizer": text.WithTokenizer(text.NewTokenizer(text.PostRules())),
		"UseEXIF": vision.UseEXIF(true),
	}
	opttest.Complete(t, "../../../data", options, "FromOption", "CSVFormatOption", "EncodingOption")
	opttest.Complete(t, "../../../text", options, "data.FromOption")
	opttest.Complete(t, "../../../vision", options, "EXIFOption")
	return options
}

func TestListOptionsAcross(t *testing.T) {
	path := pictures(t)
	labels, err := data.ReadCSV(path.Join("labels.csv"))
	must(t, err)
	one, err := path.Join("test").Ls()
	must(t, err)
	digit, err := one[0].ReadText()
	must(t, err)
	must(t, path.Join("0.png").WriteText(digit)) // a picture outside the folders
	tab, dir := texts(t)
	options := fromOptions(t)
	refs := func(l *data.ItemList) (any, error) {
		if l.Err() != nil {
			return nil, l.Err()
		}
		return fmt.Sprint(l.Items(), l.Kind().Name()), nil
	}
	words := func(l *data.ItemList) (any, error) {
		d, err := l.SplitNone().LabelForLM().DataBunch(data.BS(1), data.BPTT(2))
		if err != nil {
			return nil, err
		}
		x, _, err := d.TrainDS.At(0)
		return fmt.Sprint(d.TrainDS.Len(), d.Vocab.Itos, x), err
	}
	// Tables whose files, rows or columns an option cannot find are errors of their own, which name what is
	// missing; that pictures are turned TestEXIF sees.
	opttest.Demand(t, options, opttest.Calls[data.FromOption]{
		"ImageListFromFolder":        func(o ...data.FromOption) (any, error) { return refs(vision.ImageListFromFolder(path, o...)) },
		"SegmentationListFromFolder": func(o ...data.FromOption) (any, error) { return refs(vision.SegmentationListFromFolder(path, o...)) },
		"PointsListFromFolder":       func(o ...data.FromOption) (any, error) { return refs(vision.PointsListFromFolder(path, o...)) },
		"GetImageFiles": func(o ...data.FromOption) (any, error) {
			return vision.GetImageFiles(path, append([]data.FromOption{data.Recurse(true)}, o...)...)
		},
	}, "UseEXIF", "Extensions")
	opttest.Demand(t, options, opttest.Calls[data.FromOption]{
		"ImageListFromCSV": func(o ...data.FromOption) (any, error) {
			return refs(vision.ImageListFromCSV(path, "labels.csv", o...))
		},
		"ImageListFromTable": func(o ...data.FromOption) (any, error) { return refs(vision.ImageListFromTable(path, labels, o...)) },
	}, "UseEXIF", "Folder", "Suffix", "Col", "Cols", "SkipMissing", "Delimiter", "Header")
	opttest.Demand(t, options, opttest.Calls[data.FromOption]{
		"TextListFromFolder": func(o ...data.FromOption) (any, error) { return words(text.TextListFromFolder(dir, o...)) },
		"TextListFromTable": func(o ...data.FromOption) (any, error) {
			return words(text.TextListFromTable(dir, tab, append([]data.FromOption{data.Cols("text")}, o...)...))
		},
		"TextListFromCSV": func(o ...data.FromOption) (any, error) {
			return words(text.TextListFromCSV(dir, "texts.csv", append([]data.FromOption{data.Cols("text")}, o...)...))
		},
	}, "TextListFromFolder Recurse", "TextListFromFolder Extensions", "TextListFromCSV Delimiter", "TextListFromCSV Header")
}

// factoryOptions are the options of one-line factories: those of lists, labels, transforms and batches, and their own.
func factoryOptions(t *testing.T) opttest.Options[data.FactoryOption] {
	options := opttest.Options[data.FactoryOption]{
		"DSTfms": data.DSTfms(vision.GetTransforms()), "ValidPct": data.ValidPct(.5), "TrainFolder": data.TrainFolder("valid"), "ValidFolder": data.ValidFolder("test"), "TestName": data.TestName("test"),
		"CSVLabels": data.CSVLabels("more.csv"), "SplitSeed": data.SplitSeed(9),
		"LabelDelim": data.LabelDelim("e"), "LabelCols": data.LabelCols(0), "Classes": data.Classes("x", "y"), "LabelAs": data.LabelAs(data.EmptyKind()), "FullPath": data.FullPath(true),
		"ForLabelKind": data.ForLabelKind(func(k data.LabelKind) (data.LabelKind, error) { return data.EmptyKind(), nil }),
		"Masks":        vision.Masks(vision.Div(true)),
		"Size":         data.Size(20), "SizeOf": data.SizeOf(data.Dims{H: 20, W: 18}), "TfmY": data.TfmY(true), "ResizeMethod": data.ResizeMethod(data.ResizePad), "PaddingMode": data.PaddingMode(data.PadZeros),
		"Mult": data.Mult(8), "RemoveOut": data.RemoveOut(false), "NearestPixel": data.NearestPixel(true),
		"BS": data.BS(2), "ValBS": data.ValBS(3), "Workers": data.Workers(1), "SkipBroken": data.SkipBroken(true), "BPTT": data.BPTT(7), "Backwards": data.Backwards(true),
		"PadFirst": data.PadFirst(false), "InPath": data.InPath(datasets.NewPath("elsewhere")), "CacheMB": data.CacheMB(7),
	}
	for name, o := range fromOptions(t) {
		options[name] = o
	}
	opttest.Complete(t, "../../../data", options, "FactoryOption", "LabelOption", "TransformOption", "BunchOption", "FromOption", "CSVFormatOption", "EncodingOption", "SeedOption")
	opttest.Complete(t, "../../../vision", options, "data.LabelOption")
	return options
}

func TestFactoryOptionsAcross(t *testing.T) {
	path := pictures(t)
	tab, dir := texts(t)
	fnames, err := vision.GetImageFiles(path.Join("train"), data.Recurse(true))
	must(t, err)
	labels := make([]string, len(fnames))
	for k := range labels {
		labels[k] = fnames[k].Parent().Name()
	}
	options := factoryOptions(t)
	seen := func(d *data.DataBunch, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		state, err := d.State()
		if err != nil {
			return nil, err
		}
		chain, err := json.Marshal(state)
		if err != nil {
			return nil, err
		}
		test, vocab := 0, ""
		if d.HasTest() {
			test = d.TestDS.Len()
		}
		if d.Vocab != nil {
			vocab = fmt.Sprint(d.Vocab.Itos)
		}
		return fmt.Sprint(d.TrainDS.Items(), d.ValidDS.Items(), test, d.Classes, d.LabelKind().Name(), vocab, d.BS, d.ValBS, d.BPTT, d.PadFirst, d.Backwards, d.SkipBroken, d.Path, d.Cached(), string(chain)), nil
	}
	type bunch = func(o ...data.FactoryOption) (*data.DataBunch, error)
	calls := opttest.Calls[data.FactoryOption]{}
	with := func(f bunch, before ...data.FactoryOption) func(o ...data.FactoryOption) (any, error) {
		return func(o ...data.FactoryOption) (any, error) {
			data.Seed(4)
			return seen(f(slices.Concat([]data.FactoryOption{data.BS(4)}, before, o)...))
		}
	}
	for name, f := range map[string]bunch{
		"ImageDataBunchFromFolder": func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return vision.ImageDataBunchFromFolder(path, o...)
		},
		"ImageDataBunchFromCSV": func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return vision.ImageDataBunchFromCSV(path, o...)
		},
		"ImageDataBunchFromNameFunc": func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return vision.ImageDataBunchFromNameFunc(path, fnames, func(p datasets.Path) string { return p.Parent().Name() }, o...)
		},
		"ImageDataBunchFromNameRe": func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return vision.ImageDataBunchFromNameRe(path, fnames, `/(\d)/[^/]+$`, o...)
		},
		"ImageDataBunchFromLists": func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return vision.ImageDataBunchFromLists(path, fnames, labels, o...)
		},
	} {
		calls[name] = with(f)
		calls[name+" with a size"] = with(f, data.DSTfms(vision.GetTransforms(vision.MaxZoom(1))), data.Size(28, 30))
	}
	// What is not found in the end is an error of its own, and names no option: classes that no picture has,
	// folders that were left out. Workers changes nothing but the time, and LabelFromRe of this factory looks at
	// whole paths anyway.
	except := []string{"Workers", "Classes"}
	for _, name := range []string{"ImageDataBunchFromFolder", "ImageDataBunchFromFolder with a size"} {
		except = append(except, name+" Exclude", name+" Include", name+" Extensions", name+" Recurse", name+" TrainFolder")
	}
	for _, name := range []string{"ImageDataBunchFromCSV", "ImageDataBunchFromCSV with a size"} {
		except = append(except, name+" Folder", name+" Suffix", name+" Col", name+" Cols", name+" SkipMissing", name+" Delimiter", name+" Header")
	}
	except = append(except, "ImageDataBunchFromNameRe FullPath", "ImageDataBunchFromNameRe with a size FullPath")
	opttest.Demand(t, options, calls, except...)
	options["LabelCols"], options["TestName"] = data.LabelCols(2), data.TestName("test.csv")
	cols, named := data.Cols("text"), data.LabelCols("label")
	opttest.Demand(t, options, opttest.Calls[data.FactoryOption]{
		"TextDataBunchFromFolder": with(func(o ...data.FactoryOption) (*data.DataBunch, error) { return text.TextDataBunchFromFolder(dir, o...) }),
		"TextLMDataBunchFromFolder": with(func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return text.TextLMDataBunchFromFolder(dir, o...)
		}),
		"TextDataBunchFromCSV": with(func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return text.TextDataBunchFromCSV(dir, "texts.csv", o...)
		}, cols, named),
		"TextLMDataBunchFromCSV": with(func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return text.TextLMDataBunchFromCSV(dir, "texts.csv", o...)
		}, cols),
		"TextDataBunchFromTable": with(func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return text.TextDataBunchFromTable(dir, tab, tab, o...)
		}, cols, named),
		"TextLMDataBunchFromTable": with(func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return text.TextLMDataBunchFromTable(dir, tab, tab, o...)
		}, cols),
	}, "Workers", "Classes", "Delimiter", "Header", "TextDataBunchFromFolder Exclude", "TextDataBunchFromFolder Include", "TextDataBunchFromFolder Extensions",
		"TextDataBunchFromFolder Recurse", "TextDataBunchFromFolder TrainFolder", "TextLMDataBunchFromFolder Exclude", "TextLMDataBunchFromFolder Include",
		"TextLMDataBunchFromFolder Extensions", "TextLMDataBunchFromFolder Recurse", "TextLMDataBunchFromFolder TrainFolder", "TextDataBunchFromFolder TestName", "TextLMDataBunchFromFolder TestName")
	options = opttest.Options[data.FactoryOption]{"TestName": data.TestName("test")}
	opttest.Demand(t, options, opttest.Calls[data.FactoryOption]{
		"TextDataBunchFromFolder": with(func(o ...data.FactoryOption) (*data.DataBunch, error) { return text.TextDataBunchFromFolder(dir, o...) }),
		"TextLMDataBunchFromFolder": with(func(o ...data.FactoryOption) (*data.DataBunch, error) {
			return text.TextLMDataBunchFromFolder(dir, o...)
		}),
	})
}

// GetData and its kind are a leaf's, which cannot see this package: their table is here.
func TestDataOptionsCount(t *testing.T) {
	options := opttest.Options[datasets.DataOption]{"Tiles": datasets.Tiles(7), "TwinSize": datasets.TwinSize(40, 48), "UseTwin": datasets.UseTwin(true), "OrTwin": datasets.OrTwin()}
	opttest.Complete(t, root+"/datasets", options, "DataOption")
	home := datasets.NewPath(t.TempDir())
	t.Setenv("FASTNB_MIRROR", "")
	fresh, n := "", 0
	begin := func() {
		n++
		fresh = home.Join(fmt.Sprint(n)).String()
		t.Setenv("FASTNB_HOME", fresh)
		data.Seed(1)
	}
	seen := func(p datasets.Path, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		images, err := p.Join("images").Ls()
		if err != nil {
			return nil, err
		}
		x, err := vision.OpenImage(images[0])
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(strings.TrimPrefix(p.String(), fresh), len(images), x.Size()), nil
	}
	t.Setenv("FASTNB_OFFLINE", "1")
	first := []datasets.DataOption{datasets.Tiles(4), datasets.TwinSize(24, 32)}
	twin := func(get func(o ...datasets.DataOption) (datasets.Path, error)) func(o ...datasets.DataOption) (any, error) {
		return func(o ...datasets.DataOption) (any, error) {
			begin()
			return seen(get(append(first[:2:2], o...)...))
		}
	}
	// Offline there is the twin anyway.
	opttest.Demand(t, options, opttest.Calls[datasets.DataOption]{
		"GetData": twin(func(o ...datasets.DataOption) (datasets.Path, error) { return datasets.GetData("camvid", o...) }),
		"UntarData": twin(func(o ...datasets.DataOption) (datasets.Path, error) {
			return datasets.UntarData(datasets.URLs.CamVid, o...)
		}),
	}, "UseTwin", "OrTwin")
	opttest.Demand(t, options, opttest.Calls[datasets.DataOption]{
		"SampleData": func(o ...datasets.DataOption) (any, error) {
			begin()
			dir := datasets.NewPath(fresh).Join("s")
			return seen(dir, datasets.SampleData("camvid", dir, 4, append([]datasets.DataOption{datasets.TwinSize(24, 32)}, o...)...))
		},
	})
	// A twin whose pictures have one size says so.
	begin()
	if _, err := datasets.GetData("mnist_tiny", datasets.TwinSize(40, 40)); err == nil || !strings.Contains(err.Error(), "cannot be of another size") {
		t.Error(err)
	}
	begin()
	if _, err := datasets.GetData("camvid", datasets.Tiles(-1)); err == nil || !strings.Contains(err.Error(), "Tiles(-1)") {
		t.Error(err)
	}
	if err := datasets.SampleData("camvid", home.Join("fewer"), -4); err == nil || !strings.Contains(err.Error(), "-4 items (try 0") {
		t.Error(err)
	}
	// Where the set's address does not answer, UseTwin and OrTwin have the twin drawn.
	t.Setenv("FASTNB_OFFLINE", "")
	lost := datasets.URL{Name: "camvid", Address: "http://127.0.0.1:1/camvid.tgz"}
	for name, o := range map[string]datasets.DataOption{"UseTwin": options["UseTwin"], "OrTwin": options["OrTwin"]} {
		begin()
		if _, err := datasets.UntarData(lost, first...); err == nil {
			t.Fatal("an address that does not answer gives data")
		}
		if got, err := seen(datasets.UntarData(lost, append(first[:2:2], o)...)); err != nil || !strings.Contains(got.(string), "twin") {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

package data

import (
	"fmt"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/internal/opt/opttest"
)

// Every option changes what a call gives, or is refused with a hint.

func TestListOptionsCount(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.num": "1", "sub/b.num": "2", "sub/b.dat": "3", "c": "4", "other/d.num": "5",
		"t.csv": "a.num,c\n0,sub/b.num\n",
	})
	files := folder(t, map[string]string{"t.csv": "name,also\nb,c\n", "b": "1", "b.num": "2", "c": "3", "in/b": "4"})
	gone := folder(t, map[string]string{"t.csv": "name,also\nb,c\nx,c\n", "b": "1"})
	table, err := ReadCSV(files.Join("t.csv"))
	if err != nil {
		t.Fatal(err)
	}
	missing, err := ReadCSV(gone.Join("t.csv"))
	if err != nil {
		t.Fatal(err)
	}
	options := opttest.Options[FromOption]{
		"Folder": Folder("in"), "Suffix": Suffix(".num"), "Col": Col(1), "Cols": Cols(1), "Recurse": Recurse(false),
		"Include": Include("sub"), "Exclude": Exclude("sub"), "Extensions": Extensions(".dat"), "SkipMissing": SkipMissing(true),
		"Delimiter": Delimiter(";"), "Header": Header(false),
		"ForKind": ForKind(func(k Kind) (Kind, error) { return k, fmt.Errorf("ForKind was asked (try none)") }),
	}
	refs := func(l *ItemList) (any, error) {
		if l.err != nil {
			return nil, l.err
		}
		return append([]string{l.kind.Name()}, l.refs...), nil
	}
	opttest.Complete(t, ".", options, "FromOption", "CSVFormatOption")
	// Which files there are tells what an option did: an absent one is an error that names it, so that calls
	// on tables name what they looked for instead.
	looked := func(l *ItemList) (any, error) {
		if l.err != nil && (l.err.Error() == "" || len(l.refs) > 0) {
			return nil, l.err
		}
		return refs(l)
	}
	opttest.Demand(t, options, opttest.Calls[FromOption]{
		"ListFromFolder": func(o ...FromOption) (any, error) { return refs(ListFromFolder(fileKind{}, dir, o...)) },
	})
	opttest.Demand(t, options, opttest.Calls[FromOption]{
		"ListFromTable of files": func(o ...FromOption) (any, error) { return looked(ListFromTable(fileKind{}, files, table, o...)) },
		"ListFromTable":          func(o ...FromOption) (any, error) { return looked(ListFromTable(rowKind{}, files, table, o...)) },
	}, "ListFromTable of files SkipMissing")
	opttest.Demand(t, options, opttest.Calls[FromOption]{
		"ListFromCSV": func(o ...FromOption) (any, error) { return looked(ListFromCSV(rowKind{}, files, "t.csv", o...)) },
	}, "Delimiter", "Header") // of a comma table they are errors of their own
	if got := ListFromTable(fileKind{}, gone, missing, SkipMissing(true)); got.Err() != nil || got.Len() != 1 {
		t.Error("SkipMissing:", got)
	}
	if got := ListFromCSV(rowKind{}, dir, "t.csv", Header(false)); got.Err() != nil || got.Len() != 2 {
		t.Error("Header:", got)
	}
	if got := ListFromCSV(rowKind{}, dir, "t.csv", Delimiter(";")); got.Err() != nil || got.Len() != 1 || got.refs[0] != "0,sub/b.num" {
		t.Error("Delimiter:", got)
	}
}

func TestBunchOptionsCount(t *testing.T) {
	options := opttest.Options[BunchOption]{
		"BS": BS(2), "ValBS": ValBS(3), "Workers": Workers(1), "SkipBroken": SkipBroken(true), "BPTT": BPTT(7),
		"Backwards": Backwards(true), "PadFirst": PadFirst(false), "InPath": InPath(datasets.NewPath("elsewhere")),
		"CacheMB": CacheMB(7),
	}
	opttest.Complete(t, ".", options, "BunchOption")
	l := rows(8).SplitByIdx([]int{6, 7}).LabelFromFunc(parity)
	opttest.Demand(t, options, opttest.Calls[BunchOption]{"DataBunch": func(o ...BunchOption) (any, error) {
		d, err := l.DataBunch(append([]BunchOption{BS(4)}, o...)...)
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(d.BS, d.ValBS, d.SkipBroken, d.Path, d.BPTT, d.Backwards, d.PadFirst, d.Cached()), nil
	}}, "Workers") // of which results do not depend
}

func TestLabelOptionsCount(t *testing.T) {
	table, err := parseCSV("name,tag,more\n1,a b,1\n2,b,0\n3,a,1\n4,b,1\n", csvConfig{comma: ',', header: true})
	if err != nil {
		t.Fatal(err)
	}
	p := datasets.NewPath("p")
	options := opttest.Options[LabelOption]{
		"LabelDelim": LabelDelim(" "), "LabelCols": LabelCols(2), "Classes": Classes("b", "a", "a b", "q12"),
		"LabelAs": LabelAs(EmptyKind()), "FullPath": FullPath(true),
		"ForLabelKind": ForLabelKind(func(LabelKind) (LabelKind, error) { return EmptyKind(), nil }),
	}
	opttest.Complete(t, ".", options, "LabelOption")
	seen := func(l *LabelLists) (any, error) {
		if l.err != nil {
			return nil, l.err
		}
		return fmt.Sprint(l.kind.Name(), l.kind.Classes(), l.Train.y, l.Valid.y), nil
	}
	split := func() *SplitList { return ListFromTable(rowKind{}, p, table).SplitByIdx([]int{3}) }
	named := NewItemList(rowKind{}, p, []string{"p/a b/q12", "p/b/q12", "p/a/q12", "p/a/q12"}).SplitByIdx([]int{3})
	opttest.Demand(t, options, opttest.Calls[LabelOption]{
		"LabelFromTable":  func(o ...LabelOption) (any, error) { return seen(split().LabelFromTable(o...)) },
		"LabelFromFolder": func(o ...LabelOption) (any, error) { return seen(named.LabelFromFolder(o...)) },
		"LabelFromRe":     func(o ...LabelOption) (any, error) { return seen(named.LabelFromRe(`^.*?([a-z0-9 ]+)`, o...)) },
		"LabelConst":      func(o ...LabelOption) (any, error) { return seen(named.LabelConst("a b", o...)) },
		"LabelFromLists": func(o ...LabelOption) (any, error) {
			return seen(named.LabelFromLists([]string{"a b", "b", "a"}, []string{"a"}, o...))
		},
		"LabelFromFunc": func(o ...LabelOption) (any, error) {
			return seen(named.LabelFromFunc(func(q datasets.Path) string { return q.Parent().Name() }, o...))
		},
	})
}

func TestTransformOptionsCount(t *testing.T) {
	options := opttest.Options[TransformOption]{
		"Size": Size(8), "SizeOf": SizeOf(Dims{8, 9}), "TfmY": TfmY(true), "ResizeMethod": ResizeMethod(ResizePad),
		"PaddingMode": PaddingMode(PadZeros), "Mult": Mult(8), "RemoveOut": RemoveOut(false), "NearestPixel": NearestPixel(true),
	}
	opttest.Complete(t, ".", options, "TransformOption")
	src := rows(6).SplitByIdx([]int{5}).LabelConst(1.)
	args := func(l *LabelLists) (any, error) {
		if l.err != nil {
			return nil, l.err
		}
		a := l.pipe.args
		return fmt.Sprint(a.Height, a.Width, a.TfmY, a.Method, a.Padding, a.RemoveOut, a.Nearest), nil
	}
	opttest.Demand(t, options, opttest.Calls[TransformOption]{
		"Transform without transforms": func(o ...TransformOption) (any, error) { return args(src.Transform(nil, o...)) },
		"Transform":                    func(o ...TransformOption) (any, error) { return args(src.Transform(noise{}, o...)) },
		"Transform with a size": func(o ...TransformOption) (any, error) {
			return args(src.Transform(noise{}, append([]TransformOption{Size(20)}, o...)...))
		},
	})
}

func TestSmallOptionsCount(t *testing.T) {
	l := rows(30)
	sample := opttest.Options[SampleOption]{"SplitSeed": SplitSeed(5)}
	opttest.Complete(t, ".", sample, "SampleOption", "SeedOption")
	seeded := func(f func(o ...SampleOption) any) func(o ...SampleOption) (any, error) {
		return func(o ...SampleOption) (any, error) { Seed(1); return f(o...), nil }
	}
	opttest.Demand(t, sample, opttest.Calls[SampleOption]{
		"FilterByRand":   seeded(func(o ...SampleOption) any { return l.FilterByRand(.5, o...).refs }),
		"UsePartialData": seeded(func(o ...SampleOption) any { return l.UsePartialData(.5, o...).refs }),
		"UseItems":       seeded(func(o ...SampleOption) any { return l.UseItems(9, o...).refs }),
		"SplitByRandPct": seeded(func(o ...SampleOption) any { return l.SplitByRandPct(.3, o...).Train.refs }),
		"SplitShuffled":  seeded(func(o ...SampleOption) any { return l.SplitShuffled(.3, o...).Train.refs }),
		"SplitSubsets":   seeded(func(o ...SampleOption) any { return l.SplitSubsets(.3, .2, o...).Train.refs }),
	})
	dir := folder(t, map[string]string{"m.txt": "1 2\n3 4\n5 6\n"})
	matrix := opttest.Options[MatrixOption]{"SkipHeader": SkipHeader(1), "SkipFooter": SkipFooter(1), "OfShape": OfShape(3, 2)}
	opttest.Complete(t, ".", matrix, "MatrixOption")
	opttest.Demand(t, matrix, opttest.Calls[MatrixOption]{
		"LoadMatrix": func(o ...MatrixOption) (any, error) { return LoadMatrix(dir.Join("m.txt"), o...) },
	}, "OfShape") // it only checks
	if _, err := LoadMatrix(dir.Join("m.txt"), OfShape(4, 2)); err == nil {
		t.Error("OfShape checks nothing")
	}
	norm := opttest.Options[NormalizeOption]{"DoX": DoX(false), "DoY": DoY(true), "Stats": Stats{Mean: []float32{2, 2}, Std: []float32{1, 1}}}
	opttest.Complete(t, ".", norm, "NormalizeOption")
	labels := rows(6).SplitByIdx([]int{5}).LabelConst(1.)
	opttest.Demand(t, norm, opttest.Calls[NormalizeOption]{"Normalize": func(o ...NormalizeOption) (any, error) {
		l := labels.Normalize(append([]NormalizeOption{Stats{Mean: []float32{1, 1}, Std: []float32{1, 1}}}, o...)...)
		return fmt.Sprint(*l.pipe.norm), l.err
	}})
}

func TestShowOptionsCount(t *testing.T) {
	options := opttest.Options[ShowOption]{"On": On(Valid), "Rows": Rows(1), "WithY": WithY(Category{Label: "c"}), "Alpha": Alpha(.3), "Title": Title("t"), "FigSize": FigSize(1, 1)}
	opttest.Complete(t, ".", options, "ShowOption", "OnOption", "FigSizeOption")
	show := func(x Item) func(o ...ShowOption) (any, error) {
		return func(o ...ShowOption) (any, error) {
			f := x.Show(o...)
			return f.String(), f.Err()
		}
	}
	opttest.Demand(t, options, opttest.Calls[ShowOption]{
		"Category": show(Category{Label: "a"}), "MultiCategory": show(MultiCategory{Labels: []string{"a"}}), "Float": show(Float{[]float32{1}}), "EmptyLabel": show(EmptyLabel{}),
	})
	preds := opttest.Options[PredsOption]{"On": On(Valid)}
	d, err := rows(8).SplitByIdx([]int{6, 7}).LabelFromFunc(parity).DataBunch(BS(2), ValBS(2))
	if err != nil {
		t.Fatal(err)
	}
	opttest.Demand(t, preds, opttest.Calls[PredsOption]{"OneBatch": func(o ...PredsOption) (any, error) {
		Seed(1)
		b, err := d.OneBatch(o...)
		if err != nil {
			return nil, err
		}
		return b.X[0].Float32s(), nil
	}})
}

func TestFileOptionsCount(t *testing.T) {
	dir := folder(t, map[string]string{"t.csv": "a;b,c\n1;\xe9,3\n"})
	csv := opttest.Options[CSVOption]{"Delimiter": Delimiter(";"), "Header": Header(false), "Encoding": Encoding("latin1")}
	opttest.Complete(t, ".", csv, "CSVFormatOption", "EncodingOption")
	opttest.Demand(t, csv, opttest.Calls[CSVOption]{"ReadCSV": func(o ...CSVOption) (any, error) {
		tab, err := ReadCSV(dir.Join("t.csv"), append([]CSVOption{Encoding("windows-1251")}, o...)...)
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(tab.cols, tab.rows), nil
	}})
	lines := opttest.Options[LinesOption]{"Encoding": Encoding("latin1")}
	opttest.Complete(t, ".", lines, "EncodingOption")
	opttest.Demand(t, lines, opttest.Calls[LinesOption]{
		"LoadStrings": func(o ...LinesOption) (any, error) {
			return LoadStrings(dir.Join("t.csv"), append([]LinesOption{Encoding("windows-1251")}, o...)...)
		},
	})
	float := opttest.Options[FloatOption]{"LogScale": LogScale(true)}
	opttest.Complete(t, ".", float, "FloatOption")
	opttest.Demand(t, float, opttest.Calls[FloatOption]{"FloatKind": func(o ...FloatOption) (any, error) {
		l := rows(4).SplitByIdx([]int{3}).LabelFromFunc(func(datasets.Path) float64 { return 2 }, LabelAs(FloatKind(o...)))
		if l.Err() != nil {
			return nil, l.Err()
		}
		return fmt.Sprint(l.Train.y), nil
	}})
}

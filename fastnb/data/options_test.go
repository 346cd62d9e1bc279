package data

import "testing"

// Each call takes its own options only: any other does not compile, in a cell too.
func TestOptionsAreKeptApart(t *testing.T) {
	is := map[string]func(any) bool{
		"from":      func(o any) bool { _, ok := o.(FromOption); return ok },
		"csv":       func(o any) bool { _, ok := o.(CSVOption); return ok },
		"sample":    func(o any) bool { _, ok := o.(SampleOption); return ok },
		"label":     func(o any) bool { _, ok := o.(LabelOption); return ok },
		"transform": func(o any) bool { _, ok := o.(TransformOption); return ok },
		"normalize": func(o any) bool { _, ok := o.(NormalizeOption); return ok },
		"bunch":     func(o any) bool { _, ok := o.(BunchOption); return ok },
		"show":      func(o any) bool { _, ok := o.(ShowOption); return ok },
		"preds":     func(o any) bool { _, ok := o.(PredsOption); return ok },
		"plot":      func(o any) bool { _, ok := o.(PlotOption); return ok },
	}
	for _, c := range []struct {
		name   string
		option any
		of     []string
	}{
		{"Folder", Folder("x"), []string{"from"}},
		{"Delimiter", Delimiter(";"), []string{"from", "csv"}},
		{"SplitSeed", SplitSeed(1), []string{"sample"}},
		{"LabelDelim", LabelDelim(" "), []string{"label"}},
		{"Size", Size(1), []string{"transform"}},
		{"Stats", Stats{}, []string{"normalize"}},
		{"BS", BS(1), []string{"bunch"}},
		{"On", On(Test), []string{"show", "preds"}},
		{"FigSize", FigSize(1, 1), []string{"show", "plot"}},
		{"Rows", Rows(1), []string{"show"}},
	} {
		want := map[string]bool{}
		for _, n := range c.of {
			want[n] = true
		}
		for n, f := range is {
			if f(c.option) != want[n] {
				t.Errorf("%s as an option of %s: %v", c.name, n, f(c.option))
			}
		}
	}
}

package data

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
)

func TestSplits(t *testing.T) {
	path := folder(t, map[string]string{
		"train/a/1.num": "1", "train/b/2.num": "2", "valid/a/3.num": "3", "other/4.num": "4", "valid.txt": " 2.num \n\n3.num\n",
	})
	files := ListFromFolder(fileKind{}, path)
	table, err := NewTable("n", []int{0, 1, 2, 3}, "label", []string{"x", "y", "x", "y"}, "is_valid", []string{"", "True", "False", "1"})
	if err != nil {
		t.Fatal(err)
	}
	fromTable := ListFromTable(rowKind{}, path, table)
	for _, c := range []struct {
		name         string
		split        *SplitList
		train, valid string
	}{
		{"idx", rows(5).SplitByIdx([]int{3, 1}), "0 2 4", "3 1"},
		{"idxs", rows(5).SplitByIdxs([]int{4, 0}, []int{2}), "4 0", "2"},
		{"none", rows(3).SplitNone(), "0 1 2", ""},
		{"pct 0", rows(3).SplitByRandPct(0), "0 1 2", ""},
		{"folder", files.SplitByFolder("train", "valid"), "1.num 2.num", "3.num"},
		{"folder of the usual names", files.SplitByFolder(), "1.num 2.num", "3.num"},
		{"fname file", files.SplitByFnameFile("valid.txt"), "4.num 1.num", "2.num 3.num"},
		{"fname file above", ListFromFolder(fileKind{}, path.Join("train")).SplitByFnameFile("../valid.txt"), "1.num", "2.num"},
		{"files", files.SplitByFiles([]string{"4.num"}), "1.num 2.num 3.num", "4.num"},
		{"func", rows(5).SplitByValidFunc(func(p datasets.Path) bool { return p.Name() > "2" }), "0 1 2", "3 4"},
		{"table", fromTable.SplitFromTable(), "0 2", "1 3"},
		{"table by name", fromTable.SplitFromTable("is_valid"), "0 2", "1 3"},
		{"subsets", rows(10).SplitSubsets(.5, .2, SplitSeed(42)), "8 1 5 0 7", "3 6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.split.Err(); err != nil {
				t.Fatal(err)
			}
			names := func(l *ItemList) string {
				var s []string
				for _, p := range l.Items() {
					s = append(s, p.Name())
				}
				return strings.Join(s, " ")
			}
			if d := cmp.Diff(c.train+" | "+c.valid, names(c.split.Train)+" | "+names(c.split.Valid)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSplitErrors(t *testing.T) {
	path := folder(t, map[string]string{"train/1.num": "1", "test/2.num": "2", "none.txt": "7.num\n8.num\n"})
	files := ListFromFolder(fileKind{}, path)
	boom := func(datasets.Path) bool { panic("no such key") }
	all := func(datasets.Path) bool { return true }
	for _, c := range []struct {
		name  string
		split *SplitList
		words []string
	}{
		{"names nobody", files.SplitByFnameFile("none.txt"), []string{"none.txt", "none of 2 names", "2.num"}},
		{"no file of names", files.SplitByFnameFile("../valid.txt"), []string{"valid.txt", "no such file"}},
		{"one folder", files.SplitByFolder("train"), []string{`"train"`, "give two names"}},
		{"no folder", files.SplitByFolder("train", "valid"), []string{"valid", `"test", "train"`}},
		{"index", rows(3).SplitByIdx([]int{3}), []string{"item 3 of 3"}},
		{"too few", rows(3).SplitByRandPct(0.2), []string{"none of 3 items is for validation", "SplitNone"}},
		{"all valid", rows(3).SplitByValidFunc(all), []string{"none of 3 items is left for training"}},
		{"pct", rows(3).SplitByRandPct(20), []string{"20 is not in [0, 1)"}},
		{"panic", rows(3).SplitByValidFunc(boom), []string{"validation function", "no such key", ": 0:"}},
		{"no table", rows(3).SplitFromTable(), []string{"not made of a table"}},
		{"empty list", rows(0).SplitNone(), []string{"none of 0 items"}},
		{"sticky", rows(3).FilterByFolder("x").FilterByRand(.5).SplitByIdx([]int{0}), []string{`no item lies in "x"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantErr(t, c.split.Err(), c.words...)
			_, err := c.split.LabelFromFunc(parity).Transform(noise{}).Normalize().DataBunch()
			wantErr(t, err, c.words...)
		})
	}
}

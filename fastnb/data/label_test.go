package data

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/tensor"
)

// texts are the targets of a list as text.
func texts(t *testing.T, l *LabelList, k LabelKind) string {
	t.Helper()
	var s []string
	for i := range l.y {
		y, err := k.Open(l.y[i])
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, y.String())
	}
	return strings.Join(s, " ")
}

func labelTable(t *testing.T) *Table {
	t.Helper()
	tb, err := NewTable("n", []int{0, 1, 2, 3}, "tags", []string{"water haze", "clear", "clear  water clear", "fog"},
		"kind", []string{"b", "a", "b", "z"}, "size", []float64{1, 2.5, 3, 4}, "big", []int{0, 1, 1, 0}, "red", []string{"True", "false", "0", "1"}, "hole", []string{"a", "", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	return tb
}

func TestLabels(t *testing.T) {
	path := folder(t, map[string]string{"train/cat/1_x.num": "1", "train/dog/2_y.num": "2", "valid/cat/3_x.num": "3"})
	files := ListFromFolder(fileKind{}, path).SplitByFolder("train", "valid")
	table := ListFromTable(rowKind{}, path, labelTable(t)).SplitByIdx([]int{3})
	list := func() *SplitList { return rows(4).SplitByIdx([]int{3}) }
	for _, c := range []struct {
		name    string
		l       *LabelLists
		kind    string
		classes string
		ys      string
	}{
		{"delimiter", table.LabelFromTable(LabelDelim(" ")), "multi_category", "[clear haze water]", "haze;water clear clear;water | "},
		{"one column", table.LabelFromTable(LabelCols("kind")), "category", "[a b]", "b a b | "},
		{"given classes", table.LabelFromTable(LabelCols("kind"), Classes("z", "b", "a")), "category", "[z b a]", "b a b | z"},
		{"fractions", table.LabelFromTable(LabelCols("size")), "float", "[]", "1 2.5 3 | 4"},
		{"whole numbers are classes", table.LabelFromTable(LabelCols(4)), "category", "[0 1]", "0 1 1 | 0"},
		{"several columns", table.LabelFromTable(LabelCols("big", "red")), "multi_category", "[big red]", "red big big | red"},
		{"several numbers", table.LabelFromTable(LabelCols("big", "size"), LabelAs(FloatKind())), "float", "[]", "0 1 1 2.5 1 3 | 0 4"},
		{"folder", files.LabelFromFolder(), "category", "[cat dog]", "cat dog | cat"},
		{"re", files.LabelFromRe(`_(.)\.num$`), "category", "[x y]", "x y | x"},
		{"re on the path", files.LabelFromRe(`/([^/]+)/[^/]+$`, FullPath(true)), "category", "[cat dog]", "cat dog | cat"},
		{"const", list().LabelConst(0.5), "float", "[]", "0.5 0.5 0.5 | 0.5"},
		{"empty", list().LabelEmpty(), "empty", "[]", "   | "},
		{"lists", list().LabelFromLists([]string{"b", "a", "b"}, []string{"a"}), "category", "[a b]", "b a b | a"},
		{"func string", list().LabelFromFunc(parity), "category", "[even odd]", "even odd even | odd"},
		{"func string, error", list().LabelFromFunc(func(p datasets.Path) (string, error) { return p.Name(), nil }, Classes("3", "2", "1", "0")), "category", "[3 2 1 0]", "0 1 2 | 3"},
		{"func of string to Path", list().LabelFromFunc(func(s string) datasets.Path { return datasets.NewPath(s + "_P") }), "category", "[0_P 1_P 2_P]", "0_P 1_P 2_P | "},
		{"func list", list().LabelFromFunc(func(p datasets.Path) []string { return []string{p.Name(), "n"} }), "multi_category", "[0 1 2 n]", "0;n 1;n 2;n | n"},
		{"func number", list().LabelFromFunc(func(p datasets.Path) float64 { return 1.5 }), "float", "[]", "1.5 1.5 1.5 | 1.5"},
		{"func numbers", list().LabelFromFunc(func(p datasets.Path) ([]float64, error) { return []float64{1, 2}, nil }), "float", "[]", "1 2 1 2 1 2 | 1 2"},
		{"func whole number", list().LabelFromFunc(func(p datasets.Path) int { return 10 - len(p.Name()) }), "category", "[9]", "9 9 9 | 9"},
		{"numbers sort by value", rows(12).SplitByIdx([]int{0}).LabelFromFunc(func(p datasets.Path) string { return p.Name() }), "category", "[1 2 3 4 5 6 7 8 9 10 11]", "1 2 3 4 5 6 7 8 9 10 11 | "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.l.Err(); err != nil {
				t.Fatal(err)
			}
			k := c.l.LabelKind()
			if d := cmp.Diff(c.kind+" "+c.classes, k.Name()+" "+fmt.Sprint(c.l.Classes())); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.ys, texts(t, c.l.Train, k)+" | "+texts(t, c.l.Valid, k)); d != "" {
				t.Error(d)
			}
			if c.l.Train.Len() != len(c.l.Train.y) || c.l.Valid.Len() != len(c.l.Valid.y) {
				t.Error("items and labels differ in number")
			}
		})
	}
}

func TestLabelErrors(t *testing.T) {
	table := ListFromTable(rowKind{}, datasets.NewPath("."), labelTable(t)).SplitByIdx([]int{3})
	list := rows(4).SplitByIdx([]int{3})
	for _, c := range []struct {
		name  string
		l     *LabelLists
		words []string
	}{
		{"no such column", table.LabelFromTable(LabelCols("tag")), []string{`no column "tag"`, `"n", "tags", "kind"`}},
		{"column number", table.LabelFromTable(LabelCols(9)), []string{"no column 9"}},
		{"empty field", table.LabelFromTable(LabelCols("hole")), []string{`column "hole" is empty`, "1"}},
		{"columns of text", table.LabelFromTable(LabelCols("tags", "kind")), []string{"several columns", "LabelDelim"}},
		{"no table", list.LabelFromTable(), []string{"not made of a table"}},
		{"not a function", list.LabelFromFunc("x"), []string{"string is not a function"}},
		{"wrong function", list.LabelFromFunc(func(int) string { return "" }), []string{"func(int) string is not one of", "[]string"}},
		{"failing function", list.LabelFromFunc(func(p datasets.Path) (string, error) { return "", errors.New("no pose file") }), []string{": 0: no pose file"}},
		{"panicking function", list.LabelFromFunc(func(p datasets.Path) string { return strings.Split(p.Name(), "_")[1] }), []string{": 0: ", "index out of range"}},
		{"no match", list.LabelFromRe(`(x)`), []string{`"0" does not match "(x)"`}},
		{"no group", list.LabelFromRe(`x`), []string{"no group"}},
		{"no known class in training", list.LabelFromFunc(parity, Classes("prime")), []string{`"even" (2 times, first 0)`, `among the classes "prime"`}},
		{"other count of numbers", list.LabelFromFunc(func(p datasets.Path) []float64 { return make([]float64, 1+len(p.Name())*int(p.Name()[0]-'0')) }), []string{"2 numbers, the first item has 1"}},
		{"lists of other length", list.LabelFromLists([]string{"a"}, nil), []string{"1 and 0 labels for 3 training and 1 validation"}},
	} {
		t.Run(c.name, func(t *testing.T) { wantErr(t, c.l.Err(), c.words...) })
	}
}

func TestTargetTensors(t *testing.T) {
	for _, c := range []struct {
		k     LabelKind
		raw   any
		shape []int
		vals  []float64
		back  *tensor.Tensor
	}{
		{CategoryKind("a", "b"), "b", []int{}, []float64{1}, tensor.FromFloat32([]float32{.1, .9}, 2)},
		{MultiCategoryKind("a", "b", "c"), []string{"c", "a", "a"}, []int{3}, []float64{1, 0, 1}, tensor.FromFloat32([]float32{.6, .2, .5}, 3)},
		{floatKind{N: 2}, []float64{1, 2}, []int{2}, []float64{1, 2}, tensor.FromFloat32([]float32{1, 2}, 2)},
		{EmptyKind(), nil, []int{}, []float64{0}, tensor.FromFloat32([]float32{1}, 1)},
	} {
		e, err := c.k.Encode(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		y, err := c.k.Open(e)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.shape, y.Tensor().Shape()); d != "" {
			t.Error(c.k.Name(), d)
		}
		if d := cmp.Diff(c.vals, y.Tensor().Float64s()); d != "" {
			t.Error(c.k.Name(), d)
		}
		z, err := c.k.Decode(c.back, DecodeArgs{})
		if err != nil || z.String() != y.String() {
			t.Errorf("%s: %v decoded, want %v (%v)", c.k.Name(), z, y, err)
		}
	}
	if _, err := CategoryKind("a", "b").Decode(tensor.New(tensor.Float32, 3), DecodeArgs{}); err == nil {
		t.Error("3 numbers for 2 classes must fail")
	}
}

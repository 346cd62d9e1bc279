package data

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
)

// relative are the items of a list below its path.
func relative(l *ItemList) string {
	var s []string
	for _, r := range l.refs {
		s = append(s, strings.TrimPrefix(r, l.Path.String()+"/"))
	}
	return strings.Join(s, " ")
}

func TestFromFolder(t *testing.T) {
	path := folder(t, map[string]string{
		"b/2.num": "", "a/1.NUM": "", "a/x.txt": "", "a/.hidden.num": "", ".git/9.num": "", "c/deep/3.num": "", "top.num": "", "valid.txt": "",
	})
	for _, c := range []struct {
		name string
		opts []FromOption
		want string
	}{
		{"by name", nil, "a/1.NUM b/2.num c/deep/3.num top.num"},
		{"one folder", []FromOption{Recurse(false)}, "top.num"},
		{"include", []FromOption{Include("a", "c")}, "a/1.NUM c/deep/3.num"},
		{"exclude", []FromOption{Exclude("a", "c")}, "b/2.num top.num"},
		{"extensions", []FromOption{Extensions(".TXT")}, "a/x.txt valid.txt"},
	} {
		l := ListFromFolder(fileKind{}, path, c.opts...)
		if l.Err() != nil {
			t.Fatal(c.name, l.Err())
		}
		if d := cmp.Diff(c.want, relative(l)); d != "" {
			t.Error(c.name, d)
		}
	}
}

func TestFromCSV(t *testing.T) {
	path := folder(t, map[string]string{
		"t.csv": "name,tags\na,x y\nb,z\n", "img/a.num": "1", "img/b.num": "2", "semi.csv": "1;a\n2;b\n", "absent.csv": "name,tags\na,x\nb,y\nq,z\n", "hole.csv": "name,tags\na,x\n,y\n",
	})
	in := []FromOption{Folder("img"), Suffix(".num")}
	l := ListFromCSV(fileKind{}, path, "t.csv", in...)
	if d := cmp.Diff("img/a.num img/b.num", relative(l)); d != "" || l.Err() != nil || l.Table().Len() != 2 {
		t.Fatal(d, l.Err())
	}
	x, err := l.Get(-1)
	if err != nil || x.String() != "2" {
		t.Error(x, err)
	}
	l = ListFromCSV(fileKind{}, path, "semi.csv", Delimiter(";"), Header(false), Col(1), Folder("img"), Suffix(".num"))
	if d := cmp.Diff("img/a.num img/b.num", relative(l)); d != "" || l.Err() != nil {
		t.Error(d, l.Err())
	}
	l = ListFromCSV(fileKind{}, path, "absent.csv", append(in, SkipMissing(true))...)
	if d := cmp.Diff("img/a.num img/b.num", relative(l)); d != "" || l.Err() != nil || l.Table().Len() != 2 {
		t.Error(d, l.Err())
	}
	// Rows that carry their labels along keep them through splits.
	s := ListFromCSV(fileKind{}, path, "t.csv", in...).SplitByIdx([]int{0}).LabelFromTable(LabelDelim(" "))
	if s.Err() != nil || strings.Join(s.Classes(), " ") != "z" || texts(t, s.Valid, s.LabelKind()) != "" {
		t.Error(s.Err(), s)
	}
	for _, c := range []struct {
		name  string
		l     *ItemList
		words []string
	}{
		{"missing folder", ListFromFolder(fileKind{}, path.Join("no")), []string{"no: there is no such folder"}},
		{"a file", ListFromFolder(fileKind{}, path.Join("t.csv")), []string{"t.csv: is a file"}},
		{"no such files", ListFromFolder(fileKind{}, path, Extensions(".jpg")), []string{"no file ends in .jpg", "6 other files"}},
		{"missing folder of a table", ListFromCSV(fileKind{}, path.Join("no"), "t.csv"), []string{"no such folder"}},
		{"missing table", ListFromCSV(fileKind{}, path, "train.csv"), []string{"train.csv", "no such file"}},
		{"missing column", ListFromCSV(fileKind{}, path, "t.csv", Col("image")), []string{`no column "image"`, `"name", "tags"`}},
		{"absent file", ListFromCSV(fileKind{}, path, "absent.csv", in...), []string{"absent.csv:4", "img/q.num", "no such file", "SkipMissing"}},
		{"no suffix", ListFromCSV(fileKind{}, path, "t.csv", Folder("img")), []string{"t.csv:2", "img/a", "Suffix"}},
		{"no such folder of files", ListFromCSV(fileKind{}, path, "t.csv", Folder("pics")), []string{"pics: there is no such folder", "Folder"}},
		{"empty name", ListFromCSV(fileKind{}, path, "hole.csv", in...), []string{"hole.csv:3", `column "name" is empty`}},
		{"no table", ListFromTable(fileKind{}, path, nil), []string{"no table"}},
		{"add to a failed list", ListFromFolder(fileKind{}, path).Add(ListFromFolder(fileKind{}, path.Join("no"))), []string{"add", "no such folder"}},
		{"add another kind", rows(2).Add(ListFromFolder(fileKind{}, path)), []string{"a list of file to one of row"}},
	} {
		t.Run(c.name, func(t *testing.T) { wantErr(t, c.l.Err(), c.words...) })
	}
	if _, err := l.Get(2); err == nil {
		t.Error("item 2 of 2")
	}
	if err := os.Remove(path.Join("img", "b.num").String()); err != nil {
		t.Fatal(err)
	}
	_, err = l.Get(1)
	wantErr(t, err, "b.num", "no such file")
}

func TestSelections(t *testing.T) {
	path := datasets.NewPath("p")
	l := NewItemList(rowKind{}, path, []string{"p/a/1", "p/b/2", "p/a/3", "p/4"})
	for _, c := range []struct {
		name string
		l    *ItemList
		want string
	}{
		{"func", l.FilterByFunc(func(p datasets.Path) bool { return p.Name() > "2" }), "a/3 4"},
		{"folder", l.FilterByFolder("a"), "a/1 a/3"},
		{"not the folder", l.ExcludeFolder("a"), "b/2 4"},
		{"all", l.UsePartialData(1, SplitSeed(0)), "a/3 4 b/2 a/1"}, // numpy's permutation of 4 for seed 0: 2 3 1 0
		{"half", l.UsePartialData(.5, SplitSeed(0)), "a/3 4"},
		{"a number", l.UseItems(3, SplitSeed(0)), "a/3 4 b/2"},
		{"0 is all", l.UseItems(0), "a/1 b/2 a/3 4"},
		{"more than there are", l.UseItems(9), "a/1 b/2 a/3 4"},
		{"random", l.FilterByRand(.56, SplitSeed(0)), "a/1 4"}, // numpy: .549 .715 .603 .545
		{"add", l.Add(NewItemList(rowKind{}, path, []string{"p/9"})), "a/1 b/2 a/3 4 9"},
	} {
		if d := cmp.Diff(c.want, relative(c.l)); d != "" || c.l.Err() != nil {
			t.Error(c.name, d, c.l.Err())
		}
	}
	if d := cmp.Diff("a/1 b/2 a/3 4", relative(l)); d != "" {
		t.Error("the list itself has changed:", d)
	}
	wantErr(t, l.FilterByFunc(func(datasets.Path) bool { panic("boom") }).Err(), "filter function: p/a/1: boom")
	wantErr(t, l.UsePartialData(0).Err(), "not in (0, 1]")
	if s := l.String(); s != "row list (4 items)\na/1, b/2, a/3, 4\nPath: p" {
		t.Errorf("%q", s)
	}
	if s := l.FilterByFolder("z").String(); !strings.Contains(s, "no item lies") {
		t.Error(s)
	}
}

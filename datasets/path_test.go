package datasets

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPathParts(t *testing.T) {
	p := NewPath("a", "b", "x.tar.gz")
	for _, c := range []struct{ got, want string }{
		{p.Name(), "x.tar.gz"},
		{p.Stem(), "x.tar"},
		{p.Ext(), ".gz"},
		{p.Parent().Name(), "b"},
		{filepath.ToSlash(p.Replace("b", "c").String()), "a/c/x.tar.gz"},
		{filepath.ToSlash(p.Rel(NewPath("a")).String()), "b/x.tar.gz"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestListing(t *testing.T) {
	dir := NewPath(t.TempDir(), "od[d]*")
	for i := range 30 {
		put(t, dir.Join(fmt.Sprintf("f%02d.txt", 29-i)).String(), []byte("one\r\ntwo\n"))
	}
	l, err := dir.Ls()
	if err != nil || l.Len() != 30 || l[0].Name() != "f00.txt" {
		t.Fatal(l, err)
	}
	if s := l.String(); !strings.HasPrefix(s, "(#30) [") || !strings.HasSuffix(s, "f19.txt, …]") {
		t.Error(s)
	}
	if h := l.HTML(); !strings.Contains(h, "30 entries") || strings.Contains(h, "f20.txt") {
		t.Error(h)
	}
	g, err := dir.Glob("f1?.txt")
	if err != nil || g.Len() != 10 {
		t.Error(g, err)
	}
	if _, err := dir.Glob("../*"); err == nil {
		t.Error("a pattern must not leave the folder")
	}
	lines, err := l[0].ReadLines()
	if err != nil || !slices.Equal(lines, []string{"one", "two"}) {
		t.Errorf("%q %v", lines, err)
	}
	if n, err := l[0].Size(); err != nil || n != 9 {
		t.Error(n, err)
	}
	if err := l[0].WriteText("new"); err != nil {
		t.Error(err)
	}
	if s, err := l[0].ReadText(); err != nil || s != "new" {
		t.Error(s, err)
	}
	if _, err := dir.Join("none").Ls(); err == nil || !strings.HasPrefix(err.Error(), "fastnb: ") {
		t.Error(err)
	}
}

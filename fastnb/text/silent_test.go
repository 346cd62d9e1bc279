package text

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// TestRepeatsAsFastai holds the rules on repetitions to Python's, what stands behind them included.
func TestRepeatsAsFastai(t *testing.T) {
	var cases [][3]string
	golden(t, "repeats", &cases)
	if len(cases) < 400 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		if got := ReplaceRep(c[0]); got != c[1] {
			t.Errorf("characters of %q: %q, want %q", c[0], got, c[1])
		}
		if got := ReplaceWRep(c[0]); got != c[2] {
			t.Errorf("words of %q: %q, want %q", c[0], got, c[2])
		}
	}
}

// TestTextFilesInOtherEncodings: a byte-order mark is no word, and what is no UTF-8 is told or read.
func TestTextFilesInOtherEncodings(t *testing.T) {
	dir := t.TempDir()
	for name, s := range map[string]string{"mark.txt": "\ufeffgood film", "latin.txt": "gro\xdfer Film\nsch\xf6n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	k := fileKind{config: newConfig()}
	if s, err := k.read(filepath.Join(dir, "mark.txt")); s != "good film" || err != nil {
		t.Errorf("%q, %v", s, err)
	}
	path := datasets.NewPath(dir)
	err := TextListFromFolder(path).SplitNone().LabelForLM().Err()
	if err == nil || !strings.Contains(err.Error(), `latin.txt: line 1: the byte 0xdf is not UTF-8`) {
		t.Errorf("%v", err)
	}
	l := TextListFromFolder(path, data.Encoding("windows-1252"), MinFreq(1)).SplitNone().LabelForLM()
	if l.Err() != nil {
		t.Fatal(l.Err())
	}
	d, err := l.DataBunch(data.BS(1), data.BPTT(3))
	if err != nil {
		t.Fatal(err)
	}
	if d.Vocab.Stoi["schön"] == 0 {
		t.Errorf("words %q", d.Vocab.Itos)
	}
	if k, ok := l.Train.Kind().(fileKind); !ok || k.encoding != "windows-1252" {
		t.Errorf("the prepared kind is %T", l.Train.Kind())
	}
}

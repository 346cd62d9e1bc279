package models

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A stored array has as many elements as there are bytes at most.
func TestScanArrays(t *testing.T) {
	for s, want := range map[string]string{
		"(U\x07storageK\x09tQ.":                           "",
		"(U\x07storageJ\x00\x00\x00\x40tQ.":               "1073741824 elements",
		"(U\x07storage\x8a\x05\x00\x00\x00\x00\x01tQ.":    "4294967296 elements",
		"(U\x07storageM\xff\xff\x8a\x05\x00\x00\x00\x00.": "cut off",
	} {
		err := newScanner(strings.NewReader(s), int64(len(s)), int64(len(s))).pickle()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", s, err, want)
		}
	}
}

// Whatever the bytes, there is a list of words or an error.
func FuzzReadWords(f *testing.F) {
	for _, s := range []string{"(lp0\nVword\na.", "cos\nsystem\n(S'true'\ntR.", "\x80\x02]q\x00(X\x01\x00\x00\x00aX\x01\x00\x00\x00be.", "\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f]\x94.", "I7\n.", "\x80\x02\x82\x01.", "X\nV\na"} {
		f.Add([]byte(s))
	}
	words, err := os.ReadFile("testdata/tiny_itos.pkl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(words)
	path := filepath.Join(f.TempDir(), "words.pkl")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if w, err := ReadWords(path); err == nil && len(w) == 0 {
			t.Fatal("neither words nor an error")
		}
	})
}

// Whatever the bytes, there are tensors that hold what their shapes say, or an error.
func FuzzReadTorch(f *testing.F) {
	for _, name := range []string{"views_zip.pth", "views_legacy.pth"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	path := filepath.Join(f.TempDir(), "weights.pth")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		ts, err := ReadTorch(path)
		if err != nil {
			return
		}
		for name, x := range ts {
			if x.Len() < 0 {
				t.Fatalf("%s: shape %v", name, x.Shape())
			}
		}
	})
}

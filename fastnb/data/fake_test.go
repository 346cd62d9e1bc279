package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// blob is a fake item: two channels of 2x2 numbers.
type blob struct {
	v        [8]float32
	recycled bool
}

func (b *blob) Tensor() *tensor.Tensor {
	if b.recycled {
		panic("used after Recycle")
	}
	return tensor.FromFloat32(b.v[:], 2, 2, 2)
}
func (b *blob) Show(...ShowOption) *plotting.Figure { return plotting.TextFigure(b.String()) }
func (b *blob) String() string                      { return fmt.Sprint(b.v[0]) }
func (b *blob) Recycle()                            { b.recycled = true }

// rowKind makes blobs of numbers in text; "broken" and "panic" do what they say.
type rowKind struct{ delay bool }

func (rowKind) Name() string { return "row" }

func (k rowKind) Open(ref string) (Item, error) {
	if k.delay {
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	}
	switch {
	case strings.HasPrefix(ref, "broken"):
		return nil, errors.New("unexpected EOF")
	case strings.HasPrefix(ref, "panic"):
		panic("index out of range")
	}
	f, err := strconv.ParseFloat(ref, 32)
	if err != nil {
		return nil, err
	}
	b := &blob{}
	for i := range b.v {
		b.v[i] = float32(f)
	}
	return b, nil
}

func (rowKind) Show(xs, ys []Item, c ShowConfig) *plotting.Figure {
	s := make([]string, len(xs))
	for k := range xs {
		s[k] = xs[k].String() + "=" + ys[k].String()
	}
	return plotting.TextFigure(fmt.Sprintf("%d rows: %s", c.Rows, strings.Join(s, " ")))
}

// fileKind takes files that end in .num.
type fileKind struct{ rowKind }

func (fileKind) Name() string         { return "file" }
func (fileKind) Extensions() []string { return []string{".num"} }
func (k fileKind) Open(ref string) (Item, error) {
	b, err := os.ReadFile(ref)
	if err != nil {
		return nil, err
	}
	return k.rowKind.Open(strings.TrimSpace(string(b)))
}

// noise adds a random number to items of a training set.
type noise struct{ Scale float32 }

func (noise) Name() string                      { return "noise" }
func (n noise) State() (json.RawMessage, error) { return json.Marshal(n) }
func (n noise) Augment(x, y Item, train bool, rng *rand.Rand, a TransformArgs) (Item, Item, error) {
	if a.Height > 100 {
		return nil, nil, errors.New("too high")
	}
	r := rng.Float32()
	for _, it := range []Item{x, y} {
		if b, ok := it.(*blob); ok && train {
			for k := range b.v {
				b.v[k] += n.Scale * r
			}
		}
	}
	return x, y, nil
}

func init() {
	RegisterKind("row", func(json.RawMessage) (Kind, error) { return rowKind{}, nil })
	RegisterAugmenter("noise", func(s json.RawMessage) (Augmenter, error) {
		var n noise
		err := json.Unmarshal(s, &n)
		return n, err
	})
}

func numbers(n int) []string {
	s := make([]string, n)
	for k := range s {
		s[k] = strconv.Itoa(k)
	}
	return s
}

func rows(n int) *ItemList { return NewItemList(rowKind{}, datasets.NewPath("p"), numbers(n)) }

// parity labels a number even or odd.
func parity(p datasets.Path) string {
	if n, _ := strconv.Atoi(p.Name()); n%2 == 1 {
		return "odd"
	}
	return "even"
}

// folder makes files of the given names and contents.
func folder(t testing.TB, files map[string]string) datasets.Path {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		f := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(f), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return datasets.NewPath(dir)
}

// wantErr checks that err is there and says all of the words.
func wantErr(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	if !strings.HasPrefix(err.Error(), "fastnb: ") {
		t.Errorf("error %q does not begin with fastnb", err)
	}
}

func jsonRoundTrip(s State) (State, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	var r State
	err = json.Unmarshal(b, &r)
	return r, err
}

// lossName is the name of the loss that belongs to a list's labels.
func lossName(l *LabelLists) string { return l.LabelKind().Loss().Name }

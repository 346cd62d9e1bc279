// Package exporttest changes the descriptions in exported learners, number by number, and loads them.
package exporttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"testing"

	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
)

// metaKey is the metadata entry with the description.
const metaKey = "fastnb"

// File is an export taken apart.
type File struct {
	Weights map[string]*tensor.Tensor
	Meta    string // the description, JSON
}

// Open reads an export.
func Open(tb testing.TB, path string) File {
	tb.Helper()
	ts, meta, err := safetensors.Read(path)
	if err != nil {
		tb.Fatal(err)
	}
	return File{ts, meta[metaKey]}
}

// Write writes the export with another description, and a right checksum.
func (f File) Write(tb testing.TB, path, meta string) {
	tb.Helper()
	if err := safetensors.Write(path, f.Weights, map[string]string{"format": "pt", metaKey: meta}); err != nil {
		tb.Fatal(err)
	}
}

// values are what each number of a description is set to in turn.
var values = []any{-1.0, 0.0, 1.0, 3.0, 1e6, 1e9, 1e12, 1.5, math.MaxInt64, "x", nil, []any{}, []any{1.0}, []any{-1.0}, map[string]any{}}

// Sweep loads the export with every number, list and text of its description set to what it cannot be:
// the answer is a learner or an error, soon, and without more memory than the file's weights ask for. load
// loads path and, if that works, predicts something. bad are changes that must be refused, by the place of
// the change.
func Sweep(t *testing.T, path string, load func(path string) error, bad map[string][]any) {
	t.Helper()
	f := Open(t, path)
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	walk(parse(t, f.Meta), "", func(at string, _ any, _ func(any)) { places = append(places, at) })
	tried := 0
	try := func(at string, v any, must bool) {
		doc := parse(t, f.Meta)
		found := false
		walk(doc, "", func(here string, _ any, set func(any)) {
			if here == at && !found {
				found = true
				set(v)
			}
		})
		if !found {
			t.Errorf("the description has no %s", at)
			return
		}
		js, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "export.fastnb")
		f.Write(t, out, string(js))
		tried++
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = noPanic(func() error { return load(out) })
		runtime.ReadMemStats(&after)
		if used := int64(after.TotalAlloc - before.TotalAlloc); used > 20*st.Size()+400<<20 {
			t.Errorf("%s = %v: took %d MB for a file of %d KB", at, v, used>>20, st.Size()>>10)
		}
		if errors.Is(err, errPanic) || must && err == nil {
			t.Errorf("%s = %v: %v, want an error", at, v, err)
		}
		_ = os.Remove(out) // at once: there are many
	}
	for at, vs := range bad {
		for _, v := range vs {
			try(at, v, true)
		}
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for i, at := range places {
		for k, v := range values {
			if (i*len(values)+k)%step == 0 {
				try(at, v, false)
			}
		}
	}
	t.Logf("%d changes at %d places", tried, len(places))
}

var errPanic = errors.New("panic")

func noPanic(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			buf := make([]byte, 4096)
			err = fmt.Errorf("%w: %v\n%s", errPanic, r, buf[:runtime.Stack(buf, false)])
		}
	}()
	return f()
}

func parse(tb testing.TB, js string) any {
	tb.Helper()
	var doc any
	if err := json.Unmarshal([]byte(js), &doc); err != nil {
		tb.Fatal(err)
	}
	return doc
}

// walk visits all values below v. Long lists, such as vocabularies, are visited at their front.
func walk(v any, at string, visit func(at string, v any, set func(any))) {
	const front = 3
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			visit(at+"/"+k, v[k], func(x any) { v[k] = x })
			walk(v[k], at+"/"+k, visit)
		}
	case []any:
		for i := range slices.Clone(v)[:min(front, len(v))] {
			here := fmt.Sprintf("%s/%d", at, i)
			visit(here, v[i], func(x any) { v[i] = x })
			walk(v[i], here, visit)
		}
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestBestConstant: no answer of one set of tags has a greater F2 by the metric itself than the one found.
func TestBestConstant(t *testing.T) {
	const tags = 4
	truths := []uint32{0b0001, 0b0011, 0b0111, 0b1001, 0b0011}
	score := func(s uint32) float64 {
		x, y := tensor.New(tensor.Float32, len(truths), tags), tensor.New(tensor.Float32, len(truths), tags)
		for i, truth := range truths {
			for k := range tags {
				x.Float32s()[i*tags+k] = 20*float32(s>>k&1) - 10
				y.Float32s()[i*tags+k] = float32(truth >> k & 1)
			}
		}
		v, err := fastnb.FBeta(fastnb.Thresh(.2)).Of(x, y)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	best := score(bestConstant(truths, tags))
	for s := range uint32(1 << tags) {
		if score(s) > best+1e-6 {
			t.Errorf("the set %b has %v, the one found %v", s, score(s), best)
		}
	}
}

// TestBenchPlanet runs the task as the command does, on a few drawn tiles.
func TestBenchPlanet(t *testing.T) {
	dir := datasets.NewPath(t.TempDir(), "planet")
	if err := datasets.SampleData("planet", dir, 24); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := rootCommand()
	c.SetOut(&out)
	c.SetArgs([]string{"bench", "planet", "--json", "--loader", "--data", dir.String(), "--arch", "resnet18", "--items", "24", "--size", "16", "--bs", "4", "--epochs", "1"})
	if err := c.ExecuteContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != 2 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, keys := range [][]string{
		{"epoch", "seconds", "cpu_seconds", "train_loss", "valid_loss", "accuracy_thresh", "fbeta"},
		{"threads", "peak_mb", "loader_items_per_second", "constant_fbeta"},
	} {
		var v map[string]any
		if err := json.Unmarshal(lines[i], &v); err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			if f, ok := v[k].(float64); !ok || math.IsNaN(f) || f < 0 {
				t.Errorf("line %d: %s is %v", i, k, v[k])
			}
		}
	}
}

// TestBenchPrecision trains in mixed precision on a device that has it, and refuses to on one that has not.
func TestBenchPrecision(t *testing.T) {
	dir := datasets.NewPath(t.TempDir(), "planet")
	if err := datasets.SampleData("planet", dir, 16); err != nil {
		t.Fatal(err)
	}
	run := func(o ...string) (map[string]any, error) {
		var out bytes.Buffer
		c := rootCommand()
		c.SetOut(&out)
		c.SetErr(&out)
		c.SetArgs(append([]string{"bench", "planet", "--json", "--data", dir.String(), "--arch", "resnet18", "--items", "16", "--size", "32", "--bs", "4", "--epochs", "1"}, o...))
		err := c.ExecuteContext(context.Background())
		lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
		var v map[string]any
		if err == nil {
			err = json.Unmarshal(lines[len(lines)-1], &v)
		}
		return v, err
	}
	if _, err := run("--device", "cpu", "--precision", "f16"); err == nil || !strings.Contains(err.Error(), "float32 only") {
		t.Error(err)
	}
	if _, err := run("--precision", "f8"); err == nil || !strings.Contains(err.Error(), `no precision "f8"`) {
		t.Error(err)
	}
	dev, err := device.Open("opencl")
	if errors.Is(err, device.ErrNotFound) && os.Getenv("FASTNB_CI") == "" {
		t.Skip("no OpenCL on this machine: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	t.Setenv("FASTNB_DEVICE", "cpu")
	v, err := run("--device", "opencl", "--precision", "f16")
	if err != nil || v["device"] != "opencl:0" || v["precision"] != "f16" {
		t.Errorf("%v: %v", v, err)
	}
	if os.Getenv("FASTNB_DEVICE") != "cpu" {
		t.Error("FASTNB_DEVICE is not what it was")
	}
}

// TestBenchTF32: a device whose products of float32 are exact is not called TF32's, whatever the environment asks for.
func TestBenchTF32(t *testing.T) {
	t.Setenv("FASTNB_GPU_TF32", "1")
	var out bytes.Buffer
	c := rootCommand()
	c.SetOut(&out)
	c.SetArgs([]string{"bench", "device", "tiny-awdlstm", "--json", "--device", "cpu", "--steps", "1", "--seconds", "0.1"})
	if err := c.ExecuteContext(context.Background()); err != nil || !strings.Contains(out.String(), `"precision":"f32"`) {
		t.Errorf("%v: %s", err, out.String())
	}
}

// TestWordCounts: a text is of the class whose texts have its words, however long it is.
func TestWordCounts(t *testing.T) {
	const bad, fine, film = 10, 11, 12
	m := newWordCounts(2, 20)
	for range 3 {
		m.add([]int64{data.PadID, film, bad}, 0)
		m.add([]int64{film, fine, fine, film}, 1)
	}
	for _, c := range []struct {
		ids  []int64
		want int
	}{{[]int64{film, bad}, 0}, {[]int64{data.PadID, data.PadID, fine, film, film}, 1}, {[]int64{bad, bad, bad, fine, 13}, 0}} {
		if got := m.likeliest(c.ids); got != c.want {
			t.Errorf("%v is of class %d, want %d", c.ids, got, c.want)
		}
	}
}

// TestBenchIMDB trains on reviews of which some have no label: these are the language model's alone.
func TestBenchIMDB(t *testing.T) {
	dir := datasets.NewPath(t.TempDir())
	var labels, texts, valid []string
	for i := range 48 {
		labels = append(labels, []string{"positive", "negative", "unsup"}[i%3])
		texts = append(texts, []string{"a fine film , a fine one", "a bad film , a bad one", "a film , one of many"}[i%3])
		valid = append(valid, []string{"False", "True"}[i/36])
	}
	table, err := data.NewTable("label", labels, "text", texts, "is_valid", valid)
	if err == nil {
		err = table.ToCSV(dir.Join("texts.csv"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := rootCommand()
	c.SetOut(&out)
	c.SetArgs([]string{
		"bench", "imdb", "--json", "--data", dir.String(), "--items", "24", "--emb", "4", "--hid", "4", "--bs", "2", "--bptt", "5", "--epochs", "1",
		"--clas-epochs", "1", "--all-epochs", "2", "--clas-bs", "3", "--gradual", "--min-freq", "1",
	})
	if err := c.ExecuteContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	var phases []string
	for line := range bytes.SplitSeq(bytes.TrimSpace(out.Bytes()), []byte("\n")) {
		var v struct {
			Phase      string
			NaiveBayes *float64 `json:"naive_bayes_accuracy"`
			Texts      float64  `json:"clas_texts"`
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		phases = append(phases, v.Phase)
		if v.Phase == "" && (v.NaiveBayes == nil || *v.NaiveBayes != 1 || v.Texts != 12) {
			t.Errorf("the last line: %s", line)
		}
	}
	if want := []string{"language model", "head", "last two", "last three", "all layers", "all layers", ""}; !slices.Equal(phases, want) {
		t.Errorf("phases %q, want %q", phases, want)
	}
}

// TestTilesBeside: the epoch of planet-epoch has all tiles once, in full batches of the work's size, in another order
// each time; without a file to draw them beside it is refused.
func TestTilesBeside(t *testing.T) {
	w := stepWorks()["planet-epoch"]
	if _, err := w.tilesBeside(""); err == nil {
		t.Error("no folder")
	}
	l, err := w.tilesBeside(filepath.Join(t.TempDir(), "weights"))
	if err != nil {
		t.Fatal(err)
	}
	var orders [2][]int
	for k := range orders {
		it := l.Iter(context.Background(), int64(k))
		for it.Next() {
			b := it.Batch()
			if s := b.X[0].Shape(); !slices.Equal(s, []int{w.bs, 3, 128, 128}) || b.Norm == nil {
				t.Fatal(s, b.Norm)
			}
			orders[k] = append(orders[k], b.Index...)
		}
		it.Close()
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
	}
	if slices.Equal(orders[0], orders[1]) {
		t.Error("the same order twice")
	}
	for k := range orders {
		slices.Sort(orders[k])
		if len(slices.Compact(orders[k])) != epochTiles {
			t.Errorf("epoch %d has %d of %d tiles", k, len(orders[k]), epochTiles)
		}
	}
}

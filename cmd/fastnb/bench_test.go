package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
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

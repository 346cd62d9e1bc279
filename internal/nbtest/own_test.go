package nbtest

import (
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/nb"
)

// runCells runs cells and gives what each shows as text, an error's words included.
func runCells(t *testing.T, dir string, cells ...string) []string {
	t.Helper()
	var list []map[string]any
	for _, c := range cells {
		list = append(list, map[string]any{
			"cell_type": "code", "metadata": map[string]any{"tags": []string{"raises-exception"}}, "source": c, "outputs": []any{}, "execution_count": nil,
		})
	}
	js, err := json.Marshal(map[string]any{"nbformat": 4, "nbformat_minor": 4, "metadata": map[string]any{}, "cells": list})
	if err != nil {
		t.Fatal(err)
	}
	n, err := nb.Parse(js)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nb.Run(context.Background(), n, nb.Options{Progress: testLog{t}, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range n.Cells {
		js, err := json.Marshal(c.Outputs)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(js))
	}
	return out
}

// TestOwnDataCells: what people type with data of their own does what they mean: a picture opened in the call
// that predicts it, a loss written in the cell, rows of a table left out.
func TestOwnDataCells(t *testing.T) {
	if testing.Short() {
		t.Skip("trains a network")
	}
	t.Setenv("FASTNB_OFFLINE", "1")
	t.Setenv("FASTNB_HOME", t.TempDir())
	dir := t.TempDir()
	for k := range 12 {
		m := image.NewRGBA(image.Rect(0, 0, 20, 20))
		for i := range m.Pix {
			m.Pix[i] = 255
		}
		m.Set(k, k, color.Black)
		name := filepath.Join(dir, []string{"cat", "dog"}[k%2], string(rune('a'+k))+".png")
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := runCells(t, dir,
		`import "github.com/fastnb/go/fastnb/nn"
data := ImageListFromFolder(NewPath(".")).SplitByRandPct(0.25).LabelFromFolder().Transform(nil, Size(16)).DataBunch(BS(4))
focal := nn.NewLoss("focal", func(b *nn.Builder, out, y *nn.Node) *nn.Node {
	lp := b.SumLast(b.Mul(b.LogSoftmax(out), b.OneHot(y, 2)))
	return b.Neg(b.Mul(b.Square(b.Affine(b.Exp(lp), -1, 1)), lp))
}, nn.WithActivation("softmax"))
learn := CNNLearner(data, models.ResNet18, Pretrained(false), LossFunc(focal))
learn.Fit(1, LR(1e-3))`,
		`learn.Predict(OpenImage(NewPath("cat/a.png"))).Class`,
		`learn.Predict(OpenImage(NewPath("nowhere.png")))`,
		`t := NewTable("age", []string{"1", "NaN", "3"})
t.DropNA().Filter(func(r TableRow) bool { return r.Float("age") > 1 }).Len()`,
		`learn.Interpret().TopLosses(2)`,
	)
	for k, want := range []string{"train_loss", "cat|dog", "open image: nowhere.png: no such file", `"1"`, "[0 2]|[2 0]|[0 1]|[1 0]|[1 2]|[2 1]"} {
		ok := false
		for _, w := range strings.Split(want, "|") {
			ok = ok || strings.Contains(got[k], w)
		}
		if !ok {
			t.Errorf("cell %d shows no %s: %.600s", k+1, want, got[k])
		}
	}
}

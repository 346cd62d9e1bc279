package nb

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const sample = `{
 "cells": [
  {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Title\n", "text <b>x</b>"], "attachments": {"p.png": {}}},
  {"cell_type": "code", "id": "b", "metadata": {"tags": ["parameters"], "fastnb": {"original": null}}, "source": "n := 2\nname := \"a\"", "execution_count": null, "outputs": []},
  {"cell_type": "code", "id": "c", "metadata": {"fastnb": {"original": 1}}, "source": "fmt.Println(name)\nn * 21", "execution_count": 7, "outputs": [{"output_type": "stream", "name": "stdout", "text": ["old\n"]}]},
  {"cell_type": "code", "id": "d", "metadata": {"fastnb": {"original": 2}}, "source": "os.Open(\"/no/such/file\")", "execution_count": null, "outputs": []},
  {"cell_type": "code", "id": "e", "metadata": {"fastnb": {"original": 3}}, "source": "1", "execution_count": null, "outputs": []}
 ],
 "metadata": {"fastnb": {"originals": 3}, "unknown": {"x": [1, 2]}},
 "nbformat": 4, "nbformat_minor": 5, "more": true
}`

func TestRoundTrip(t *testing.T) {
	n, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	b, err := n.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if json.Unmarshal(b, &got) != nil || json.Unmarshal([]byte(sample), &want) != nil {
		t.Fatal("not JSON")
	}
	if got["more"] != true || got["metadata"].(map[string]any)["unknown"] == nil || !strings.Contains(string(b), `"attachments"`) {
		t.Errorf("fields were lost:\n%s", b)
	}
	again, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := again.Bytes()
	if err != nil || !bytes.Equal(b, c) {
		t.Error("the second writing differs from the first")
	}
}

func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.ipynb")
	if err := os.WriteFile(file, []byte(sample), 0o600); err != nil {
		t.Fatal(err)
	}
	n, sum, err := RunFile(context.Background(), file, Options{Params: map[string]string{"n": "3", "name": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "4 code cells: 2 ok, 1 failed, 1 skipped; originals 1/3"; sum.String() != want {
		t.Errorf("%s, want %s", sum, want)
	}
	c := n.Cells[2]
	if len(c.Outputs) != 2 || c.Outputs[0].Text() != "b\n" || c.Outputs[1].Text() != "63" || c.ExecutionCount != 2 {
		t.Errorf("outputs %v", c.Outputs)
	}
	if o := n.Cells[3].Outputs; len(o) != 1 || !strings.Contains(o[0].Text(), "no such file") {
		t.Errorf("failed cell shows %v", o)
	}
	page, err := n.HTML("x")
	if err != nil || !bytes.Contains(page, []byte("<h1>Title</h1>")) || !bytes.Contains(page, []byte("63")) {
		t.Errorf("page misses parts, error %v", err)
	}
	_, sum, err = RunFile(context.Background(), file, Options{AllowErrors: true})
	if err != nil || sum.OK != 3 || sum.Failed != 1 {
		t.Errorf("with errors allowed: %v, error %v", sum, err)
	}
	if _, _, err := RunFile(context.Background(), file, Options{Params: map[string]string{"absent": "1"}}); err == nil || !strings.Contains(err.Error(), `no variable "absent"`) {
		t.Errorf("unknown parameter: error %v", err)
	}
}

// TestCellsThatShowErrors: a cell with Jupyter's tag may fail; its error stands among its outputs and the
// run goes on.
func TestCellsThatShowErrors(t *testing.T) {
	n := &Notebook{Cells: []*Cell{
		{Type: "code", Source: `errors.New("on purpose")`, Metadata: map[string]any{"tags": []any{"raises-exception"}}},
		{Type: "code", Source: "1 + 1"},
	}}
	sum, err := Run(context.Background(), n, Options{})
	if err != nil || sum.Failed != 0 || sum.OK != 2 {
		t.Fatal(sum, err)
	}
	if o := n.Cells[0].Outputs; len(o) != 1 || o[0].Type() != "error" || !strings.Contains(o[0].Text(), "on purpose") {
		t.Errorf("the cell shows %v", o)
	}
}

func TestTimeout(t *testing.T) {
	n := &Notebook{Cells: []*Cell{{Type: "code", Source: "for {}"}, {Type: "code", Source: "time.Sleep(time.Millisecond)"}}}
	sum, err := Run(context.Background(), n, Options{Timeout: 100 * time.Millisecond, AllowErrors: true})
	if err != nil || sum.Failed != 1 || sum.OK != 1 {
		t.Fatal(sum, err)
	}
	if s := n.Cells[0].Outputs[0].Text(); !strings.Contains(s, "longer than the timeout") {
		t.Error(s)
	}
}

func TestBadFiles(t *testing.T) {
	for in, want := range map[string]string{
		"nonsense": "not JSON", "{}": "no field nbformat", `{"nbformat":3}`: "format 3", `{"nbformat":4}`: "no list of cells",
		`{"nbformat":4,"cells":[{"cell_type":"x"}]}`: "cell 1", `{"nbformat":4,"cells":[7]}`: "cell 1",
	} {
		if _, err := Parse([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", in, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.ipynb")
	n := &Notebook{Cells: []*Cell{
		{Type: "code", Source: "fmt.Println(1)"},
		{Type: "code", Source: "1 + 1"},
		{Type: "code", Source: `import "display"` + "\n" + `Display(display.HTML("<b>x</b>"))`},
	}}
	if err := n.Write(file); err != nil {
		t.Fatal(err)
	}
	if _, _, err := CheckFile(context.Background(), file, Options{}); err == nil || !strings.Contains(err.Error(), "no outputs are stored") {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), n, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := n.Cells[2].Shape(); len(got) != 1 || got[0] != "display text/html text/plain" {
		t.Fatalf("shape %q", got)
	}
	if err := n.Write(file); err != nil {
		t.Fatal(err)
	}
	if diff, sum, err := CheckFile(context.Background(), file, Options{}); err != nil || len(diff) != 0 || sum.OK != 3 {
		t.Fatal(diff, sum, err)
	}
	n.Cells[1].Source = `fmt.Println("two")`
	if err := n.Write(file); err != nil {
		t.Fatal(err)
	}
	diff, _, err := CheckFile(context.Background(), file, Options{})
	if want := `cell 2 (fmt.Println("two")): stored result text/plain; now stdout`; err != nil || len(diff) != 1 || diff[0].String() != want {
		t.Fatal(diff, err)
	}
}

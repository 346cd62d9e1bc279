package nb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference is a cell that showed other kinds of things than its stored outputs.
type Difference struct {
	Cell      int // counted from 1 among all cells of the notebook
	Source    string
	Was, Came []string // as Shape gives them
}

// String is the difference on one line.
func (d Difference) String() string {
	list := func(s []string) string {
		if len(s) == 0 {
			return "nothing"
		}
		return strings.Join(s, ", ")
	}
	return fmt.Sprintf("cell %d (%s): stored %s; now %s", d.Cell, firstLine(d.Source), list(d.Was), list(d.Came))
}

// Shape is the kinds of a code cell's outputs, in order: "stdout", "stderr", "error", or "display" or
// "result" with the MIME types in alphabetical order, JPEG pictures named as PNG ones. Pieces of one stream count once: where it is cut
// is chance.
func (c *Cell) Shape() []string {
	var s []string
	for _, o := range c.Outputs {
		kind := ""
		switch o.Type() {
		case "stream":
			kind, _ = o["name"].(string)
			if len(s) > 0 && s[len(s)-1] == kind {
				continue
			}
		case "error":
			kind = "error"
		default:
			d, _ := o["data"].(map[string]any)
			name := map[string]string{"display_data": "display", "execute_result": "result"}[o.Type()]
			kind = strings.Join(append([]string{name}, slices.Sorted(maps.Keys(d))...), " ")
			kind = strings.Replace(kind, "image/jpeg", "image/png", 1) // which one a picture is kept as depends on its size
		}
		s = append(s, kind)
	}
	return s
}

// CheckFile runs the notebook at path afresh and compares, cell by cell, the shape of what it shows
// with its stored outputs. Outputs that were stored without scripts are compared with a run without
// scripts. A notebook without stored outputs is an error: there is nothing to compare with.
func CheckFile(ctx context.Context, path string, o Options) ([]Difference, Summary, error) {
	n, err := Read(path)
	if err != nil {
		return nil, Summary{}, err
	}
	var stored [][]string
	any, scripts := false, false
	for _, c := range n.Cells {
		stored = append(stored, c.Shape())
		any = any || len(c.Outputs) > 0
		for _, out := range c.Outputs {
			scripts = scripts || script.MatchString(out.MIME("text/html")) || out.Has("application/javascript")
		}
	}
	if !any {
		return nil, Summary{}, fmt.Errorf("notebook: %s: %w", path, errors.New("no outputs are stored (run it first: fastnb nb run -o)"))
	}
	o.Static = !scripts
	n, sum, err := RunFile(ctx, path, o)
	if err != nil {
		return nil, sum, err
	}
	var diff []Difference
	for i, c := range n.Cells {
		if came := c.Shape(); !slices.Equal(stored[i], came) {
			diff = append(diff, Difference{i + 1, c.Source, stored[i], came})
		}
	}
	return diff, sum, nil
}

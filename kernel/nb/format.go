package nb

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/internal/whole"
)

// Notebook is a notebook file of format 4.
type Notebook struct {
	Cells    []*Cell
	Metadata map[string]any
	Minor    int            // nbformat_minor; at least 5 is written, since every cell has an id
	extra    map[string]any // top-level fields this package does not know
}

// Cell is one cell. Type is "code", "markdown" or "raw".
type Cell struct {
	Type           string
	ID             string
	Source         string
	Metadata       map[string]any
	Outputs        []Output // of a code cell
	ExecutionCount int      // of a code cell; 0 is null in the file
	extra          map[string]any
}

// Output is one output of a code cell as the file has it: "output_type" is "stream",
// "display_data", "execute_result" or "error".
type Output map[string]any

// Type is the output's output_type.
func (o Output) Type() string { s, _ := o["output_type"].(string); return s }

// Text is what the output shows as plain text.
func (o Output) Text() string {
	switch o.Type() {
	case "stream":
		return text(o["text"])
	case "error":
		return fmt.Sprintf("%v: %v", o["ename"], o["evalue"])
	}
	return o.MIME("text/plain")
}

// MIME is the output's data of a type as text, or "".
func (o Output) MIME(mime string) string {
	d, _ := o["data"].(map[string]any)
	return text(d[mime])
}

// Has reports whether the output has data of a type.
func (o Output) Has(mime string) bool {
	d, _ := o["data"].(map[string]any)
	_, ok := d[mime]
	return ok
}

// Tagged reports whether the cell has a tag.
func (c *Cell) Tagged(tag string) bool {
	tags, _ := c.Metadata["tags"].([]any)
	for _, t := range tags {
		if t == tag {
			return true
		}
	}
	return false
}

// Original is the number of the original notebook's cell that this cell answers, from the
// metadata {"fastnb": {"original": N}}; ok is false for a cell of our own.
func (c *Cell) Original() (n int, ok bool) {
	f, _ := c.Metadata["fastnb"].(map[string]any)
	v, ok := f["original"].(float64)
	return int(v), ok
}

// Originals is how many cells the original notebook has, from the notebook's metadata, or 0.
func (n *Notebook) Originals() int {
	f, _ := n.Metadata["fastnb"].(map[string]any)
	v, _ := f["originals"].(float64)
	return int(v)
}

// Read reads a notebook file.
func Read(path string) (*Notebook, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("notebook: %w", err)
	}
	n, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("notebook: %s: %w", path, err)
	}
	return n, nil
}

// Parse reads a notebook from its JSON.
func Parse(b []byte) (*Notebook, error) {
	var top map[string]any
	if err := json.Unmarshal(b, &top); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	major, ok := top["nbformat"].(float64)
	if !ok {
		return nil, errors.New("no field nbformat: not a notebook")
	}
	if major != 4 {
		return nil, fmt.Errorf("notebook format %v, only 4 is read (open and save it in JupyterLab to convert it)", major)
	}
	minor, _ := top["nbformat_minor"].(float64)
	cells, ok := top["cells"].([]any)
	if !ok {
		return nil, errors.New("no list of cells")
	}
	n := &Notebook{Minor: int(minor), extra: top}
	n.Metadata, _ = top["metadata"].(map[string]any)
	for i, c := range cells {
		cell, err := parseCell(c)
		if err != nil {
			return nil, fmt.Errorf("cell %d: %w", i+1, err)
		}
		n.Cells = append(n.Cells, cell)
	}
	for _, k := range []string{"cells", "metadata", "nbformat", "nbformat_minor"} {
		delete(top, k)
	}
	return n, nil
}

func parseCell(v any) (*Cell, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	c := &Cell{extra: m}
	c.Type, _ = m["cell_type"].(string)
	if c.Type != "code" && c.Type != "markdown" && c.Type != "raw" {
		return nil, fmt.Errorf("cell_type %q, want code, markdown or raw", c.Type)
	}
	c.ID, _ = m["id"].(string)
	if c.ID == "" {
		c.ID = NewID()
	}
	c.Source = text(m["source"])
	c.Metadata, _ = m["metadata"].(map[string]any)
	if c.Metadata == nil {
		c.Metadata = map[string]any{}
	}
	if n, ok := m["execution_count"].(float64); ok {
		c.ExecutionCount = int(n)
	}
	outs, _ := m["outputs"].([]any)
	for _, o := range outs {
		om, ok := o.(map[string]any)
		if !ok {
			return nil, errors.New("an output is not an object")
		}
		c.Outputs = append(c.Outputs, Output(om))
	}
	for _, k := range []string{"cell_type", "id", "source", "metadata", "execution_count", "outputs"} {
		delete(m, k)
	}
	return c, nil
}

// NewID makes a random cell id.
func NewID() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails on the systems Go supports
	return hex.EncodeToString(b[:])
}

// text joins what a file may hold as one string or as a list of lines.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b strings.Builder
		for _, l := range v {
			s, _ := l.(string)
			b.WriteString(s)
		}
		return b.String()
	}
	return ""
}

// lines splits text as notebook files hold it: a list of lines that keep their ends.
func lines(s string) []string {
	if s == "" {
		return []string{}
	}
	l := strings.SplitAfter(s, "\n")
	if l[len(l)-1] == "" {
		l = l[:len(l)-1]
	}
	return l
}

// Bytes is the notebook as its file: JSON with one blank of indent and sorted keys, as Jupyter
// writes it.
func (n *Notebook) Bytes() ([]byte, error) {
	top := map[string]any{}
	for k, v := range n.extra {
		top[k] = v
	}
	cells := []any{}
	for _, c := range n.Cells {
		cells = append(cells, c.toMap())
	}
	top["cells"] = cells
	top["metadata"] = orEmpty(n.Metadata)
	top["nbformat"] = 4
	top["nbformat_minor"] = max(n.Minor, 5)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(top); err != nil {
		return nil, fmt.Errorf("notebook: writing JSON: %w", err)
	}
	return b.Bytes(), nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func (c *Cell) toMap() map[string]any {
	m := map[string]any{}
	for k, v := range c.extra {
		m[k] = v
	}
	m["cell_type"], m["id"], m["metadata"], m["source"] = c.Type, c.ID, orEmpty(c.Metadata), lines(c.Source)
	if c.Type != "code" {
		return m
	}
	m["execution_count"] = nil
	if c.ExecutionCount > 0 {
		m["execution_count"] = c.ExecutionCount
	}
	outs := []any{}
	for _, o := range c.Outputs {
		outs = append(outs, o.toMap())
	}
	m["outputs"] = outs
	return m
}

func (o Output) toMap() map[string]any {
	m := map[string]any{}
	for k, v := range o {
		m[k] = v
	}
	if s, ok := m["text"].(string); ok {
		m["text"] = lines(s)
	}
	if d, ok := m["data"].(map[string]any); ok {
		dd := map[string]any{}
		for k, v := range d {
			if s, ok := v.(string); ok && (strings.HasPrefix(k, "text/") || k == "image/svg+xml" || k == "application/javascript") {
				dd[k] = lines(s)
			} else {
				dd[k] = v
			}
		}
		m["data"] = dd
	}
	return m
}

// Write writes the notebook under a temporary name and renames it.
func (n *Notebook) Write(path string) error {
	b, err := n.Bytes()
	if err != nil {
		return err
	}
	return WriteFile(path, b)
}

// WriteFile writes a whole file or leaves the old one as it was.
func WriteFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("notebook: writing %s: %w", path, err)
	}
	if err := whole.WriteBytes(path, b); err != nil {
		err = fmt.Errorf("notebook: writing %s: %w", path, whole.Reason(err, path))
		if whole.Full(err) {
			err = fmt.Errorf("%w (what was there under this name is as it was; try freeing %s, or a place on another disk)", err, cell.SizeText(int64(len(b))))
		}
		return err
	}
	return nil
}

package nb

import (
	"fmt"
	"html"
	"strings"
)

// Step is a code cell that stands for one of an original notebook.
type Step struct {
	Cell     *Cell
	Original int    // number of the original's cell
	Python   string // what the original calls there, "" where its cell is empty
	Output   string // what the original shows there, "" for nothing
	Section  string // the heading above
}

// Steps are the notebook's code cells that answer an original's, from the metadata
// {"fastnb": {"original": N, "python": "...", "output": "..."}}.
func (n *Notebook) Steps() []Step {
	var steps []Step
	section := ""
	for _, c := range n.Cells {
		if c.Type == "markdown" {
			for _, l := range strings.Split(c.Source, "\n") {
				if t := strings.TrimLeft(l, "#"); t != l && strings.HasPrefix(t, " ") {
					section = strings.TrimSpace(t)
				}
			}
			continue
		}
		k, ok := c.Original()
		if c.Type != "code" || !ok {
			continue
		}
		s := Step{Cell: c, Original: k, Section: section}
		s.Python, s.Output = c.python()
		steps = append(steps, s)
	}
	return steps
}

// python is what the original calls and shows where this cell stands.
func (c *Cell) python() (call, shows string) {
	f, _ := c.Metadata["fastnb"].(map[string]any)
	call, _ = f["python"].(string)
	shows, _ = f["output"].(string)
	return call, shows
}

// Shows says what a cell's stored outputs are, in words: "table", "picture", "text" and so on.
func (c *Cell) Shows() string {
	var list []string
	for _, o := range c.Outputs {
		what := "text"
		switch {
		case o.Type() == "error":
			what = "an error"
		case o.Has("image/png") && strings.Contains(o.Text(), " over "):
			what = "chart"
		case o.Has("image/png") || o.Has("image/jpeg"):
			what = "picture"
		case strings.Contains(o.MIME("text/html"), "<table"):
			what = "table"
		case strings.TrimSpace(o.Text()) == "":
			continue
		}
		if len(list) == 0 || list[len(list)-1] != what {
			list = append(list, what)
		}
	}
	return strings.Join(list, ", ")
}

// Beside is a copy of the notebook with a folded text above each step's cell: the original's call and what it
// shows. JupyterLab and exported pages open it at a click.
func (n *Notebook) Beside() *Notebook {
	out := *n
	out.Cells = nil
	for _, c := range n.Cells {
		if text := c.folded(); text != "" {
			out.Cells = append(out.Cells, &Cell{
				Type: "markdown", ID: c.ID + "-py", Source: text,
				Metadata: map[string]any{"fastnb": map[string]any{"original": nil, "beside": c.ID}},
			})
		}
		out.Cells = append(out.Cells, c)
	}
	return &out
}

// folded is the original's call as an element that opens at a click, "" if there is none.
func (c *Cell) folded() string {
	call, shows := c.python()
	if call == "" {
		return ""
	}
	s := "<details><summary>in fastai</summary><pre>" + html.EscapeString(call) + "</pre>"
	if shows != "" {
		s += fmt.Sprintf("<p>It shows: %s.</p>", html.EscapeString(shows))
	}
	return s + "</details>"
}

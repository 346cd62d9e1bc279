package nb

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"html/template"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"github.com/fastnb/go/plotting"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Parse(pageSource))

type pageCell struct {
	Kind    string
	Prompt  string
	Beside  template.HTML // the original's call
	Body    template.HTML
	Outputs []pageOutput
}

type pageOutput struct {
	Class  string
	Prompt string
	Body   template.HTML
}

// HTML is the notebook as one page: highlighted code, rendered text, outputs as they are (their
// scripts included, since the reader ran them). The page needs nothing from outside.
func (n *Notebook) HTML(title string) ([]byte, error) {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	cells := []pageCell{}
	for _, c := range n.Cells {
		pc := pageCell{Kind: c.Type}
		switch c.Type {
		case "markdown":
			var b bytes.Buffer
			if err := md.Convert([]byte(c.Source), &b); err != nil {
				return nil, fmt.Errorf("notebook: markdown: %w", err)
			}
			pc.Body = template.HTML(b.String()) //nolint:gosec // goldmark escapes raw HTML
		case "code":
			pc.Prompt = prompt("In", c.ExecutionCount)
			pc.Beside = template.HTML(c.folded()) //nolint:gosec // escaped
			pc.Body = highlight(c.Source)
			for _, o := range c.Outputs {
				pc.Outputs = append(pc.Outputs, htmlOutput(o))
			}
		default:
			pc.Body = pre(c.Source)
		}
		cells = append(cells, pc)
	}
	var b bytes.Buffer
	script := template.HTML("")
	if n.hasCharts() {
		script = template.HTML(plotting.ScriptElement()) //nolint:gosec // the chart library
	}
	if err := page.Execute(&b, map[string]any{"Title": title, "Cells": cells, "Script": script}); err != nil {
		return nil, fmt.Errorf("notebook: HTML page: %w", err)
	}
	return b.Bytes(), nil
}

// hasCharts reports whether some output is an interactive chart.
func (n *Notebook) hasCharts() bool {
	for _, c := range n.Cells {
		for _, o := range c.Outputs {
			if h := o.MIME("text/html"); strings.Contains(h, "fastnb-chart") && strings.Contains(h, "<script") {
				return true
			}
		}
	}
	return false
}

func prompt(word string, n int) string {
	if n == 0 {
		return word + " [ ]:"
	}
	return fmt.Sprintf("%s [%d]:", word, n)
}

func pre(s string) template.HTML {
	return template.HTML("<pre>" + html.EscapeString(s) + "</pre>") //nolint:gosec // escaped
}

func htmlOutput(o Output) pageOutput {
	p := pageOutput{Class: o.Type()}
	switch o.Type() {
	case "stream":
		if o["name"] == "stderr" {
			p.Class += " stderr"
		}
		p.Body = pre(plain(o.Text()))
	case "error":
		tb, _ := o["traceback"].([]any)
		var l []string
		for _, t := range tb {
			s, _ := t.(string)
			l = append(l, s)
		}
		if len(l) == 0 {
			l = []string{o.Text()}
		}
		p.Body = pre(plain(strings.Join(l, "\n")))
	default:
		if n, ok := o["execution_count"].(float64); ok {
			p.Prompt = prompt("Out", int(n))
		} else if n, ok := o["execution_count"].(int); ok {
			p.Prompt = prompt("Out", n)
		}
		p.Body = richest(o)
	}
	return p
}

// richest picks the form a browser shows best, in Jupyter's order of preference.
func richest(o Output) template.HTML {
	if o.Has("text/html") {
		return template.HTML(o.MIME("text/html")) //nolint:gosec // the notebook's own output
	}
	if o.Has("image/svg+xml") {
		return template.HTML(o.MIME("image/svg+xml")) //nolint:gosec // the notebook's own output
	}
	for _, m := range []string{"image/png", "image/jpeg", "image/gif"} {
		if o.Has(m) {
			src := strings.ReplaceAll(o.MIME(m), "\n", "")
			return template.HTML(`<img src="data:` + m + `;base64,` + html.EscapeString(src) + `">`) //nolint:gosec // escaped
		}
	}
	if o.Has("text/markdown") {
		var b bytes.Buffer
		if goldmark.Convert([]byte(o.MIME("text/markdown")), &b) == nil {
			return template.HTML(b.String()) //nolint:gosec // goldmark escapes raw HTML
		}
	}
	return pre(o.Text())
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// plain drops terminal colours and keeps what a carriage return would have left visible.
func plain(s string) string {
	s = ansi.ReplaceAllString(s, "")
	l := strings.Split(s, "\n")
	for i, x := range l {
		x = strings.TrimRight(x, "\r")
		l[i] = x[strings.LastIndexByte(x, '\r')+1:]
	}
	return strings.Join(l, "\n")
}

package export

import (
	"errors"
	"fmt"
	"go/format"
	"go/types"
	"path/filepath"
	"strings"

	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/bind/list"
	"github.com/fastnb/go/kernel/nb"
)

const programPath = "github.com/fastnb/go/cell/program"

// builder makes one program.
type builder struct {
	name  string // of the notebook, without its ending
	w     *world
	parts []part
	items []*item

	dots    []string          // packages whose names stand without the package's, in this order
	imports map[string]string // local name to path, of what the program may use

	promoted map[string]types.Type // variables at the package's level: those that functions use
	plans    map[*item]*plan       // what has been found out about each item
	count    map[string]int        // how many names have been made of a name
	places   map[string]*item      // item that declares an emitted name, of the last writing
}

// part is a cell: items of a code cell, or the text of another.
type part struct {
	number int
	text   string
	items  []*item
}

// Program is the source of a Go program that does the work of a notebook. title is the notebook's file
// name. If a cell does not fit into a program, the error tells cell and line; the source is then what
// could be made of it, or nil. Cells that show an error on purpose (tagged raises-exception) are left out, as comments,
// where the rest does without them: a program would end there, or not compile.
func Program(n *nb.Notebook, title string) ([]byte, error) {
	kept, some := withoutFailing(n)
	if !some {
		return program(n, title)
	}
	src, err := program(kept, title)
	if err != nil {
		if whole, e := program(n, title); e == nil {
			return whole, nil
		}
	}
	return src, err
}

// withoutFailing is a notebook whose cells that may fail are text, and whether there are some.
func withoutFailing(n *nb.Notebook) (*nb.Notebook, bool) {
	out, some := *n, false
	out.Cells = make([]*nb.Cell, len(n.Cells))
	for i, c := range n.Cells {
		out.Cells[i] = c
		if c.Type == "code" && c.MayFail() {
			text := *c
			text.Type, text.Source = "markdown", "A cell that shows an error on purpose is left out here:\n\n"+c.Source
			out.Cells[i], some = &text, true
		}
	}
	return &out, some
}

func program(n *nb.Notebook, title string) ([]byte, error) {
	bind.Prelude() // makes the short names known
	w, err := newWorld()
	if err != nil {
		return nil, fmt.Errorf("fastnb: nb export: %w", err)
	}
	b := &builder{
		name: strings.TrimSuffix(filepath.Base(title), ".ipynb"), w: w,
		dots: append([]string{}, list.Dotted...), imports: map[string]string{"program": programPath},
		promoted: map[string]types.Type{}, plans: map[*item]*plan{}, count: map[string]int{},
	}
	for _, p := range list.Named {
		b.imports[p[strings.LastIndexByte(p, '/')+1:]] = p
	}
	b.imports["display"] = displayPath
	if err := b.read(n); err != nil {
		return nil, fmt.Errorf("fastnb: nb export: %s: %w", title, err)
	}
	src, failed := b.settle()
	if src == "" {
		return nil, fmt.Errorf("fastnb: nb export: %s: %w", title, failed)
	}
	out, err := format.Source([]byte(src))
	if err != nil {
		return []byte(src), fmt.Errorf("fastnb: nb export: %s: %w", title, err)
	}
	if failed != nil {
		return out, fmt.Errorf("fastnb: nb export: %s: %w", title, failed)
	}
	return out, nil
}

// read takes the notebook apart.
func (b *builder) read(n *nb.Notebook) error {
	strict := false
	for i, c := range n.Cells {
		p := part{number: i + 1, text: c.Source}
		if c.Type == "code" {
			before, rest, s, err := magics(p.number, c.Source, strict)
			strict = s
			if err != nil {
				return err
			}
			items, err := split(p.number, rest)
			if err != nil {
				return err
			}
			if items, err = inOrder(items); err != nil {
				return err
			}
			p.items = append(before, items...)
		}
		for _, it := range p.items {
			it.strict = strict
			if err := b.take(it); err != nil {
				return err
			}
		}
		b.parts = append(b.parts, p)
	}
	return nil
}

func (b *builder) take(it *item) error {
	b.items = append(b.items, it)
	b.plans[it] = &plan{renamed: map[string]string{}}
	for _, d := range it.defs {
		if it.kind == statement && (d.Name == "nil" || d.Name == "error" || d.Name == "program") { // what the program itself says
			b.plans[it].renamed[d.Name] = d.Name + "2"
		}
	}
	if it.kind != importing {
		return nil
	}
	for _, imp := range it.imports() {
		pkg, err := b.w.Import(imp[0])
		if err != nil {
			return fmt.Errorf("cell %d:%d: %w", it.cell, it.line, err)
		}
		switch imp[1] {
		case ".":
			b.dots = append(b.dots, imp[0])
		case "_":
		case "":
			name := pkg.Name()
			if imp[2] == "github.com/gopherdata/gophernotes" {
				name = "gophernotes"
			}
			b.imports[name] = imp[0]
		default:
			b.imports[imp[1]] = imp[0]
		}
	}
	return nil
}

// settle writes and checks the program until nothing is left to be found out.
func (b *builder) settle() (string, error) {
	const rounds = 1000
	for range rounds {
		r, err := b.check()
		if err != nil {
			return "", err
		}
		if b.learn(r) {
			continue
		}
		changed, left := b.mend(r)
		if !changed {
			return b.finish(r), errors.Join(left...)
		}
	}
	return "", errors.New("the cells cannot be made one program")
}

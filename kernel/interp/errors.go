package interp

import (
	"errors"
	"fmt"
	"go/token"
	"regexp"
	"strconv"
	"strings"

	"github.com/cosmos72/gomacro/base"

	"github.com/fastnb/go/cell"
)

// CellError says why a cell failed and where.
type CellError struct {
	Name, Value  string
	Line, Column int    // in the cell, from 1; 0 where unknown
	Source       string // the line's text
	Hint         string
	Traceback    []string // what a front end shows
	Interrupted  bool
}

// Error is the message with its place.
func (e *CellError) Error() string { return e.Value }

var position = regexp.MustCompile(`^repl\.go:(\d+):(\d+): `)

// wrap makes a CellError of what a statement at pos failed with.
func wrap(x any, pos token.Position, code string) *CellError {
	var ce *CellError
	if err, ok := x.(error); ok && errors.As(err, &ce) {
		return ce
	}
	e := &CellError{Name: "error", Line: pos.Line, Column: pos.Column}
	switch x := x.(type) {
	case base.Signal:
		e.Name, e.Value, e.Interrupted = "interrupted", "the cell was interrupted", true
	case error:
		e.Value = x.Error()
		if errors.Is(x, cell.ErrInterrupted) {
			e.Name, e.Interrupted = "interrupted", true
		}
	default:
		e.Value = fmt.Sprint(x)
	}
	if m := position.FindStringSubmatch(e.Value); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Column, _ = strconv.Atoi(m[2])
		e.Value = e.Value[len(m[0]):]
	}
	e.Value = goWords(e.Value)
	return e.finish(code)
}

// finish adds the source line, the hint and the traceback.
func (e *CellError) finish(code string) *CellError {
	if e.Hint == "" {
		e.Hint = hint(e.Value)
	}
	lines := strings.Split(code, "\n")
	e.Traceback = []string{"\x1b[31m" + e.Name + "\x1b[0m: " + e.Value}
	if e.Line > 0 && e.Line <= len(lines) {
		e.Source = lines[e.Line-1]
		e.Traceback = append(e.Traceback, fmt.Sprintf("  line %d: %s", e.Line, e.Source))
	}
	if e.Hint != "" {
		e.Traceback = append(e.Traceback, "  "+e.Hint)
	}
	return e
}

// words turns the reflection package's messages about interpreted code into Go's own.
var words = []struct{ from, to string }{
	{"reflect: slice index out of range", "index out of range"},
	{"reflect: array index out of range", "index out of range"},
	{"reflect: string index out of range", "index out of range"},
	{"reflect: call of reflect.Value.Field on zero Value", "invalid memory address or nil pointer dereference"},
	{"reflect: call of reflect.Value.Elem on zero Value", "invalid memory address or nil pointer dereference"},
	{"reflect.Value.SetMapIndex: assignment to entry in nil map", "assignment to entry in nil map"},
	{"reflect: call of reflect.Value.SetMapIndex on zero Value", "assignment to entry in nil map"},
	{"reflect: call of reflect.Value.Call on zero Value", "call of a nil function"},
	{"reflect: call using zero Value argument", "a nil value was used as an argument"},
}

func goWords(s string) string {
	for _, w := range words {
		if strings.Contains(s, w.from) {
			return strings.Replace(s, w.from, w.to, 1)
		}
	}
	return strings.TrimPrefix(s, "runtime error: ")
}

func hint(msg string) string {
	switch {
	case strings.HasPrefix(msg, "undefined identifier"):
		return "Is it spelled right? Was the cell that defines it run? A package must be imported first."
	case strings.Contains(msg, "expected '(', found '['"):
		return "Cells cannot declare generic functions or types: write one for the type at hand, or use any."
	}
	return ""
}

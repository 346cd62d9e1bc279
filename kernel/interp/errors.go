package interp

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/cosmos72/gomacro/base"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/lang"
)

// CellError says why a cell failed and where.
type CellError struct {
	Name, Value  string
	Line, Column int    // in the cell, from 1; 0 where unknown
	Source       string // the line's text
	Calls        []Call // from the line to where it happened, the outermost first
	Hint         string
	Traceback    []string // what a front end shows
	Interrupted  bool

	trace []lang.Frame // of a goroutine's panic, until its cell tells it
}

// Error is the message with its place.
func (e *CellError) Error() string { return e.Value }

// wrap makes a CellError of what a statement at pos failed with.
func wrap(x any, pos lang.Place, code string) *CellError {
	var ce *CellError
	if err, ok := x.(error); ok && errors.As(err, &ce) {
		if ce.Traceback == nil {
			return ce.finish(code)
		}
		return ce
	}
	e := &CellError{Name: "error", Line: pos.Line, Column: pos.Column}
	isNil := ""
	if f, ok := x.(lang.FailureError); ok {
		e.Line, e.Column, x = f.At.Line, f.At.Column, f.Err
	}
	if p, ok := x.(*lang.PanicError); ok {
		x, isNil = p.Value, p.Nil
		if b, ok := x.(lang.Boxed); ok {
			if err := b.AsError(); err != nil {
				x = err
			}
		}
	}
	switch x := x.(type) {
	case base.Signal:
		e.Name, e.Value, e.Interrupted = "interrupted", "the cell was interrupted", true
	case error:
		e.Value = x.Error()
		if errors.Is(x, cell.ErrInterrupted) {
			e.Name, e.Interrupted = "interrupted", true
		}
		if x == cell.ErrInterrupted { //nolint:errorlint // bare: there is nothing else to say
			e.Value = "the cell was interrupted"
		}

	default:
		e.Value = fmt.Sprint(x)
	}
	e.Value = goWords(e.Value)
	if isNil != "" {
		e.Value += ": " + isNil + " is nil"
	}
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
	for _, c := range e.Calls {
		e.Traceback = append(e.Traceback, "  "+c.String())
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
	{"reflect.Value.Slice: slice index out of bounds", "slice bounds out of range"},
	{"reflect.Value.Slice: string slice index out of bounds", "slice bounds out of range"},
	{"reflect.Value.Slice3: slice index out of bounds", "slice bounds out of range"},
	{"reflect: Method on nil interface value", "invalid memory address or nil pointer dereference"},
	{"reflect: call of reflect.Value.Method on zero Value", "invalid memory address or nil pointer dereference"},
	{"reflect: call of reflect.Value.Field on zero Value", "invalid memory address or nil pointer dereference"},
	{"reflect: call of reflect.Value.Elem on zero Value", "invalid memory address or nil pointer dereference"},
	{"reflect.Value.SetMapIndex: assignment to entry in nil map", "assignment to entry in nil map"},
	{"reflect: call of reflect.Value.SetMapIndex on zero Value", "assignment to entry in nil map"},
	{"reflect: call of reflect.Value.Call on zero Value", "invalid memory address or nil pointer dereference (call of a nil function)"},
	{"reflect.Value.Call: call of nil function", "invalid memory address or nil pointer dereference (call of a nil function)"},
	{"reflect.MakeSlice: negative len", "makeslice: len out of range"},
	{"reflect.MakeSlice: len > cap", "makeslice: cap out of range"},
	{"reflect: call using zero Value argument", "a nil value was used as an argument"},
}

// nilRead is how the interpreter fails where a nil pointer is followed whose type refers to itself.
var nilRead = regexp.MustCompile(`^interface conversion: interface( \{\})? is nil, not \*struct \{`)

// nilField is how the interpreter fails on a nil pointer in a field that it keeps in an interface.
var nilField = regexp.MustCompile(`^interface conversion: <interface\{\}> is nil, not <`)

func goWords(s string) string {
	if nilField.MatchString(s) {
		return "invalid memory address or nil pointer dereference"
	}
	if nilRead.MatchString(s) {
		return "invalid memory address or nil pointer dereference"
	}
	for _, w := range words {
		if strings.Contains(s, w.from) {
			return strings.Replace(s, w.from, w.to, 1)
		}
	}
	return strings.TrimPrefix(strings.ReplaceAll(s, "\u02b9", ""), "runtime error: ")
}

// pathWanted is the check's message where a string stands for a path.
var pathWanted = regexp.MustCompile(`^cannot use (".*") \(untyped string constant\) as [\w.]*Path value`)

// uncalled is the same where a function is given for what it gives.
var uncalled = regexp.MustCompile(`^cannot use \w+ \(value of type func\(([^()]*)\) (\S+)\) as (\S+) value`)

func hint(msg string) string {
	if name, ok := strings.CutPrefix(msg, "undefined: "); ok {
		if p := importable(name); p != "" {
			return fmt.Sprintf("import %q first.", p)
		}
	}
	if m := pathWanted.FindStringSubmatch(msg); m != nil {
		return fmt.Sprintf("Write NewPath(%s).", m[1])
	}
	if m := uncalled.FindStringSubmatch(msg); m != nil && m[2] == m[3] {
		return "This is a function: call it, with (" + m[1] + ") behind its name."
	}
	return ""
}

package interp

import (
	"errors"
	"fmt"
	"go/token"
	"math/big"
	"path"
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
		if ce.Traceback == nil {
			return ce.finish(code)
		}
		return ce
	}
	e := &CellError{Name: "error", Line: pos.Line, Column: pos.Column}
	if f, ok := x.(failure); ok {
		e.Line, e.Column, x = f.line, 0, f.error
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

// notConvertible is the interpreter's message for a constant of a kind that a variable or an argument does not take.
var notConvertible = regexp.MustCompile(`^cannot convert untyped constant \{(\w+) (.*)\} to <(.+)>$`)

// notAssignable is the same for a value; what follows tells where.
var notAssignable = regexp.MustCompile(`^cannot use <(.+)> as <(.+)> in (.+)$`)

// uncalled is the same where a function is given for what it gives.
var uncalled = regexp.MustCompile(`^cannot use a value of type func\((.*)\) (\S+) as (\S+) in `)

// pathWanted is the same, in Go's words, where a string stands for a path.
var pathWanted = regexp.MustCompile(`^cannot use (".*") \(an untyped string constant\) as .*Path$`)

var noMember = regexp.MustCompile(`^not a type: (\S+\.\S+) <\*ast\.SelectorExpr>$`)

var unknownPackage = regexp.MustCompile(`^undefined "(\w+)" in (\S+) <\*ast\.SelectorExpr>$`)

var noSymbol = regexp.MustCompile(`^package (\S+) "\S+" has no symbol (\S+)$`)

// noField is the interpreter's message for a field set that a value does not have.
var noField = regexp.MustCompile(`^type \S+ has no field(?: or method)? "(\w+)": (.+)\.\w+$`)

// noMethod is the interpreter's message for a name after a dot that a value does not have.
var noMethod = regexp.MustCompile(`^not a package: "[^"]*" in ([\w.]+)\.(\w+) <`)

// noChained is the same message where the name follows more than one dot or a call.
var noChained = regexp.MustCompile(`^invalid qualified type, expecting packagename\.identifier, found: (.*)\.(\w+) <\*ast\.SelectorExpr>$`)

// wrongCount is the interpreter's message for a call with too many or too few arguments.
var wrongCount = regexp.MustCompile(`^((?:not enough|too many) arguments in call to [^\n]*\n\thave \()(.*)(\)\n\twant \()(.*\))$`)

// spread is the last parameter of a list, taken for a variadic one: most slices there are.
var spread = regexp.MustCompile(`\[\](\w+\.\w+Option)\)$`)

// folders are the parts of an import path before the package's name.
var folders = regexp.MustCompile(`[\w.-]+/(?:[\w.-]+/)*`)

func goWords(s string) string {
	if m := notAssignable.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("cannot use a value of type %s as %s in %s", folders.ReplaceAllString(m[1], ""), folders.ReplaceAllString(m[2], ""), m[3])
	}
	if m := notConvertible.FindStringSubmatch(s); m != nil {
		if r, ok := new(big.Rat).SetString(m[2]); ok && strings.Contains(m[2], "/") {
			f, _ := r.Float64()
			m[2] = fmt.Sprint(f)
		}
		return fmt.Sprintf("cannot use %s (an untyped %s constant) as %s", m[2], m[1], path.Base(m[3]))
	}
	if m := wrongCount.FindStringSubmatch(s); m != nil {
		have := strings.ReplaceAll(m[2], "untyped.Lit", "an untyped constant")
		return m[1] + folders.ReplaceAllString(have, "") + m[3] + spread.ReplaceAllString(folders.ReplaceAllString(m[4], ""), "...$1)")
	}
	if m := noChained.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("%s has no field or method %s", m[1], m[2])
	}
	if m := noField.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("%s has no field or method %s", m[2], m[1])
	}
	if m := noMethod.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("%s has no field or method %s", m[1], m[2])
	}
	if m := noSymbol.FindStringSubmatch(s); m != nil {
		return "undefined: " + m[1] + "." + m[2]
	}
	if m := unknownPackage.FindStringSubmatch(s); m != nil {
		return "undefined: " + m[1]
	}
	if m := noMember.FindStringSubmatch(s); m != nil {
		return "undefined: " + m[1]
	}
	if name, ok := strings.CutPrefix(s, "undefined identifier: "); ok {
		return "undefined: " + name
	}
	for _, w := range words {
		if strings.Contains(s, w.from) {
			return strings.Replace(s, w.from, w.to, 1)
		}
	}
	return strings.TrimPrefix(strings.ReplaceAll(s, "\u02b9", ""), "runtime error: ")
}

func hint(msg string) string {
	if name, ok := strings.CutPrefix(msg, "undefined: "); ok {
		if p := importable(name); p != "" {
			return fmt.Sprintf("import %q first.", p)
		}
	}
	if m := pathWanted.FindStringSubmatch(msg); m != nil {
		return fmt.Sprintf("Write NewPath(%s).", m[1])
	}
	switch m := uncalled.FindStringSubmatch(msg); {
	case m != nil && m[2] == m[3]:
		return "This is a function: call it, with (" + m[1] + ") behind its name."
	case strings.Contains(msg, "expected '(', found '['"), strings.Contains(msg, "expected ']', found 'IDENT'"), strings.Contains(msg, "expected ';', found '['"), strings.HasPrefix(msg, "unimplemented type: ") && strings.Contains(msg, "*ast.Index"):
		return genericHint
	case strings.Contains(msg, " has no field or method "):
		return memberHint
	case strings.HasPrefix(msg, "goto label not found"):
		return "A goto and its label must stand in one function, the label not in a block beside it: write a loop, or a function."
	}
	return ""
}

const genericHint = "Cells cannot declare or instantiate generic functions and types: write one for the type at hand, or use any. The generic functions of slices, maps and cmp can be called."

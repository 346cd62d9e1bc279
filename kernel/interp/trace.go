package interp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fastnb/go/kernel/lang"
)

// Call is a call on the way to where a cell failed.
type Call struct {
	Func   string // the function that was called; "" where calls have been left out
	Line   int    // where it stood in that function, in its cell
	Cell   int    // that cell's number; 0 if it is the one that failed, or has none
	Source string // the line's text
	Times  int    // how often in a row; of calls left out, how many
}

func (c Call) String() string {
	if c.Func == "" {
		return fmt.Sprintf("... %d calls more ...", c.Times)
	}
	out := fmt.Sprintf("in %s, line %d", c.Func, c.Line)
	if c.Cell > 0 {
		out += fmt.Sprintf(" of cell [%d]", c.Cell)
	}
	if c.Times > 1 {
		out += fmt.Sprintf(" (%d times)", c.Times)
	}
	return out + ": " + c.Source
}

// failedAt makes the error of a statement, nil for one of the cell's deferred calls, with the calls on the way to where
// it happened.
func (s *Session) failedAt(st *lang.Step, err error, code string) *CellError {
	at := s.last
	var p *lang.PanicError
	if !errors.As(err, &p) {
		p = &lang.PanicError{}
	}
	calls := p.Trace
	for n := len(calls); n > 0 && calls[n-1].Func == "" && calls[n-1].Line > 0; n = len(calls) {
		if calls[n-1].Serial == s.e.Serial() && (st == nil || calls[n-1].Line != at.Line) {
			at.Line, at.Column = calls[n-1].Line, 0
		}
		calls = calls[:n-1]
	}
	e := wrap(err, at, code)
	if !e.Interrupted {
		e.Calls = s.calls(calls, code)
	}
	if h := unlearn(e.Value, e.Source, true); h != "" {
		e.Hint = h
	}
	return e.finish(code)
}

// calls are the calls of a trace, the outermost first.
func (s *Session) calls(trace []lang.Frame, code string) (out []Call) {
	for i := len(trace) - 1; i >= 0; i-- {
		f := trace[i]
		c := Call{Func: f.Func, Line: f.Line, Times: f.Times}
		text := code
		if f.Serial != s.e.Serial() {
			ran := s.ran[f.Serial]
			c.Cell, text = ran.count, ran.code
		}
		if lines := strings.Split(text, "\n"); f.Line > 0 && f.Line <= len(lines) {
			c.Source = strings.TrimSpace(lines[f.Line-1])
		}
		if f.Line > 0 && f.Func == "" {
			c.Func = "a cell's statement"
		}
		out = append(out, c)
	}
	return out
}

// ranCell is a cell whose functions later ones may call.
type ranCell struct {
	count int // its number for the user; 0 if it has none
	code  string
}

// remember keeps a cell that was made the session's, for the place of errors in its functions.
func (s *Session) remember(code string) {
	if s.ran == nil {
		s.ran = map[int]ranCell{}
	}
	s.ran[s.e.Serial()] = ranCell{s.count, code}
}

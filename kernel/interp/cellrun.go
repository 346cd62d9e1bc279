package interp

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"strings"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/lang"
)

// cell runs a cell on the interpreter's goroutine. A panic of our own or of the interpreter's fails
// the cell and not the process.
func (s *Session) cell(ctx context.Context, code string, o RunOptions) (res Result) {
	defer func() {
		if r := recover(); r != nil {
			res = Result{Err: wrap(fmt.Errorf("the interpreter failed on this cell: %v", r), lang.Place{}, code)}
		}
	}()
	for len(s.panics) > 0 { // of goroutines that an earlier cell left behind
		discard := <-s.panics
		_ = discard // what it says has been printed
	}
	s.count = o.Count
	var vals []any
	var err error
	if o.Plain {
		vals, err = s.expression(code)
	} else {
		vals, err = s.lines(ctx, code)
	}
	if err == nil {
		select {
		case e := <-s.panics:
			e.Calls = s.calls(e.trace, code)
			err = e.finish(code)
		default:
		}
	}
	if err != nil {
		res.Err = wrap(err, lang.Place{}, code)
		if ctx.Err() != nil {
			res.Err.Interrupted = true
			if res.Err.Name == "error" {
				res.Err.Name = "interrupted"
			}
		}
		return res
	}
	if ctx.Err() != nil {
		res.Err = (&CellError{Name: "interrupted", Value: "the cell was interrupted", Interrupted: true}).finish(code)
		return res
	}
	if !o.Silent {
		res = s.show(vals, code)
	}
	return res
}

// lines runs a cell's magics and then its Go.
func (s *Session) lines(ctx context.Context, code string) (vals []any, err error) {
	out := s.out.Load()
	c, err := s.magics(ctx, code, innermost(out))
	if err != nil {
		return nil, err
	}
	if c.silent {
		s.Flush() // what came before is not captured
		cap := &captured{Output: *out}
		var o Output = cap
		s.out.Store(&o)
		leave := cell.Enter(ctx, cap)
		defer func() {
			s.Flush()
			leave()
			s.out.Store(out)
			if c.capture != "" {
				s.e.Set(c.capture, types.Typ[types.String], cap.text.String())
			}
		}()
	}
	start := time.Now()
	eval := func() ([]any, error) { return s.eval(ctx, strings.Join(c.lines, "\n")) }
	if c.profile {
		vals, err = profiled(eval)
	} else {
		vals, err = eval()
	}
	if c.timed {
		fmt.Printf("Wall time: %v\n", short(float64(time.Since(start))))
	}
	if c.silent {
		vals = nil
	}
	return vals, err
}

// innermost is the output that a front end gave.
func innermost(out *Output) Output {
	if f, ok := (*out).(flushing); ok {
		return f.Output
	}
	return *out
}

// expression gives the values of one expression, errors among them.
func (s *Session) expression(code string) (out []any, err error) {
	steps, _, err := s.prepare(code, true)
	if err != nil {
		return nil, err
	}
	if len(steps) != 1 {
		return nil, fmt.Errorf("not one expression: %s", code)
	}
	if _, ok := steps[0].Src.(*ast.ExprStmt); !ok {
		return nil, fmt.Errorf("not one expression: %s", code)
	}
	vals, err := steps[0].Run()
	for _, v := range vals {
		out = append(out, v.V)
	}
	return out, err
}

// show renders the last values; a panic of a value's own method fails the cell.
func (s *Session) show(vals []any, code string) (res Result) {
	defer func() {
		if r := recover(); r != nil {
			res = Result{Err: wrap(fmt.Errorf("showing the cell's value: %v", r), lang.Place{}, code)}
		}
	}()
	for _, v := range vals {
		if err := carried(v); err != nil && !s.strict {
			return Result{Err: wrap(err, s.last, code)}
		}
	}
	res.Data, res.Metadata = render(vals)
	return res
}

// prepare checks and lowers a cell, and makes what it declares the session's.
func (s *Session) prepare(code string, strict bool) ([]*lang.Step, *lang.Cell, error) {
	c, bad := s.e.Check(code, strict)
	if bad != nil {
		return nil, nil, s.refused(bad, code)
	}
	steps, bad := c.Lower()
	if bad != nil {
		return nil, nil, s.refused(bad, code)
	}
	if err := c.Define(); err != nil {
		return nil, nil, err
	}
	return steps, c, nil
}

// eval runs Go code statement by statement and gives the values of the last one.
func (s *Session) eval(ctx context.Context, code string) (vals []any, err error) {
	steps, c, err := s.prepare(code, s.strict)
	if err != nil {
		return nil, err
	}
	if strings.Contains(code, "func") {
		s.remember(code)
	}
	s.e.Start()
	defer func() {
		before, w := err, s.worker.Load()
		err = s.e.Finish(before)
		s.abandoned(w)
		if err != before && err != nil { //nolint:errorlint // the same one
			err = s.failedAt(nil, err, code)
		}
	}()
	for _, st := range steps {
		if ctx.Err() != nil {
			return nil, cell.ErrInterrupted
		}
		s.last = st.At
		vals, err = s.step(st)
		if errors.Is(err, lang.ErrLeft) {
			return nil, nil
		}
		if err != nil {
			return nil, s.failedAt(st, err, code)
		}
	}
	if c.Program {
		w := s.worker.Load()
		err := c.Main()
		s.abandoned(w)
		if err != nil {
			return nil, s.failedAt(nil, err, code)
		}
	}
	return vals, nil
}

// step runs one statement under the cell rule: an error that is the last result of a call, and that the cell did
// not assign to a variable, fails the cell; so does a value just assigned whose Err method says what broke it.
func (s *Session) step(st *lang.Step) (out []any, err error) {
	w := s.worker.Load()
	vals, err := st.Run()
	s.abandoned(w)
	if err != nil {
		return nil, err
	}
	for i, v := range vals {
		if i == len(vals)-1 && !s.strict && isError(v.Type) {
			if e, ok := v.V.(error); ok && e != nil {
				return nil, e
			}
			if b, ok := v.V.(lang.Boxed); ok {
				if e := b.AsError(); e != nil {
					return nil, e
				}
			}
			continue
		}
		out = append(out, v.V)
	}
	if !s.strict {
		for _, v := range st.Assigned() {
			if err := carried(v.V); err != nil {
				return nil, err
			}
		}
	}
	if prints(st.Src) {
		return nil, nil
	}
	return out, nil
}

func isError(t types.Type) bool {
	return t != nil && types.Identical(t, types.Universe.Lookup("error").Type())
}

// carried is the error that a value holds, told by its Err method.
func carried(x any) error {
	switch e := x.(type) {
	case lang.Boxed:
		if e.Nil() {
			return nil
		}
		if r, ok := e.Call("Err"); ok {
			switch r := r.(type) {
			case lang.Boxed:
				return r.AsError()
			case error:
				return r
			}
		}
	case interface{ Err() error }:
		if !isNilPointer(x) {
			return e.Err()
		}
	}
	return nil
}

// prints reports whether a statement is a call of fmt's print functions: how many bytes they wrote
// is nothing that a reader wants to see below what they wrote.
func prints(st ast.Stmt) bool {
	e, ok := st.(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := e.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := sel.X.(*ast.Ident)
	return ok && pkg.Name == "fmt" && (strings.HasPrefix(sel.Sel.Name, "Print") || strings.HasPrefix(sel.Sel.Name, "Fprint"))
}

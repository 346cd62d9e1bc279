package lang

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// TypeIn is what TypeOf says of an expression that stands at the end of before, the part of a cell that has been
// written: what that declares is known, block by block. Nothing of it runs, and nothing of it stays.
func (e *Engine) TypeIn(before, expr string) (tv types.TypeAndValue, o types.Object, ok bool) {
	for text := range unfinished(before, expr) {
		if tv, o, ok = e.typeAt(text, strings.LastIndex(text, atMark)+len(atMark)); ok {
			return tv, o, true
		}
	}
	return e.TypeOf(expr)
}

// atMark stands before the expression that is asked for.
const atMark = "_ = ("

// unfinished gives before as cells that parse, perhaps, with expr in the place of the statement that is not
// finished: the innermost such statement first.
func unfinished(before, expr string) func(yield func(string) bool) {
	toks := scan(before)
	type level struct {
		close string
		cuts  []int // where a statement may begin
	}
	stack := []level{{cuts: []int{0}}}
	for _, t := range toks {
		top := &stack[len(stack)-1]
		switch t.tok {
		case token.LBRACE:
			stack = append(stack, level{close: "}", cuts: []int{t.to}})
		case token.LPAREN:
			stack = append(stack, level{close: ")"})
		case token.LBRACK:
			stack = append(stack, level{close: "]"})
		case token.RBRACE, token.RPAREN, token.RBRACK:
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
		case token.SEMICOLON:
			if len(top.cuts) > 0 {
				top.cuts = append(top.cuts, t.to)
			}
		case token.COLON: // of a case, perhaps
			if len(top.cuts) > 0 {
				top.cuts = append(top.cuts, t.to)
			}
		}
	}
	const tries = 8
	return func(yield func(string) bool) {
		n := 0
		for i := len(stack) - 1; i >= 0; i-- {
			closers := ""
			for k := i; k > 0; k-- {
				closers += "\n" + stack[k].close
			}
			cuts := stack[i].cuts
			for k := len(cuts) - 1; k >= 0 && n < tries; k-- {
				n++
				if !yield(before[:min(cuts[k], len(before))] + "\n" + atMark + expr + ")" + closers) {
					return
				}
			}
		}
	}
}

// typeAt checks a cell as far as it goes and looks at the expression that begins at an offset.
func (e *Engine) typeAt(code string, at int) (tv types.TypeAndValue, o types.Object, ok bool) {
	p, err := e.parse(code)
	if err != nil {
		return tv, nil, false
	}
	c := &Cell{e: e, p: p, own: map[string]bool{}, over: map[string]types.Object{}, varOf: map[types.Object]*variable{}, Info: newInfo()}
	defer c.rollback()
	for _, step := range []func() *Error{c.importAll, c.declareAll, c.statements, c.bodies} {
		func() {
			defer func() { _ = recover() }() // what is half written may be anything
			_ = step()
		}()
	}
	if id := identifier(code[at:]); id != "" {
		if pkg, is := c.lookup(id).(*types.PkgName); is && c.localOf(id, at) == nil {
			return tv, pkg, true
		}
	}
	var best ast.Expr
	for x, t := range c.Info.Types {
		if e.offset(x.Pos()) == at && t.Type != nil && t.Type != types.Typ[types.Invalid] && (best == nil || x.End() > best.End()) {
			best, tv, ok = x, t, true
		}
	}
	switch x := best.(type) {
	case *ast.Ident:
		o = c.Info.ObjectOf(x)
	case *ast.SelectorExpr:
		o = c.Info.ObjectOf(x.Sel)
	}
	return tv, o, ok
}

// identifier is the name that text consists of up to a closing parenthesis; "" if there is more.
func identifier(text string) string {
	name, _, _ := strings.Cut(text, ")")
	if token.IsIdentifier(name) {
		return name
	}
	return ""
}

// localOf is the variable that a name at an offset stands for, if it is one.
func (c *Cell) localOf(name string, at int) types.Object {
	for id, o := range c.Info.Uses {
		if id.Name == name && c.e.offset(id.Pos()) == at {
			if _, is := o.(*types.PkgName); !is {
				return o
			}
		}
	}
	return nil
}

// Names are what a cell that is being written has declared by its end, block by block, besides the session.
func (e *Engine) Names(before string) map[string]types.Object {
	out := map[string]types.Object{}
	for text := range unfinished(before, "0") {
		p, err := e.parse(text)
		if err != nil {
			continue
		}
		at := strings.LastIndex(text, atMark)
		c := &Cell{e: e, p: p, own: map[string]bool{}, over: map[string]types.Object{}, varOf: map[types.Object]*variable{}, Info: newInfo()}
		func() {
			defer func() { _ = recover() }()
			defer c.rollback()
			for _, step := range []func() *Error{c.importAll, c.declareAll, c.statements, c.bodies} {
				_ = step()
			}
		}()
		for name, o := range c.over {
			out[name] = o
		}
		for _, s := range c.Info.Scopes {
			if from, to := e.offset(s.Pos()), e.offset(s.End()); from > at || to < at {
				continue
			}
			for _, name := range s.Names() {
				if o := s.Lookup(name); e.offset(o.Pos()) < at {
					out[name] = o
				}
			}
		}
		return out
	}
	return out
}

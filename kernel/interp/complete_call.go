package interp

import (
	"go/scanner"
	"go/token"
	"path"
	"reflect"
	"slices"
	"strings"

	xr "github.com/cosmos72/gomacro/xreflect"

	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/bind/list"
)

// argument is a place in a call's arguments.
type argument struct {
	callee string // the expression that is called
	index  int    // from 0
}

// argumentAt is the argument that begins at the end of code; ok is false where none does.
func argumentAt(code string) (a argument, ok bool) {
	type tok struct {
		kind     token.Token
		from, to int
	}
	var s scanner.Scanner
	f := token.NewFileSet().AddFile("", -1, len(code))
	s.Init(f, []byte(code), func(token.Position, string) {}, 0)
	var toks []tok
	for {
		pos, kind, lit := s.Scan()
		if kind == token.EOF {
			break
		}
		if kind == token.SEMICOLON && lit == "\n" {
			continue
		}
		from := f.Offset(pos)
		toks = append(toks, tok{kind, from, from + max(len(lit), len(kind.String()))})
	}
	n := len(toks)
	if n == 0 || toks[n-1].kind != token.LPAREN && toks[n-1].kind != token.COMMA {
		return a, false
	}
	// back from a closing bracket to its opening one
	opening := func(i int) int {
		for depth := 0; i >= 0; i-- {
			switch toks[i].kind {
			case token.RPAREN, token.RBRACK, token.RBRACE:
				depth++
			case token.LPAREN, token.LBRACK, token.LBRACE:
				if depth--; depth == 0 {
					return i
				}
			}
		}
		return -1
	}
	i := n - 1
	for ; i >= 0 && toks[i].kind != token.LPAREN; i-- {
		switch toks[i].kind {
		case token.COMMA:
			a.index++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			i = opening(i)
		case token.LBRACK, token.LBRACE: // inside a literal, not among the arguments
			return a, false
		}
	}
	open := i
	for i--; i >= 0; {
		switch k := toks[i].kind; {
		case k == token.RPAREN || k == token.RBRACK:
			i = opening(i) - 1
			continue
		case k == token.IDENT && i > 0 && toks[i-1].kind == token.PERIOD:
			i -= 2
			continue
		case k != token.IDENT:
			i++
		}
		break
	}
	if open <= 0 || i < 0 || i >= open || toks[open-1].kind != token.IDENT || i > 0 && toks[i-1].kind == token.FUNC {
		return a, false
	}
	a.callee = code[toks[i].from:toks[open].from]
	return a, true
}

// fitting lists what can be given as an argument, the cells' own variables before functions and values of
// the packages: what has the parameter's type or gives it. It must run on the interpreter's goroutine.
func (s *Session) fitting(a argument) (found []Completion) {
	f := s.callee(a.callee)
	if f == nil {
		return nil
	}
	param := parameter(f, a.index)
	if param == nil {
		return nil
	}
	var own []Completion
	for name, b := range s.ir.Comp.Binds {
		if s.own(name) && s.prelude.binds[name] != b && b.Type != nil && b.Type.AssignableTo(param) {
			own = append(own, Completion{name, "instance"})
		}
	}
	want := param.ReflectType() // without a name if a cell declared it: then no package has any
	add := func(prefix, pkg string) {
		values, _ := bind.Symbols(pkg)
		for name, v := range values {
			switch t := v.Type(); {
			case t.Kind() == reflect.Func && t.NumOut() == 1 && t.Out(0).AssignableTo(want):
				found = append(found, Completion{prefix + name, "function"})
			case t.Kind() == reflect.Pointer && t.Elem().AssignableTo(want), t.AssignableTo(want): // a variable is bound by its address
				found = append(found, Completion{prefix + name, "instance"})
			}
		}
	}
	if named(want) {
		for _, p := range list.Dotted {
			add("", p)
		}
		for _, p := range list.Named {
			if strings.HasPrefix(p, "github.com/fastnb/") {
				add(path.Base(p)+".", p)
			}
		}
	}
	byText := func(a, b Completion) int { return strings.Compare(a.Text, b.Text) }
	slices.SortFunc(own, byText)
	slices.SortFunc(found, byText)
	return append(own, found...)
}

// callee is the type of a function that an expression stands for. Where a cell has not made the value yet
// whose method is called, it is the method of that name in the library, if there is one.
func (s *Session) callee(expr string) xr.Type {
	if t := s.typeOf(expr); t != nil && t.Kind() == reflect.Func {
		return t
	}
	i := strings.LastIndexByte(expr, '.')
	if i < 0 {
		return nil
	}
	method := strings.TrimSpace(expr[i+1:])
	for _, p := range list.Dotted {
		_, types := bind.Symbols(p)
		for _, name := range sortedKeys(types) {
			t := types[name]
			if t.Kind() == reflect.Interface {
				continue
			}
			if m, ok := reflect.PointerTo(t).MethodByName(method); ok {
				in := make([]reflect.Type, 0, m.Type.NumIn())
				for k := 1; k < m.Type.NumIn(); k++ { // without the receiver
					in = append(in, m.Type.In(k))
				}
				return s.ir.Comp.Universe.FromReflectType(reflect.FuncOf(in, nil, m.Type.IsVariadic()))
			}
		}
	}
	return nil
}

func sortedKeys(m map[string]reflect.Type) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// parameter is the type of a function's i-th argument, if it is one that tells what fits: a type with a
// name that is not a plain one, or a pointer to such.
func parameter(f xr.Type, i int) xr.Type {
	n := f.NumIn()
	var t xr.Type
	switch {
	case f.IsVariadic() && i >= n-1:
		t = f.In(n - 1).Elem()
	case i < n:
		t = f.In(i)
	default:
		return nil
	}
	name := t
	if t.Kind() == reflect.Pointer {
		name = t.Elem()
	}
	if name.PkgPath() == "" || t.Kind() == reflect.Interface && t.NumMethod() == 0 {
		return nil
	}
	return t
}

// named reports whether a type, or what it points to, has a name that packages know.
func named(t reflect.Type) bool {
	return t.PkgPath() != "" || t.Kind() == reflect.Pointer && t.Elem().PkgPath() != ""
}

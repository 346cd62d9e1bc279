package interp

import (
	"go/token"
	"go/types"
	"path"
	"strings"

	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/bind/list"
	"github.com/fastnb/go/kernel/lang"
)

// argument is a place in a call's arguments.
type argument struct {
	callee string // the expression that is called
	before string // what stands before it
	index  int    // from 0
}

// argumentAt is the argument that begins at the end of code; ok is false where none does.
func argumentAt(code string) (a argument, ok bool) {
	toks := lexemes(code, false)
	n := len(toks)
	if n == 0 || toks[n-1].kind != token.LPAREN && toks[n-1].kind != token.COMMA {
		return a, false
	}
	i := n - 1
	for ; i >= 0 && toks[i].kind != token.LPAREN; i-- {
		switch toks[i].kind {
		case token.COMMA:
			a.index++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			i = opening(toks, i)
		case token.LBRACK, token.LBRACE: // inside a literal, not among the arguments
			return a, false
		}
	}
	open := i
	for i--; i >= 0; {
		switch k := toks[i].kind; {
		case k == token.RPAREN || k == token.RBRACK:
			i = opening(toks, i) - 1
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
	a.callee, a.before = code[toks[i].from:toks[open].from], code[:toks[i].from]
	return a, true
}

// fitting lists what can be given as an argument, the cells' own variables before functions and values of
// the packages: what has the parameter's type or gives it. It must run on the interpreter's goroutine.
func (s *Session) fitting(a argument) []Completion {
	f, of := s.callee(a)
	if f == nil {
		return nil
	}
	param := parameter(f, a.index)
	if param == nil {
		return nil
	}
	fits := s.fits(param)
	if f.Variadic() && a.index >= f.Params().Len()-1 {
		doc := bind.Doc(of)
		if doc == "" {
			doc = s.documented(a.before, a.callee)
		}
		return s.optionsOf(fits, doc, param)
	}
	return fits
}

// optionsOf puts first what the comment of a call names as its options. One that it does not name, while its own
// comment says of which other call it is, is left out: its type alone would fit.
func (s *Session) optionsOf(fits []Completion, doc string, param types.Type) []Completion {
	if doc == "" {
		return fits
	}
	named := wordsOf(doc)
	var takers map[string]bool
	var first, rest []Completion
	for _, c := range fits {
		if c.Type != "function" || named[path.Base(c.Text)] {
			first = append(first, c)
			continue
		}
		if takers == nil {
			takers = s.takers(param)
		}
		elsewhere := false
		for w := range wordsOf(s.documented("", c.Text)) {
			elsewhere = elsewhere || takers[w]
		}
		if !elsewhere {
			rest = append(rest, c)
		}
	}
	return append(first, rest...)
}

// wordsOf are the words of a comment, without the declaration above it.
func wordsOf(doc string) map[string]bool {
	_, text, _ := strings.Cut(doc, "\n\n")
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !inName(r) }) {
		words[w] = true
	}
	return words
}

// takers are the names of the library's functions and methods that take options of a type.
func (s *Session) takers(param types.Type) map[string]bool {
	all := map[string]bool{}
	look := func(o types.Object) {
		f, ok := o.(*types.Func)
		if !ok || !f.Signature().Variadic() {
			return
		}
		params := f.Signature().Params()
		if l, ok := params.At(params.Len() - 1).Type().(*types.Slice); ok && types.Identical(l.Elem(), param) {
			all[f.Name()] = true
		}
	}
	for _, p := range list.Dotted {
		for _, o := range lang.Exported(s.e.Package(p)) {
			look(o)
			if tn, ok := o.(*types.TypeName); ok && !types.IsInterface(tn.Type()) {
				for m := range types.NewMethodSet(types.NewPointer(tn.Type())).Methods() {
					look(m.Obj())
				}
			}
		}
	}
	return all
}

// fits lists what has a type, or gives it.
func (s *Session) fits(want types.Type) []Completion {
	var own, found []Completion
	for name, o := range s.e.Scope() {
		if v, ok := o.(*types.Var); ok && s.own(name) && types.AssignableTo(v.Type(), want) {
			own = append(own, Completion{name, "instance"})
		}
	}
	add := func(prefix string, p *types.Package) {
		for _, o := range lang.Exported(p) {
			switch o := o.(type) {
			case *types.Func:
				sig := o.Signature()
				if sig.TypeParams().Len() == 0 && sig.Results().Len() == 1 && types.AssignableTo(sig.Results().At(0).Type(), want) {
					found = append(found, Completion{prefix + o.Name(), "function"})
				}
			case *types.Var, *types.Const:
				if types.AssignableTo(o.Type(), want) {
					found = append(found, Completion{prefix + o.Name(), "instance"})
				}
			}
		}
	}
	if named(want) {
		for _, p := range list.Dotted {
			add("", s.e.Package(p))
		}
		for _, p := range list.Named {
			if strings.HasPrefix(p, "github.com/fastnb/") {
				add(path.Base(p)+".", s.e.Package(p))
			}
		}
	}
	return append(sortedWords(own), sortedWords(found)...)
}

// callee is the type of a function that an expression stands for. Where a cell has not made the value yet
// whose method is called, it is the method of that name in the library, if there is one, and doc its name there.
func (s *Session) callee(a argument) (f *types.Signature, doc string) {
	expr := a.callee
	if tv, o, ok := s.e.TypeIn(a.before, expr); ok || o != nil {
		t := tv.Type
		if t == nil && o != nil {
			t = o.Type()
		}
		if t != nil {
			if f, ok := t.Underlying().(*types.Signature); ok {
				return f, ""
			}
		}
	}
	i := strings.LastIndexByte(expr, '.')
	if i < 0 {
		return nil, ""
	}
	method := strings.TrimSpace(expr[i+1:])
	for _, p := range list.Dotted {
		for _, o := range lang.Exported(s.e.Package(p)) {
			tn, ok := o.(*types.TypeName)
			if !ok || types.IsInterface(tn.Type()) {
				continue
			}
			if m, _, _ := types.LookupFieldOrMethod(types.NewPointer(tn.Type()), true, tn.Pkg(), method); m != nil {
				if f, ok := m.(*types.Func); ok {
					return f.Signature(), p + "." + tn.Name() + "." + method
				}
			}
		}
	}
	return nil, ""
}

// parameter is the type of a function's i-th argument, if it is one that tells what fits: a type with a
// name that is not a plain one, or a pointer to such.
func parameter(f *types.Signature, i int) types.Type {
	n := f.Params().Len()
	var t types.Type
	switch {
	case f.Variadic() && i >= n-1:
		s, ok := f.Params().At(n - 1).Type().(*types.Slice)
		if !ok {
			return nil
		}
		t = s.Elem()
	case i < n:
		t = f.Params().At(i).Type()
	default:
		return nil
	}
	if it, ok := t.Underlying().(*types.Interface); ok && it.NumMethods() == 0 || !named(t) {
		return nil
	}
	return t
}

// named reports whether a type, or what it points to, has a name that packages know.
func named(t types.Type) bool {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil
}

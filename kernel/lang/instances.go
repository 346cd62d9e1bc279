package lang

import (
	"embed"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fastnb/go/kernel/bind"
)

//go:embed std/*.txt
var stdSource embed.FS

// unit is a function that waits to be defined in the interpreter.
type unit struct {
	f     *function
	decl  *ast.FuncDecl
	after func() // what becomes true once it is defined
	refs  map[*function]bool
}

// slot is a name for a value of type rt: the name itself, unless it holds something of another type, which
// functions that were compiled with it still see.
func (e *Engine) slot(name string, rt reflect.Type) string {
	base := localName(name)
	for n := 1; ; n++ {
		s := base
		if n > 1 {
			s = base + mark + itoa(n)
		}
		if have := e.slots[s]; have == nil || have == rt {
			e.slots[s] = rt
			return s
		}
	}
}

// newFunction makes a function known, before its body is lowered.
func (e *Engine) newFunction(name string, sig *types.Signature, recv types.Type) *function {
	f := &function{bound: e.repSignature(sig)}
	if recv == nil {
		f.typ = f.bound
	} else {
		e.typesMu.Lock()
		f.typ = e.reps.signature(sig, e.reps.of(recv))
		base := derefPointer(recv)
		f.recvElem = e.reps.of(base)
		e.typesMu.Unlock()
	}
	f.name = e.slot(name, f.typ)
	return f
}

// methodFunc is the function of a method of n.
func (e *Engine) methodFunc(fn *types.Func, n *types.Named) *function {
	if f := e.methods[fn]; f != nil {
		return f
	}
	key := methodKey{e.typ(n), fn.Name()}
	e.goMu.RLock()
	defer e.goMu.RUnlock()
	return e.byType[key]
}

// methodName is a method's name in the interpreter.
func (e *Engine) methodName(n *types.Named, method string) string {
	t := e.typ(n)
	if t.id == 0 {
		e.names++
		t.id = e.names
	}
	return n.Obj().Name() + mark + itoa(t.id) + mark + method
}

// setMethod makes f the method of a type.
func (e *Engine) setMethod(n *types.Named, name string, f *function) {
	key := methodKey{e.typ(n), name}
	e.goMu.Lock()
	defer e.goMu.Unlock()
	e.byType[key] = f
}

// instantiate gives a generic function for type arguments.
func (e *Engine) instantiate(l *low, at ast.Node, origin *types.Func, targs []types.Type) *function {
	origin = origin.Origin()
	key := fmt.Sprintf("%p", origin)
	for _, t := range targs {
		if _, ok := types.Unalias(t).(*types.TypeParam); ok {
			panic(unfit{"a generic function without its types"})
		}
		key += fmt.Sprintf(" %p", e.typ(t))
	}
	if f := e.instances[key]; f != nil {
		return f
	}
	g := e.generics[origin]
	if g == nil {
		l.refuse(at, fmt.Sprintf("the generic %s cannot be instantiated in cells", origin.Name()))
	}
	var params []string
	for p := range origin.Signature().TypeParams().TypeParams() {
		params = append(params, p.Obj().Name())
	}
	return e.instance(key, g, origin.Name(), params, targs, nil, func(f *function) {})
}

// instantiateMethod gives a method of an instance of a generic type.
func (e *Engine) instantiateMethod(fn *types.Func, n *types.Named) *function {
	origin := fn.Origin()
	key := fmt.Sprintf("%p %p", origin, e.typ(n))
	if f := e.instances[key]; f != nil {
		return f
	}
	g := e.generics[origin]
	if g == nil {
		panic(unfit{fmt.Sprintf("method %s of %s is not defined", fn.Name(), bySpelling(n))})
	}
	return e.instance(key, g, fn.Name(), nil, typeList(n.TypeArgs()), n, func(f *function) { e.setMethod(n, fn.Name(), f) })
}

// deepest is how many instances may wait inside each other: a generic function that calls itself with ever
// larger types would go on without end.
const deepest = 200

// instance checks and lowers a generic declaration with types in the place of its type parameters.
func (e *Engine) instance(key string, g *generic, name string, params []string, targs []types.Type, recv *types.Named, known func(*function)) *function {
	text := beforeDecls + blank(g.src.code, []chunk{{0, g.chunk.from, 0}, g.chunk, {g.chunk.to, len(g.src.code), 0}}, func(c chunk) bool { return c == g.chunk })
	file, err := e.parseFile(g.src, text)
	if err != nil {
		panic(unfit{err.Msg})
	}
	d := file.Decls[0].(*ast.FuncDecl)
	c := &Cell{e: e, p: &parsed{src: g.src}, own: map[string]bool{}, over: map[string]types.Object{}, Info: newInfo()}
	for n, o := range g.env {
		c.over[n] = o
	}
	head := &ast.FuncDecl{Name: &ast.Ident{Name: "_", NamePos: d.Name.NamePos}, Type: d.Type, Body: d.Body}
	if d.Recv != nil {
		_, ids := receiver(d)
		for _, p := range ids {
			params = append(params, p.Name)
		}
		head = c.asFunction(d, nil, nil)
	}
	ft := *head.Type
	ft.TypeParams = nil
	head.Type = &ft
	for i, p := range params {
		if p != "_" && i < len(targs) {
			o := types.NewTypeName(token.NoPos, e.pkg, p, nil)
			types.NewAlias(o, targs[i])
			c.over[p] = o
		}
	}
	if _, errs := c.check([]ast.Decl{head}); len(errs) > 0 {
		var spelled []string
		for _, t := range targs {
			spelled = append(spelled, bySpelling(t))
		}
		msg := c.first(errs).Msg
		if p := g.src.missing[strings.TrimPrefix(msg, "undefined: ")]; p != "" {
			msg = fmt.Sprintf("its source uses package %q, which is not compiled into this kernel (try fastnb kernel build --with %s beside its own)", p, p)
		}
		panic(unfit{fmt.Sprintf("%s with %s: %s", name, strings.Join(spelled, ", "), msg)})
	}
	fn := c.Info.Defs[head.Name].(*types.Func)
	sig := fn.Signature()
	e.names++
	label := name + mark + itoa(e.names)
	var f *function
	if recv != nil {
		var rest []*types.Var
		for i := 1; i < sig.Params().Len(); i++ {
			rest = append(rest, sig.Params().At(i))
		}
		bound := types.NewSignatureType(nil, nil, nil, types.NewTuple(rest...), sig.Results(), sig.Variadic())
		f = e.newFunction(label, bound, sig.Params().At(0).Type())
	} else {
		f = e.newFunction(label, sig, nil)
	}
	named := name
	if recv != nil {
		named = recv.Obj().Name() + "." + name
	}
	e.instances[key] = f
	known(f)
	if len(e.units) > deepest {
		panic(unfit{"the generic " + name + " is instantiated without end"})
	}
	e.lowerUnit(f, sig, head, &low{e: e, info: c.Info, serial: g.src.serial, locals: map[types.Object]string{}, name: named, at: -1}, nil)
	return f
}

// lowerUnit lowers a function's body and puts it where Define finds it.
func (e *Engine) lowerUnit(f *function, sig *types.Signature, d *ast.FuncDecl, l *low, after func()) {
	u := &unit{f: f, after: after, refs: map[*function]bool{}}
	e.units = append(e.units, u)
	l.refs = u.refs
	ft, body := l.function(sig, d.Type, d.Body)
	u.decl = &ast.FuncDecl{Name: id(f.name), Type: ft, Body: body}
}

// needMethods instantiates the methods that a value of type t may be asked for once it stands in an interface.
func (l *low) needMethods(t types.Type) {
	e := l.e
	var walk func(t types.Type)
	walk = func(t types.Type) {
		t = types.Unalias(t)
		if e.needed.At(t) != nil {
			return
		}
		e.needed.Set(t, true)
		switch t := t.(type) {
		case *types.Named:
			if !isCell(t) {
				return
			}
			if t.TypeArgs().Len() > 0 && !types.IsInterface(t) {
				for m := range t.Methods() {
					e.instantiateMethod(m, t)
				}
			}
			walk(t.Underlying())
		case *types.Array:
			walk(t.Elem())
		case *types.Struct:
			for f := range t.Fields() {
				walk(f.Type())
			}
		case *types.Pointer, *types.Slice, *types.Map, *types.Chan:
			for _, b := range behind(t) {
				walk(b)
			}
		}
	}
	walk(t)
}

// stdGeneric is a generic function of a compiled package: written in cells' Go by us, and compiled where that
// is quicker.
func (l *low) stdGeneric(x *ast.Ident, o *types.Func) ast.Expr {
	inst, ok := l.info.Instances[x]
	if !ok {
		l.refuse(x, "the generic "+o.Pkg().Name()+"."+o.Name()+" cannot be used without its types")
	}
	e := l.e
	if f := quickGeneric(o, inst.TypeArgs); f != nil {
		name := o.Pkg().Name() + mark + o.Name() + mark + strings.NewReplacer("[", "", "]", "s").Replace(bySpelling(inst.TypeArgs.At(0)))
		if !e.declared[name] {
			e.ir.DeclFunc(name, f)
			e.declared[name] = true
		}
		return id(name)
	}
	e.std(o)
	if e.generics[o.Origin()] == nil {
		l.refuse(x, fmt.Sprintf("the generic %s.%s cannot be used in cells: it is compiled for no type", o.Pkg().Name(), o.Name()))
	}
	return id(l.use(e.instantiate(l, x, o, typeList(inst.TypeArgs))))
}

// quickGeneric is a compiled form of a function for the commonest types; nil if there is none.
func quickGeneric(o *types.Func, targs *types.TypeList) any {
	if o.Pkg().Path() != "slices" || o.Name() != "Sort" {
		return nil
	}
	switch bySpelling(targs.At(0)) {
	case "[]int":
		return func(x []int) { slices.Sort(x) }
	case "[]float64":
		return func(x []float64) { slices.Sort(x) }
	case "[]string":
		return func(x []string) { slices.Sort(x) }
	}
	return nil
}

// std reads our source for the generic functions of o's package.
func (e *Engine) std(o *types.Func) {
	p := o.Pkg().Path()
	if e.stdRead[p] {
		return
	}
	e.stdRead[p] = true
	text := bind.Source(p)
	if b, err := stdSource.ReadFile("std/" + strings.ReplaceAll(p, "/", "_") + ".txt"); err == nil {
		text = string(b)
	}
	if text == "" {
		return
	}
	src := &source{code: text, serial: 0, skip: len(beforeDecls)}
	chunks, bad := split(src.code)
	if bad != nil {
		panic(bad)
	}
	env := map[string]types.Object{}
	for _, name := range []string{"iter", "cmp", "sort", "sync", "slices", "maps"} {
		env[name] = types.NewPkgName(token.NoPos, e.pkg, name, e.reps.world.Package(name))
	}
	// What stands in the package's own scope, its source may use without the package's name.
	for _, name := range o.Pkg().Scope().Names() {
		if env[name] == nil {
			env[name] = o.Pkg().Scope().Lookup(name)
		}
	}
	e.sourceImports(src, chunks, env)
	toks := scan(src.code)
	for _, c := range chunks {
		if c.kind != token.FUNC {
			continue
		}
		for i, t := range toks {
			if t.from == c.from && i+1 < len(toks) {
				name := src.code[toks[i+1].from:toks[i+1].to]
				if fn, ok := o.Pkg().Scope().Lookup(name).(*types.Func); ok {
					e.generics[fn] = &generic{chunk: c, src: src, env: env}
				}
			}
		}
	}
}

// versioned is the end of a module's path that is no part of its package's name.
var versioned = regexp.MustCompile(`/v[0-9]+$`)

// sourceImports makes known what a source imports.
func (e *Engine) sourceImports(src *source, chunks []chunk, env map[string]types.Object) {
	f, err := e.parseFile(src, beforeDecls+blank(src.code, chunks, func(c chunk) bool { return c.kind == token.IMPORT }))
	if err != nil {
		return
	}
	for _, imp := range f.Imports {
		p, _ := strconv.Unquote(imp.Path.Value)
		pkg := e.reps.world.Package(p)
		if pkg == nil {
			name := path.Base(versioned.ReplaceAllString(p, ""))
			if imp.Name != nil {
				name = imp.Name.Name
			}
			if src.missing == nil {
				src.missing = map[string]string{}
			}
			src.missing[name] = p
			continue
		}
		name := pkg.Name()
		if imp.Name != nil {
			name = imp.Name.Name
		}
		env[name] = types.NewPkgName(token.NoPos, e.pkg, name, pkg)
	}
}

func newInfo() *types.Info {
	return &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{}, Uses: map[*ast.Ident]types.Object{},
		Defs: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}, Scopes: map[ast.Node]*types.Scope{},
	}
}

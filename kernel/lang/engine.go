package lang

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/token"
	"go/types"
	"io"
	"os"
	"path"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cosmos72/gomacro/ast2"
	"github.com/cosmos72/gomacro/base"
	breflect "github.com/cosmos72/gomacro/base/reflect"
	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/bind/list"
)

// Engine holds what cells have declared, checks cells against it and runs them. It must be made and used on one
// goroutine, except where a method says otherwise.
type Engine struct {
	ir   *fast.Interp
	fset *token.FileSet
	reps *reps
	pkg  *types.Package // stands for all cells where a package is asked for
	must map[string]types.Object

	scope           map[string]types.Object // what cells have declared, by name
	prelude         map[string]types.Object // what they see besides
	lazy            map[string]string       // names of the prelude, by the package that has them
	preludePackages map[string]string
	generics        map[types.Object]*generic
	sources         map[*token.File]*source
	last            *Cell

	slots      map[string]reflect.Type    // names in the interpreter and the types of what they hold
	places     map[types.Object]string    // the names of variables and functions
	functions  map[types.Object]*function // functions and methods of cells
	instances  map[string]*function       // instances of generic functions and methods
	methods    map[*types.Func]*function  // methods by their objects
	byType     map[methodKey]*function    // methods by type and name: later ones take the place of earlier
	aliases    map[reflect.Type]string    // names of types in the interpreter
	packages   map[string]string          // names of imported packages in the interpreter
	builders   []helper                   // what hʹ calls
	sites      []func(*fast.Comp)         // statements that are written when they are compiled
	serial     int                        // of the cell
	names      int                        // hidden names given
	typesMu    sync.Mutex                 // guards reps and types, which running code asks too
	types      typeutil.Map               // types.Type to *Type
	goMu       sync.RWMutex               // guards the methods of types
	spotMu     sync.Mutex                 // guards spots, which running code looks at when it fails
	spots      []*spot                    // statements of cells, by number
	panicMu    sync.Mutex                 // guards panics
	panics     map[*fast.Run]*panicking   // on their way, by goroutine
	parallel   atomic.Bool                // code of cells may run beside the compiler
	panicked   func(*PanicError, Place)   // takes what a goroutine panicked with
	units      []*unit                    // functions that wait to be defined
	settledLen int                        // how many types the interpreter knew when they were settled
	frozenLen  int                        // how many there were
	frozen     map[unsafe.Pointer]bool    // types of the interpreter that running code may look up
	declared   map[string]bool            // names that the interpreter knows
	stdRead    map[string]bool            // packages whose generic functions have been read
	needed     typeutil.Map               // types whose methods have been instantiated
	affordable func(size, n int)
	deferred   []func() // calls that the cell puts off to its end
}

// Hooks are what an engine tells those who run it.
type Hooks struct {
	// Panicked takes what a goroutine of a cell panicked with, and where the cell started it.
	Panicked func(p *PanicError, at Place)
	// Affordable panics before n things of size bytes each ask for more memory than there is.
	Affordable func(size, n int)
}

// New makes an engine. What its cells print goes to the process's standard output.
func New(h Hooks) (*Engine, error) {
	world, err := bind.NewWorld()
	if err != nil {
		return nil, err
	}
	// Without a GOROOT the interpreter does not ask the Go tool about packages at start: they are
	// compiled in.
	build.Default.GOROOT = "/nonexistent"
	e := &Engine{
		ir: fast.New(), fset: token.NewFileSet(), reps: newReps(world), pkg: types.NewPackage(cellPath, cellPath),
		scope: map[string]types.Object{}, generics: map[types.Object]*generic{}, sources: map[*token.File]*source{},
		slots: map[string]reflect.Type{}, places: map[types.Object]string{}, functions: map[types.Object]*function{},
		instances: map[string]*function{}, methods: map[*types.Func]*function{}, byType: map[methodKey]*function{},
		aliases: map[reflect.Type]string{}, packages: map[string]string{}, panicked: h.Panicked, affordable: h.Affordable, declared: map[string]bool{}, frozen: map[unsafe.Pointer]bool{}, stdRead: map[string]bool{},
		panics: map[*fast.Run]*panicking{},
	}
	e.ir.Comp.Stdout, e.ir.Comp.Stderr = io.Discard, io.Discard
	e.ir.Comp.Options &^= base.OptShowPrompt | base.OptTrapPanic
	e.ir.Comp.Globals.Options &^= base.OptShowPrompt | base.OptTrapPanic
	e.roomy()
	replaceFunctions()
	if h.Affordable != nil {
		weigh.Store(&h.Affordable)
	}
	bind.Prelude()
	e.preludeOf()
	e.quicks()
	e.helpers()
	return e, nil
}

// roomy gives the interpreter's outermost variables room: where they had to move to a larger room, a goroutine
// that changes one meanwhile would be overlooked.
func (e *Engine) roomy() {
	const room = 1 << 14
	env := e.ir.PrepareEnv()
	vals := make([]xr.Value, len(env.Vals), room)
	copy(vals, env.Vals)
	ints := make([]uint64, len(env.Ints), room)
	copy(ints, env.Ints)
	env.Vals, env.Ints = vals, ints
}

// preludeOf finds the names that cells see without an import. What they stand for is read when it is asked for: the
// types of all these packages take time and memory.
func (e *Engine) preludeOf() {
	e.prelude, e.lazy = map[string]types.Object{}, map[string]string{}
	for _, p := range list.Dotted {
		values, typs := bind.Symbols(p)
		for name := range values {
			e.lazy[name] = p
		}
		for name := range typs {
			e.lazy[name] = p
		}
	}
	e.lazy["Display"] = "display"
	e.preludePackages = map[string]string{}
	for _, p := range append([]string{"display"}, list.Named...) {
		e.preludePackages[path.Base(p)] = p
	}
}

// preludeObject is what a name of the prelude stands for; nil if it is none.
func (e *Engine) preludeObject(name string) types.Object {
	if o := e.prelude[name]; o != nil {
		return o
	}
	if p, ok := e.preludePackages[name]; ok {
		if pkg := e.reps.world.Package(p); pkg != nil {
			e.prelude[name] = types.NewPkgName(token.NoPos, e.pkg, name, pkg)
		}
	} else if p, ok := e.lazy[name]; ok {
		if pkg := e.reps.world.Package(p); pkg != nil {
			if o := pkg.Scope().Lookup(name); o != nil {
				e.prelude[name] = o
			}
		}
	}
	return e.prelude[name]
}

// rep is the representation of t. It may be called from any goroutine.
func (e *Engine) rep(t types.Type) reflect.Type {
	e.typesMu.Lock()
	defer e.typesMu.Unlock()
	return e.reps.of(t)
}

func (e *Engine) isCut(t types.Type) bool {
	e.typesMu.Lock()
	defer e.typesMu.Unlock()
	return e.reps.cut(t)
}

func (e *Engine) openRep(t types.Type) reflect.Type {
	e.typesMu.Lock()
	defer e.typesMu.Unlock()
	if n, ok := types.Unalias(t).(*types.Named); ok && !e.reps.erased(n) {
		return e.reps.of(n)
	}
	return e.reps.open(t.Underlying())
}

// function is a function or method of a cell as the interpreter has it.
type function struct {
	name     string
	typ      reflect.Type // with the receiver first, if it is a method
	bound    reflect.Type // without
	recvElem reflect.Type // what the receiver is, or points to
	val      atomic.Pointer[reflect.Value]
}

// methodKey is a method by its receiver's type.
type methodKey struct {
	t    *Type
	name string
}

// value is the function itself.
func (e *Engine) value(f *function) reflect.Value {
	if v := f.val.Load(); v != nil {
		return *v
	}
	panic(fmt.Errorf("%s is not defined yet", strings.TrimRight(f.name, mark)))
}

// methodOf is the function of a cell that is the method fn; nil if fn is compiled. It may be called from any
// goroutine.
func (e *Engine) methodOf(fn *types.Func) *function {
	recv := fn.Signature().Recv()
	if recv == nil {
		return nil
	}
	t := recv.Type()
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || !isCell(n) || types.IsInterface(n) {
		return nil
	}
	key := methodKey{e.typ(n), fn.Name()}
	e.goMu.RLock()
	defer e.goMu.RUnlock()
	return e.byType[key]
}

// alias is a name for rt in the interpreter.
func (e *Engine) alias(rt reflect.Type) *ast.Ident {
	if name, ok := e.aliases[rt]; ok {
		return ast.NewIdent(name)
	}
	var name string
	if rt.PkgPath() == "" && rt.Name() != "" && rt.Kind() != reflect.Interface {
		name = rt.Name() // int and the like
	} else {
		e.names++
		name = "T" + mark + strconv.Itoa(e.names)
		e.ir.DeclTypeAlias(name, e.xtype(rt))
	}
	e.aliases[rt] = name
	return ast.NewIdent(name)
}

// imported is the name of a compiled package in the interpreter.
func (e *Engine) imported(p *types.Package) *ast.Ident {
	pathOf := p.Path()
	if pathOf == displayPath {
		pathOf = "display"
	}
	name, ok := e.packages[pathOf]
	if !ok {
		e.names++
		name = p.Name() + mark + strconv.Itoa(e.names)
		e.run(nil, &ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{&ast.ImportSpec{
			Name: ast.NewIdent(name), Path: &ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(pathOf)},
		}}})
		e.packages[pathOf] = name
		e.settleTypes()
	}
	return ast.NewIdent(name)
}

const displayPath = "github.com/fastnb/go/cell/display"

// run compiles and runs a node of lowered code; it panics as the code does.
func (e *Engine) run(done func([]xr.Value), n ast.Node) {
	e.ir.Comp.Code.Clear()
	e.ir.Comp.Line = 0
	x := e.ir.CompileAst(ast2.AnyToAst([]ast.Node{n}, "cell"))
	if e.parallel.Load() {
		e.freeze()
	}
	var vals []xr.Value
	if x != nil {
		if x.Untyped() {
			x.ConstTo(x.DefaultType())
		}
		env := e.ir.PrepareEnv()
		run, before := env.Run, env.Run.CurrEnv
		env.Code, env.DebugPos, env.IP = nil, nil, 0 // of the statement before
		run.CurrEnv = env
		v, vs := x.AsXV(fast.COptKeepUntyped)(env)
		run.CurrEnv = before // not where it panics: the trace begins there
		vals = breflect.PackValues(v, vs)
	}
	if done != nil {
		done(vals)
	}
}

// Interp is the interpreter.
func (e *Engine) Interp() *fast.Interp { return e.ir }

// SetInterp has an interpreter go on that stands inside the one before, where code of cells may wait for good.
func (e *Engine) SetInterp(ir *fast.Interp) { e.ir = ir }

// Interrupt ends the code that runs. It may be called from any goroutine.
func (e *Engine) Interrupt() { e.ir.Interrupt(os.Interrupt) }

func (e *Engine) hidden(stem string) string {
	e.names++
	return stem + mark + strconv.Itoa(e.names)
}

// isSignal reports whether a panic is an interrupt on its way.
func isSignal(r any) bool {
	_, ok := r.(base.Signal)
	return ok
}

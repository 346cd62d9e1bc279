// Package opttest demands of every option that every call it can be given to either changes by it or refuses it.
package opttest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Options are values of one type of option, each with a value other than its default, by name.
type Options[O any] map[string]O

// Calls run something with options and give what can be seen of it. They are the calls of one type of option.
type Calls[O any] map[string]func(o ...O) (any, error)

// Demand gives every option to every call alone. What comes back must differ from what comes back without
// it, or it must be an error that names the option and says what to try. except names options, or "call
// option" pairs, for which neither can be asked, such as one about speed alone.
func Demand[O any](t *testing.T, options Options[O], calls Calls[O], except ...string) {
	t.Helper()
	for call, run := range calls {
		plain, err := run()
		if err != nil {
			t.Errorf("%s without options: %v", call, err)
			continue
		}
		if again, err := run(); err != nil || !reflect.DeepEqual(plain, again) {
			t.Errorf("%s gives something else each time: %v", call, err)
			continue
		}
		for name, o := range options {
			if slices.Contains(except, name) || slices.Contains(except, call+" "+name) {
				continue
			}
			got, err := run(o)
			switch {
			case err == nil && reflect.DeepEqual(plain, got):
				t.Errorf("%s takes %s and ignores it", call, name)
			case err != nil && (!strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "(try ")):
				t.Errorf("%s with %s: the refusal does not say what and what to try: %v", call, name, err)
			}
		}
	}
}

// Complete demands that options has each exported function of the package in dir whose result is of one of
// these types, such as "FitOption" or "data.PredsOption".
func Complete[O any](t *testing.T, dir string, options Options[O], types ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !fn.Name.IsExported() || fn.Type.Results.NumFields() != 1 {
				continue
			}
			if !slices.Contains(types, typeName(fn.Type.Results.List[0].Type)) {
				continue
			}
			n++
			if _, ok := options[fn.Name.Name]; !ok {
				t.Errorf("option %s is not in the table", fn.Name.Name)
			}
		}
	}
	if n == 0 {
		t.Errorf("no option of types %v in %s", types, dir)
	}
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return fmt.Sprint(e.X, ".", e.Sel.Name)
	}
	return ""
}

// Package bind hands compiled packages to the interpreter: the generated files gen_*.go register one
// package each, and the prelude says what cells see without an import.
//
// It stands in the kernel's storey; list says which packages. `go generate` writes the files anew.
package bind

//go:generate go run github.com/fastnb/go/internal/gen -o .

import (
	"path"
	"reflect"
	"strings"
	"sync"

	"github.com/cosmos72/gomacro/imports"

	"github.com/fastnb/go/kernel/bind/list"
)

// Prelude is what a session evaluates at its start, line by line.
func Prelude() []string {
	shortNames()
	out := []string{`import "display"`, `var Display = display.Display`}
	for _, p := range list.Dotted {
		out = append(out, `import . "`+p+`"`)
	}
	for _, p := range list.Named {
		out = append(out, `import "`+p+`"`)
	}
	return out
}

// Available lists the packages that are compiled in.
func Available() []string { return append(list.Paths(), extras.paths...) }

// Has reports whether a package is compiled in.
func Has(p string) bool {
	_, ok := imports.Packages[p]
	return ok
}

// shortNames lets `import "fastnb"` work as the full path does.
var shortNames = sync.OnceFunc(func() {
	for _, p := range append(append([]string{}, list.Dotted...), list.Named...) {
		if pkg, ok := imports.Packages[p]; ok && strings.HasPrefix(p, "github.com/fastnb/") {
			imports.Packages[path.Base(p)] = pkg
		}
	}
})

// Replace puts another function in the place of one of a package's. It must be done before a session
// imports the package.
func Replace(pkg, name string, f any) { imports.Packages[pkg].Binds[name] = reflect.ValueOf(f) }

// ReplaceVar puts the variable that to points to in the place of one of a package's, as Replace does.
func ReplaceVar(pkg, name string, to any) {
	imports.Packages[pkg].Binds[name] = reflect.ValueOf(to).Elem()
}

// Symbols are the functions, variables and constants of a package that is compiled in, and its types.
func Symbols(p string) (values map[string]reflect.Value, types map[string]reflect.Type) {
	pkg := imports.Packages[p]
	return pkg.Binds, pkg.Types
}

package export

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"

	"github.com/fastnb/go/kernel/bind"
)

// world gives go/types the packages that are compiled in, and the one that exported programs show their values
// through.
type world struct {
	*bind.World
	program *types.Package
}

// programSource is what a program uses of that package.
const programSource = `package program

func Main(name string, cells func() error) {}
func Cell(n int) {}
func Show(values ...any) error { return nil }
func Command(name string, args ...string) error { return nil }
func Must[T any](v T, err error) (_ T) { return v }
func Must2[T, U any](v T, u U, err error) (_ T, _ U) { return v, u }
func Must3[T, U, V any](v T, u U, w V, err error) (_ T, _ U, _ V) { return v, u, w }
`

func newWorld() (*world, error) {
	w, err := bind.NewWorld()
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", programSource, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	p, err := new(types.Config).Check(programPath, fset, []*ast.File{f}, nil)
	return &world{w, p}, err
}

const displayPath = "github.com/fastnb/go/cell/display"

// path is the real import path of a package that a cell may import under other names too.
func path(p string) string {
	if p == "display" || p == "github.com/gopherdata/gophernotes" {
		return displayPath
	}
	for _, full := range bind.Available() {
		if strings.HasPrefix(full, "github.com/fastnb/go/") && full[strings.LastIndexByte(full, '/')+1:] == p {
			return full
		}
	}
	return p
}

// Import is types.Importer's.
func (w *world) Import(p string) (*types.Package, error) {
	if p == programPath {
		return w.program, nil
	}
	if pkg := w.Package(p); pkg != nil {
		return pkg, nil
	}
	return nil, fmt.Errorf("package %q is not compiled into this kernel", p)
}

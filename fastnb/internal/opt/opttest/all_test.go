package opttest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// root is the module's folder, from here.
const root = "../../../.."

// TestEveryOptionIsInATable walks the whole tree: each exported function that gives an option, in whatever package,
// stands in a table of options of some test, by its name, and that table goes through Demand.
func TestEveryOptionIsInATable(t *testing.T) {
	options, tables := map[string]string{}, map[string]bool{}
	var docs []*ast.FuncDecl
	calls := map[string]bool{} // of the packages that lessons use
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path != root && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "out" || d.Name() == "bind"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			inTables(f, tables)
			return nil
		}
		if strings.Contains(filepath.ToSlash(path), "/internal/") {
			return nil
		}
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() {
				continue
			}
			docs = append(docs, fn)
			switch filepath.Base(filepath.Dir(path)) {
			case "fastnb", "data", "vision", "text", "datasets":
				calls[fn.Name.Name] = true
			}
			if givesOption(fn) {
				options[fn.Name.Name] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(options) < 150 {
		t.Errorf("only %d options found: this test looks in the wrong place", len(options))
	}
	for name, path := range options {
		if !tables[name] {
			t.Errorf("%s: option %s is in no table that Demand goes through", path, name)
		}
	}
	namesOptions(t, docs, options, calls)
}

var (
	listed  = regexp.MustCompile(`Options?:? ([^:]*?)(?:\. |\.$|:)`)
	inParen = regexp.MustCompile(`\([^)]*\)`)
	named   = regexp.MustCompile(`\b[A-Z]\w+`)
)

// namesOptions demands that what a doc comment lists as options are options, or calls whose options are meant.
func namesOptions(t *testing.T, docs []*ast.FuncDecl, options map[string]string, calls map[string]bool) {
	n := 0
	for _, fn := range docs {
		for _, m := range listed.FindAllStringSubmatch(strings.Join(strings.Fields(fn.Doc.Text()), " "), -1) {
			for _, name := range named.FindAllString(inParen.ReplaceAllString(m[1], ""), -1) {
				n++
				if options[name] == "" && !calls[name] {
					t.Errorf("the comment of %s names an option %s, which there is not", fn.Name.Name, name)
				}
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d options were found in comments", n)
	}
}

// givesOption says whether a function is an option: exported, of no type, and its only result is of a type that is
// called so.
func givesOption(fn *ast.FuncDecl) bool {
	if fn.Recv != nil || !fn.Name.IsExported() || fn.Type.Results.NumFields() != 1 {
		return false
	}
	switch r := fn.Type.Results.List[0].Type.(type) {
	case *ast.Ident:
		return strings.HasSuffix(r.Name, "Option")
	case *ast.SelectorExpr:
		return strings.HasSuffix(r.Sel.Name, "Option")
	}
	return false
}

// inTables adds the names in the tables of options, opttest.Options[…]{"Name": …}, of each test that calls Demand.
func inTables(f *ast.File, names map[string]bool) {
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		demands := !strings.HasPrefix(fn.Name.Name, "Test") // a helper that makes tables for tests
		var found []string
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				demands = demands || n.Sel.Name == "Demand"
			case *ast.CompositeLit:
				if i, ok := n.Type.(*ast.IndexExpr); !ok || !isOptions(i.X) {
					return true
				}
				for _, e := range n.Elts {
					kv, ok := e.(*ast.KeyValueExpr)
					if !ok {
						continue
					}
					if key, ok := kv.Key.(*ast.BasicLit); ok {
						if name, err := strconv.Unquote(key.Value); err == nil && calls(kv.Value, name) {
							found = append(found, name)
						}
					}
				}
			}
			return true
		})
		for _, name := range found {
			names[name] = names[name] || demands
		}
	}
}

func isOptions(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Options"
}

// calls says whether an entry's value is a call of the option it is named after, or of a helper that a test has.
func calls(e ast.Expr, name string) bool {
	c, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name == name || !ast.IsExported(f.Name)
	case *ast.SelectorExpr:
		return f.Sel.Name == name
	}
	return false
}

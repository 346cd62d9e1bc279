package interp

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"sort"
	"strconv"
	"strings"
)

// OverrideVars gives code with other values for the variables that it sets at the top level to a
// literal: `name := 1`, `var name = "x"`, `const name = 2.5`. Values are parsed by the literal's kind,
// strings stand without quotes. It reports which params it used; an error names the one that does not
// fit.
func OverrideVars(code string, params map[string]string) (newCode string, used []string, err error) {
	const head = "package p\nfunc _() {\n"
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "cell", head+code+"\n}", parser.SkipObjectResolution)
	if err != nil {
		return "", nil, fmt.Errorf("the cell does not parse: %w", err)
	}
	type edit struct {
		from, to int
		text     string
	}
	var edits []edit
	set := func(name ast.Expr, val ast.Expr) {
		id, ok := name.(*ast.Ident)
		if !ok || err != nil {
			return
		}
		given, ok := params[id.Name]
		if !ok {
			return
		}
		var lit string
		if lit, err = literal(id.Name, given, val); err == nil {
			edits = append(edits, edit{fset.Position(val.Pos()).Offset - len(head), fset.Position(val.End()).Offset - len(head), lit})
			used = append(used, id.Name)
		}
	}
	for _, st := range f.Decls[0].(*ast.FuncDecl).Body.List {
		switch st := st.(type) {
		case *ast.AssignStmt:
			for i := range min(len(st.Lhs), len(st.Rhs)) {
				set(st.Lhs[i], st.Rhs[i])
			}
		case *ast.DeclStmt:
			g, _ := st.Decl.(*ast.GenDecl)
			for _, sp := range g.Specs {
				if v, ok := sp.(*ast.ValueSpec); ok {
					for i := range min(len(v.Names), len(v.Values)) {
						set(v.Names[i], v.Values[i])
					}
				}
			}
		}
	}
	if err != nil {
		return "", nil, err
	}
	sort.Slice(edits, func(i, j int) bool { return edits[i].from > edits[j].from })
	for _, e := range edits {
		code = code[:e.from] + e.text + code[e.to:]
	}
	return code, used, nil
}

// literal is the Go text of a given value, of the kind of the literal it replaces.
func literal(name, given string, old ast.Expr) (string, error) {
	bad := func(want string) error {
		return fmt.Errorf("parameter %s: %q is not %s, as the cell's value is", name, given, want)
	}
	if u, ok := old.(*ast.UnaryExpr); ok && u.Op == token.SUB {
		old = u.X
	}
	given = strings.TrimSpace(given)
	switch v := old.(type) {
	case *ast.BasicLit:
		switch v.Kind {
		case token.STRING:
			return strconv.Quote(given), nil
		case token.INT:
			if _, err := strconv.ParseInt(given, 0, 64); err != nil {
				return "", bad("a whole number")
			}
			return given, nil
		case token.FLOAT:
			x, err := strconv.ParseFloat(given, 64)
			if err != nil {
				return "", bad("a number")
			}
			if s := strconv.FormatFloat(x, 'g', -1, 64); strings.ContainsAny(s, ".e") {
				return s, nil
			}
			return strconv.FormatFloat(x, 'f', 1, 64), nil
		}
	case *ast.Ident:
		if v.Name == "true" || v.Name == "false" {
			b, err := strconv.ParseBool(given)
			if err != nil {
				return "", bad("true or false")
			}
			return strconv.FormatBool(b), nil
		}
	}
	return "", fmt.Errorf("parameter %s: the cell does not set it to a plain number, string or truth value", name)
}

package lang

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"math"
	"strconv"
)

// Short ways to write the nodes of lowered code. They have no positions: where code stands is told by marks.

func id(name string) *ast.Ident { return &ast.Ident{Name: name} }

func callOf(f ast.Expr, args ...ast.Expr) *ast.CallExpr { return &ast.CallExpr{Fun: f, Args: args} }

func number(n int) ast.Expr {
	if n < 0 {
		return &ast.UnaryExpr{Op: token.SUB, X: number(-n)}
	}
	return &ast.BasicLit{Kind: token.INT, Value: strconv.Itoa(n)}
}

func selectOf(x ast.Expr, name string) ast.Expr { return &ast.SelectorExpr{X: x, Sel: id(name)} }

func blockOf(list ...ast.Stmt) *ast.BlockStmt { return &ast.BlockStmt{List: list} }

func exprStmt(x ast.Expr) ast.Stmt { return &ast.ExprStmt{X: x} }

func assign(tok token.Token, lhs, rhs ast.Expr) ast.Stmt {
	return &ast.AssignStmt{Lhs: []ast.Expr{lhs}, Tok: tok, Rhs: []ast.Expr{rhs}}
}

func defineAll(names []string, rhs ast.Expr) ast.Stmt {
	as := &ast.AssignStmt{Tok: token.DEFINE, Rhs: []ast.Expr{rhs}}
	for _, n := range names {
		as.Lhs = append(as.Lhs, id(n))
	}
	return as
}

func varDecl(name string, t, value ast.Expr) ast.Stmt {
	return &ast.DeclStmt{Decl: varGen(name, t, value)}
}

func varGen(name string, t, value ast.Expr) *ast.GenDecl {
	s := &ast.ValueSpec{Names: []*ast.Ident{id(name)}, Type: t}
	if value != nil {
		s.Values = []ast.Expr{value}
	}
	return &ast.GenDecl{Tok: token.VAR, Specs: []ast.Spec{s}}
}

func returns(list ...ast.Expr) ast.Stmt { return &ast.ReturnStmt{Results: list} }

func field(name string, t ast.Expr) *ast.Field {
	if name == "" {
		return &ast.Field{Type: t}
	}
	return &ast.Field{Names: []*ast.Ident{id(name)}, Type: t}
}

func fields(list ...*ast.Field) *ast.FieldList { return &ast.FieldList{List: list} }

// atOnce is a function that is called where it stands: statements in the place of an expression.
func atOnce(results *ast.FieldList, list ...ast.Stmt) ast.Expr {
	return callOf(&ast.FuncLit{Type: &ast.FuncType{Params: fields(), Results: results}, Body: blockOf(list...)})
}

func isBlank(e ast.Expr) bool {
	i, ok := e.(*ast.Ident)
	return e == nil || ok && i.Name == "_"
}

// literal is a constant of type t.
func (l *low) literal(v constant.Value, t types.Type) ast.Expr {
	b, ok := t.Underlying().(*types.Basic)
	if !ok {
		if types.IsInterface(t) { // an untyped constant on its way to an interface
			return l.literal(v, defaultOf(v))
		}
		panic(unfit{"a constant of type " + bySpelling(t)})
	}
	var x ast.Expr
	kind := types.Default(b).(*types.Basic).Kind()
	switch info := types.Typ[kind].Info(); {
	case info&types.IsBoolean != 0:
		x = id(strconv.FormatBool(constant.BoolVal(v)))
	case info&types.IsString != 0:
		x = &ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(constant.StringVal(v))}
	case info&types.IsInteger != 0:
		x = integer(constant.ToInt(v))
	case info&types.IsFloat != 0:
		x = l.float(v, kind)
	default:
		re, im := l.float(constant.Real(constant.ToComplex(v)), types.Float64), l.float(constant.Imag(constant.ToComplex(v)), types.Float64)
		x = callOf(id("complex"), callOf(id("float64"), re), callOf(id("float64"), im))
		if kind == types.Complex128 && !named(t) {
			return x
		}
		return callOf(l.typ(t), x)
	}
	switch {
	case named(t):
	case kind == types.Int, kind == types.Float64, kind == types.Bool, kind == types.String:
		return x
	}
	return callOf(l.typ(t), x)
}

func named(t types.Type) bool { n, ok := types.Unalias(t).(*types.Named); return ok && !isCell(n) }

func defaultOf(v constant.Value) types.Type {
	switch v.Kind() {
	case constant.Bool:
		return types.Typ[types.Bool]
	case constant.String:
		return types.Typ[types.String]
	case constant.Int:
		return types.Typ[types.Int]
	case constant.Float:
		return types.Typ[types.Float64]
	}
	return types.Typ[types.Complex128]
}

func integer(v constant.Value) ast.Expr {
	if constant.Sign(v) < 0 {
		if n, ok := constant.Int64Val(v); ok && n == math.MinInt64 { // its magnitude is no int64
			return &ast.BinaryExpr{X: &ast.UnaryExpr{Op: token.SUB, X: integer(constant.MakeInt64(math.MaxInt64))}, Op: token.SUB, Y: number(1)}
		}
		return &ast.UnaryExpr{Op: token.SUB, X: integer(constant.UnaryOp(token.SUB, v, 0))}
	}
	return &ast.BasicLit{Kind: token.INT, Value: v.ExactString()}
}

func (l *low) float(v constant.Value, kind types.BasicKind) ast.Expr {
	bits := 64
	f, _ := constant.Float64Val(constant.ToFloat(v))
	if kind == types.Float32 || kind == types.Complex64 {
		bits = 32
		g, _ := constant.Float32Val(constant.ToFloat(v))
		f = float64(g)
	}
	neg := f < 0
	s := strconv.FormatFloat(math.Abs(f), 'e', -1, bits)
	var x ast.Expr = &ast.BasicLit{Kind: token.FLOAT, Value: s}
	if neg {
		x = &ast.UnaryExpr{Op: token.SUB, X: x}
	}
	return x
}

package interp

import (
	"fmt"
	"go/ast"

	"github.com/cosmos72/gomacro/go/types"
)

// checkMethods refuses methods of types that refer to themselves: the interpreter takes their
// declaration and then does not find them, since what such a type is compiled to has no name.
func (s *Session) checkMethods(nodes []ast.Node) error {
	for _, n := range nodes {
		f, ok := n.(*ast.FuncDecl)
		if !ok || f.Recv == nil || len(f.Recv.List) != 1 {
			continue
		}
		recv := f.Recv.List[0].Type
		if p, ok := recv.(*ast.StarExpr); ok {
			recv = p.X
		}
		id, ok := recv.(*ast.Ident)
		if !ok {
			continue
		}
		t := s.ir.Comp.Types[id.Name]
		if t == nil {
			continue
		}
		if named, ok := t.GoType().(*types.Named); ok && refers(named.Underlying(), named, map[types.Type]bool{}) {
			at := s.at(f)
			return &CellError{
				Name: "error", Value: fmt.Sprintf("%s refers to itself: in cells such a type cannot have methods", id.Name), Line: at.Line, Column: at.Column,
				Hint: fmt.Sprintf("Write a function instead: func %s(x *%s, ...), called as %s(x, ...).", f.Name.Name, id.Name, f.Name.Name),
			}
		}
	}
	return nil
}

// refers reports whether t is made of target, through any number of other types.
func refers(t types.Type, target *types.Named, seen map[types.Type]bool) bool {
	if t == types.Type(target) {
		return true
	}
	if t == nil || seen[t] {
		return false
	}
	seen[t] = true
	switch t := t.(type) {
	case *types.Named:
		return refers(t.Underlying(), target, seen)
	case *types.Pointer:
		return refers(t.Elem(), target, seen)
	case *types.Slice:
		return refers(t.Elem(), target, seen)
	case *types.Array:
		return refers(t.Elem(), target, seen)
	case *types.Chan:
		return refers(t.Elem(), target, seen)
	case *types.Map:
		return refers(t.Key(), target, seen) || refers(t.Elem(), target, seen)
	case *types.Struct:
		for i := range t.NumFields() {
			if refers(t.Field(i).Type(), target, seen) {
				return true
			}
		}
	}
	return false
}

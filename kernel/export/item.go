package export

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"strconv"
	"strings"
)

type kind int

const (
	statement   kind = iota // runs where it stands
	declaration             // of functions, types or constants: goes to the package's level
	importing
	comment // text that stays a comment
)

// item is a statement or declaration at the top level of a cell.
type item struct {
	cell   int // number of the cell in the notebook, from 1
	line   int // line of the cell where text begins, from 1
	kind   kind
	text   string // as the cell has it
	trail  string // comment behind it on its line
	last   bool   // the cell's value, if it is an expression
	strict bool   // under %errors explicit

	node  ast.Node // of text: a statement, or the declaration
	shift int      // offset in text of a position p of node: int(p) - shift

	free []*ast.Ident // names that text uses and does not itself declare
	defs []*ast.Ident // names that text declares for what follows
}

// split takes a cell's Go code apart.
func split(cell int, code string) ([]*item, error) {
	sp := splitter{cell: cell, code: code, start: -1}
	var sc scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(code))
	var failed error
	sc.Init(file, []byte(code), func(p token.Position, msg string) {
		if failed == nil {
			failed = fmt.Errorf("cell %d:%d:%d: %s", cell, p.Line, p.Column, msg)
		}
	}, 0)
	for tok := token.ILLEGAL; tok != token.EOF; {
		var pos token.Pos
		var lit string
		if pos, tok, lit = sc.Scan(); failed != nil {
			return nil, failed
		}
		if err := sp.token(file.Offset(pos), tok, lit); err != nil {
			return nil, err
		}
	}
	items := append(sp.items, comments(cell, code, sp.done, len(code), sp.items)...)
	for i := len(items) - 1; i >= 0; i-- { // the value is the last statement's
		if items[i].kind == statement {
			items[i].last = true
			break
		}
	}
	return items, nil
}

// splitter collects items from a cell's tokens, by offsets in its code.
type splitter struct {
	cell  int
	code  string
	items []*item
	start int // of the item under way, or -1
	end   int // of its last token
	done  int // what has been taken into items
	depth int // of open brackets
}

// token takes the next token: an end at the top level completes an item.
func (sp *splitter) token(off int, tok token.Token, lit string) error {
	switch tok {
	case token.LPAREN, token.LBRACE, token.LBRACK:
		sp.depth++
	case token.RPAREN, token.RBRACE, token.RBRACK:
		sp.depth = max(sp.depth-1, 0)
	}
	if tok == token.EOF || tok == token.SEMICOLON && sp.depth == 0 && (lit != ";" || !sp.inHead()) {
		err := sp.finish()
		if lit == ";" {
			sp.done = off + 1
		}
		return err
	}
	if sp.start < 0 {
		sp.start = off
	}
	if tok == token.SEMICOLON && lit == "\n" {
		return nil // not in the text
	}
	switch {
	case tok == token.ILLEGAL:
		return nil // the scanner tells
	case tok == token.STRING && lit[0] == '`': // whose text has lost its carriage returns
		n := strings.IndexByte(sp.code[off+1:], '`')
		if n < 0 {
			return nil // never closed: the scanner tells
		}
		sp.end = off + n + 2
	case tok.IsLiteral() || tok == token.COMMENT:
		sp.end = off + len(lit)
	default:
		sp.end = off + max(len(lit), len(tok.String()))
	}
	return nil
}

// inHead reports whether what is under way is the head of a statement, in which semicolons stand too.
func (sp *splitter) inHead() bool {
	if sp.start < 0 {
		return false
	}
	switch text := sp.code[sp.start:sp.end]; leading(text) {
	case "for", "if", "switch", "IDENT": // a label, perhaps
		return (&item{text: text}).parse() != nil
	}
	return false
}

// finish makes an item of what is under way, and of the comments before it.
func (sp *splitter) finish() error {
	if sp.start < 0 {
		return nil
	}
	sp.items = append(sp.items, comments(sp.cell, sp.code, sp.done, sp.start, sp.items)...)
	it := &item{cell: sp.cell, line: 1 + strings.Count(sp.code[:sp.start], "\n"), text: sp.code[sp.start:sp.end]}
	if err := it.parse(); err != nil {
		return err
	}
	sp.items = append(sp.items, it)
	sp.done, sp.start = sp.end, -1
	return nil
}

// comments keeps the comments of code[from:to], which holds no code: one on the line of the item before
// it goes to that item.
func comments(cell int, code string, from, to int, before []*item) []*item {
	text := code[from:to]
	first, rest, _ := strings.Cut(text, "\n")
	if t := strings.TrimSpace(first); strings.HasPrefix(t, "//") && len(before) > 0 && from > 0 {
		before[len(before)-1].trail = t
		text = rest
	}
	if text = strings.TrimSpace(text); text == "" || !strings.HasPrefix(text, "/") {
		return nil
	}
	return []*item{{cell: cell, kind: comment, text: text}}
}

const (
	inFunc = "package p\nfunc _() {\n"
	inFile = "package p\n"
)

// parse fills what the text itself tells.
func (it *item) parse() error {
	head, tail := inFunc, "\n}"
	switch first := leading(it.text); first {
	case "import", "type", "const", "funcdecl", "package":
		head, tail = inFile, "\n"
		it.kind = declaration
		if first == "import" || first == "package" {
			it.kind = importing
		}
	}
	if it.kind == importing && strings.HasPrefix(it.text, "package") {
		it.kind, it.text = comment, "// "+it.text
		return nil
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", head+it.text+tail, 0)
	if err != nil {
		var list scanner.ErrorList
		if l, ok := err.(scanner.ErrorList); ok && len(l) > 0 { //nolint:errorlint // the parser's own, not wrapped
			list = l
			return fmt.Errorf("cell %d:%d: %s", it.cell, it.line+list[0].Pos.Line-1-strings.Count(head, "\n"), list[0].Msg)
		}
		return fmt.Errorf("cell %d:%d: %w", it.cell, it.line, err)
	}
	it.shift = len(head) + 1 // token.Pos counts from 1
	it.free = f.Unresolved
	if it.kind != statement {
		it.node = f.Decls[0]
		it.defs = declared(it.node)
		return nil
	}
	list := f.Decls[0].(*ast.FuncDecl).Body.List
	if len(list) != 1 {
		return fmt.Errorf("cell %d:%d: not one statement", it.cell, it.line)
	}
	it.node = list[0]
	it.defs = declared(it.node)
	return nil
}

// leading is the keyword that a top-level item starts with, "funcdecl" for a function's declaration,
// or "".
func leading(text string) string {
	var sc scanner.Scanner
	fset := token.NewFileSet()
	sc.Init(fset.AddFile("", -1, len(text)), []byte(text), nil, 0)
	_, tok, _ := sc.Scan()
	if tok != token.FUNC {
		return tok.String()
	}
	_, tok, _ = sc.Scan()
	if tok == token.IDENT {
		return "funcdecl"
	}
	for depth := 1; depth > 0 && tok != token.EOF; { // a receiver, or a literal's parameters
		_, tok, _ = sc.Scan()
		switch tok {
		case token.LPAREN:
			depth++
		case token.RPAREN:
			depth--
		}
	}
	_, name, _ := sc.Scan()
	_, open, _ := sc.Scan()
	if name == token.IDENT && open == token.LPAREN {
		return "funcdecl"
	}
	return ""
}

// declared lists the names that a node declares at its level; a method declares none.
func declared(n ast.Node) (ids []*ast.Ident) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Recv == nil {
			ids = append(ids, n.Name)
		}
	case *ast.DeclStmt:
		return declared(n.Decl)
	case *ast.GenDecl:
		for _, s := range n.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				ids = append(ids, s.Name)
			case *ast.ValueSpec:
				ids = append(ids, s.Names...)
			}
		}
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			for _, l := range n.Lhs {
				if id, ok := l.(*ast.Ident); ok {
					ids = append(ids, id)
				}
			}
		}
	}
	var named []*ast.Ident
	for _, id := range ids {
		if id.Name != "_" {
			named = append(named, id)
		}
	}
	return named
}

// imports are the packages of an import declaration, by the name that the cell gives them ("" for
// their own, "." for a dot import) and the path as the cell has it.
func (it *item) imports() (list [][3]string) {
	for _, s := range it.node.(*ast.GenDecl).Specs {
		imp := s.(*ast.ImportSpec)
		p, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			continue
		}
		name := ""
		if imp.Name != nil {
			name = imp.Name.Name
		}
		list = append(list, [3]string{path(p), name, p})
	}
	return list
}

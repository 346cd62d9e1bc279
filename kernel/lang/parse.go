package lang

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"strings"
)

// Error is what is wrong with a cell, and where.
type Error struct {
	Line, Column int // from 1; 0 where unknown
	Msg          string
	Hint         string // what to do about it, if there is something to say
	// Checked says that the cell did parse: the check refused it.
	Checked bool
	// Operand is the type of what stands before the dot, where a name behind it is not there.
	Operand types.Type
	// Package is the package that stands there instead.
	Package *types.Package
}

func (e *Error) Error() string { return e.Msg }

// source is the text of a cell that was parsed.
type source struct {
	code   string
	serial int
	skip   int // bytes before the cell's own text

	missing map[string]string // of a package's source: names of what it imports and this kernel has not, and their paths
}

// Before a cell's declarations, and before its statements, stands one of these, as long as the other.
const (
	beforeDecls = "package main;          "
	beforeStmts = "package main;func _() {"
)

type token2 struct {
	tok      token.Token
	from, to int
	newline  bool // a semicolon that a line's end stands for
}

// scan gives the tokens of code, whatever is wrong with them.
func scan(code string) (out []token2) {
	fset := token.NewFileSet()
	f := fset.AddFile("", fset.Base(), len(code))
	var sc scanner.Scanner
	sc.Init(f, []byte(code), nil, 0)
	for {
		pos, t, lit := sc.Scan()
		if t == token.EOF {
			return out
		}
		from := f.Offset(pos)
		n := len(lit)
		if n == 0 {
			n = len(t.String())
		}
		out = append(out, token2{t, from, min(from+n, len(code)), t == token.SEMICOLON && lit == "\n"})
	}
}

// chunk is a part of a cell: a declaration, or statements.
type chunk struct {
	from, to int
	kind     token.Token // IMPORT, TYPE, CONST, FUNC, PACKAGE; ILLEGAL for statements
}

// split parts a cell's declarations from its statements.
func split(code string) ([]chunk, *Error) {
	toks := scan(code)
	var out []chunk
	depth, start, begin := 0, 0, true
	kind := token.ILLEGAL
	end := func(to int) {
		if to > start {
			out = append(out, chunk{start, to, kind})
		}
		start, kind = to, token.ILLEGAL
	}
	for i, t := range toks {
		if begin && depth == 0 {
			if k := declares(toks, i); k != token.ILLEGAL {
				end(t.from)
				kind = k
			}
			begin = false
		}
		switch t.tok {
		case token.LBRACE, token.LPAREN, token.LBRACK:
			depth++
		case token.RBRACE, token.RPAREN, token.RBRACK:
			depth--
			if depth < 0 {
				line, col := place(code, t.from)
				return nil, &Error{Line: line, Column: col, Msg: fmt.Sprintf("syntax error: unexpected %s", t.tok)}
			}
		case token.SEMICOLON:
			if depth == 0 {
				begin = true
				if kind != token.ILLEGAL {
					to := t.to
					if t.newline {
						to = t.from
					}
					end(to)
				}
			}
		}
	}
	end(len(code))
	return out, nil
}

// declares is the kind of declaration that begins with token i, ILLEGAL if none does.
func declares(toks []token2, i int) token.Token {
	switch t := toks[i].tok; t {
	case token.IMPORT, token.TYPE, token.CONST, token.PACKAGE:
		return t
	case token.FUNC:
		if i+1 < len(toks) && toks[i+1].tok == token.IDENT {
			return t
		}
		depth := 0
		for k := i + 1; k < len(toks); k++ {
			switch toks[k].tok {
			case token.LPAREN, token.LBRACK, token.LBRACE:
				depth++
			case token.RPAREN, token.RBRACK, token.RBRACE:
				depth--
			}
			if depth > 0 {
				continue
			}
			// A method has a name and parameters behind its receiver; a function literal has results.
			if k > i+1 && k+2 < len(toks) && toks[k+1].tok == token.IDENT && (toks[k+2].tok == token.LPAREN || toks[k+2].tok == token.LBRACK) {
				return t
			}
			return token.ILLEGAL
		}
	}
	return token.ILLEGAL
}

// place is line and column, from 1, of an offset.
func place(code string, at int) (line, col int) {
	before := code[:at]
	return strings.Count(before, "\n") + 1, at - strings.LastIndexByte(before, '\n')
}

// blank puts spaces in the place of what keep does not keep.
func blank(code string, chunks []chunk, keep func(chunk) bool) string {
	b := []byte(code)
	for _, c := range chunks {
		if keep(c) {
			continue
		}
		for i := c.from; i < c.to; i++ {
			if b[i] != '\n' && b[i] != '\r' {
				b[i] = ' '
			}
		}
	}
	return string(b)
}

// parsed is a cell's syntax.
type parsed struct {
	src     *source
	chunks  []chunk
	imports []*ast.ImportSpec
	decls   []*ast.GenDecl // of types and constants
	funcs   []*ast.FuncDecl
	body    []ast.Stmt
	program bool // it has a package clause
}

// parse reads a cell.
func (e *Engine) parse(code string) (*parsed, *Error) {
	src := &source{code: code, serial: e.serial, skip: len(beforeDecls)}
	chunks, err := split(code)
	if err != nil {
		return nil, err
	}
	p := &parsed{src: src, chunks: chunks}
	isDecl := func(c chunk) bool { return c.kind == token.TYPE || c.kind == token.CONST || c.kind == token.FUNC }
	imports, err := e.parseFile(src, beforeDecls+blank(code, chunks, func(c chunk) bool { return c.kind == token.IMPORT }))
	if err != nil {
		return nil, err
	}
	decls, err1 := e.parseFile(src, beforeDecls+blank(code, chunks, isDecl))
	stmts, err2 := e.parseFile(src, beforeStmts+blank(code, chunks, func(c chunk) bool { return c.kind == token.ILLEGAL })+"\n}")
	if err1 == nil || err2 != nil && (err2.Line < err1.Line || err2.Line == err1.Line && err2.Column < err1.Column) {
		err1 = err2
	}
	if err1 != nil {
		return nil, err1
	}
	for _, c := range chunks {
		p.program = p.program || c.kind == token.PACKAGE
	}
	p.imports = imports.Imports
	for _, d := range decls.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			p.decls = append(p.decls, d)
		case *ast.FuncDecl:
			p.funcs = append(p.funcs, d)
		}
	}
	p.body = stmts.Decls[0].(*ast.FuncDecl).Body.List
	return p, nil
}

func (e *Engine) parseFile(src *source, text string) (*ast.File, *Error) {
	f, err := parser.ParseFile(e.fset, "", text, parser.SkipObjectResolution)
	if f != nil {
		if tf := e.fset.File(f.FileStart); tf != nil {
			e.sources[tf] = src
		}
	}
	if err == nil {
		return f, nil
	}
	out := &Error{Msg: err.Error()}
	if l, ok := err.(scanner.ErrorList); ok && len(l) > 0 { //nolint:errorlint // the parser gives it bare
		out.Line, out.Column, out.Msg = l[0].Pos.Line, l[0].Pos.Column, l[0].Msg
		if at := l[0].Pos.Offset - src.skip; at > len(src.code) {
			out.Line, out.Column = place(src.code, len(strings.TrimRight(src.code, " \t\r\n")))
			out.Msg = strings.Replace(out.Msg, "found '}'", "found 'EOF'", 1)
		}
	}
	if out.Line == 1 {
		out.Column = max(1, out.Column-src.skip)
	}
	return nil, out
}

// Place is a place in a cell.
type Place struct{ Serial, Line, Column int }

// at is where a position is.
func (e *Engine) at(pos token.Pos) Place {
	if !pos.IsValid() {
		return Place{}
	}
	f := e.fset.File(pos)
	src := e.sources[f]
	if src == nil {
		return Place{}
	}
	p := f.PositionFor(pos, false)
	if p.Line == 1 {
		p.Column = max(1, p.Column-src.skip)
	}
	return Place{src.serial, p.Line, p.Column}
}

func (e *Engine) errorAt(pos token.Pos, msg string) *Error {
	at := e.at(pos)
	return &Error{Line: at.Line, Column: at.Column, Msg: msg, Checked: true}
}

// IsComplete tells whether code can run: "complete", "incomplete" (with how deep the next line stands in
// brackets) or "invalid". It may be called from any goroutine.
func IsComplete(code string) (status string, depth int) {
	if strings.TrimSpace(code) == "" {
		return "complete", 0
	}
	e := &Engine{fset: token.NewFileSet(), sources: map[*token.File]*source{}}
	_, err := e.parse(code)
	if err == nil {
		return "complete", 0
	}
	toks := scan(code)
	for _, t := range toks {
		switch t.tok {
		case token.LBRACE, token.LPAREN, token.LBRACK:
			depth++
		case token.RBRACE, token.RPAREN, token.RBRACK:
			depth--
		}
	}
	line, col := place(code, len(strings.TrimRight(code, " \t\r\n")))
	atEnd := err.Line > line || err.Line == line && err.Column >= col
	if depth >= 0 && (atEnd || strings.Contains(err.Msg, "'EOF'")) || strings.Contains(err.Msg, "raw string literal not terminated") || strings.Contains(err.Msg, "comment not terminated") {
		return "incomplete", max(depth, 0)
	}
	return "invalid", 0
}

package interp

import (
	"go/scanner"
	"go/token"
	"strings"
)

// functionLiterals puts parentheses around function literals that start a statement of the cell: the
// interpreter's parser takes `func() { ... }()` there for a declaration without a name.
func functionLiterals(code string) string {
	if !strings.Contains(code, "func") {
		return code
	}
	toks := scan(code)
	var out strings.Builder
	from, depth := 0, 0
	for i := 0; i < len(toks); i++ {
		switch t := toks[i]; t.tok {
		case token.LBRACE, token.LPAREN, token.LBRACK:
			depth++
		case token.RBRACE, token.RPAREN, token.RBRACK:
			depth--
		case token.FUNC:
			end := literalEnd(toks, i)
			if depth != 0 || end < 0 || i > 0 && toks[i-1].tok != token.SEMICOLON {
				continue
			}
			out.WriteString(code[from:t.at] + "(" + code[t.at:toks[end].at+1] + ")")
			from, i = toks[end].at+1, end
		}
	}
	return out.String() + code[from:]
}

type tok struct {
	tok token.Token
	at  int
}

func scan(code string) (out []tok) {
	fset := token.NewFileSet()
	f := fset.AddFile("", fset.Base(), len(code))
	var sc scanner.Scanner
	sc.Init(f, []byte(code), func(token.Position, string) {}, 0)
	for {
		pos, t, _ := sc.Scan()
		if t == token.EOF {
			return out
		}
		out = append(out, tok{t, f.Offset(pos)})
	}
}

// literalEnd is the place of the brace that ends the function literal at i, or -1 if none starts
// there.
func literalEnd(toks []tok, i int) int {
	i = closing(toks, i+1, token.LPAREN, token.RPAREN)
	if i < 0 || i+1 >= len(toks) || toks[i+1].tok == token.IDENT && i+2 < len(toks) && toks[i+2].tok == token.LPAREN {
		return -1 // a method
	}
	if toks[i+1].tok == token.LPAREN {
		if i = closing(toks, i+1, token.LPAREN, token.RPAREN); i < 0 {
			return -1
		}
	}
	for i++; i < len(toks) && toks[i].tok != token.LBRACE; i++ {
		if toks[i].tok == token.SEMICOLON {
			return -1
		}
	}
	return closing(toks, i, token.LBRACE, token.RBRACE)
}

// closing is the place of the token that closes the one at i, or -1.
func closing(toks []tok, i int, opens, closes token.Token) int {
	if i >= len(toks) || toks[i].tok != opens {
		return -1
	}
	for depth := 0; i < len(toks); i++ {
		switch toks[i].tok {
		case opens:
			depth++
		case closes:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

package interp

import (
	"fmt"
	"go/scanner"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/lang"
)

// lexeme is a token with its place in the text.
type lexeme struct {
	kind     token.Token
	from, to int
}

// lexemes are the tokens of a text, without the semicolons that ends of lines stand for unless lines is set.
func lexemes(code string, lines bool) (toks []lexeme) {
	var s scanner.Scanner
	f := token.NewFileSet().AddFile("", -1, len(code))
	s.Init(f, []byte(code), func(token.Position, string) {}, 0)
	for {
		pos, kind, lit := s.Scan()
		if kind == token.EOF {
			return toks
		}
		if kind == token.SEMICOLON && lit == "\n" && !lines {
			continue
		}
		from := f.Offset(pos)
		n := len(lit)
		if n == 0 {
			n = len(kind.String())
		}
		toks = append(toks, lexeme{kind, from, min(from+n, len(code))})
	}
}

// opening is the bracket that closes with token i; -1 if none does.
func opening(toks []lexeme, i int) int {
	for depth := 0; i >= 0; i-- {
		switch toks[i].kind {
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth++
		case token.LPAREN, token.LBRACK, token.LBRACE:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// operand parts code that ends with a dot into the expression before the dot and what comes before that.
func operand(code string) (before, expr string, ok bool) {
	toks := lexemes(code, false)
	n := len(toks)
	if n < 2 || toks[n-1].kind != token.PERIOD {
		return "", "", false
	}
	i := primary(toks, n-2)
	if i < 0 {
		return "", "", false
	}
	return code[:toks[i].from], code[toks[i].from:toks[n-1].from], true
}

// primary is the first token of the operand, with its calls, indexes and selections, that ends with token i; -1 if
// none does.
func primary(toks []lexeme, i int) int {
	for i >= 0 {
		switch toks[i].kind {
		case token.STRING, token.CHAR, token.INT, token.FLOAT, token.IMAG:
			return i
		case token.IDENT:
			if i > 1 && toks[i-1].kind == token.PERIOD {
				i -= 2
				continue
			}
			return ofType(toks, i)
		case token.RPAREN, token.RBRACK, token.RBRACE:
			open := opening(toks, i)
			if open < 0 {
				return -1
			}
			switch {
			case open > 1 && toks[open].kind == token.LPAREN && toks[open-1].kind == token.PERIOD: // x.(T)
				i = open - 2
				continue
			case open > 0 && (toks[open-1].kind == token.IDENT || toks[open-1].kind == token.RPAREN || toks[open-1].kind == token.RBRACK || toks[open-1].kind == token.RBRACE):
				i = open - 1
				continue
			case toks[open].kind == token.LPAREN:
				return open
			}
			return -1
		default:
			return -1
		}
	}
	return -1
}

// ofType takes the brackets of a literal's type before its name in: those of []T{}, []*T{} and map[K]T{}.
func ofType(toks []lexeme, i int) int {
	for i > 0 {
		at := i - 1
		for at > 0 && toks[at].kind == token.MUL {
			at--
		}
		if toks[at].kind != token.RBRACK {
			break
		}
		open := opening(toks, at)
		if open < 0 {
			break
		}
		if i = open; open > 0 && toks[open-1].kind == token.MAP {
			i = open - 1
		}
	}
	return i
}

// fieldsAt are the fields of the struct in whose literal a key begins at the end of code.
func (s *Session) fieldsAt(code string) (out []Completion) {
	toks := lexemes(code, false)
	n := len(toks)
	if n == 0 || toks[n-1].kind != token.LBRACE && toks[n-1].kind != token.COMMA {
		return nil
	}
	open, depth := n-1, 0
	for ; open >= 0; open-- {
		switch toks[open].kind {
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth++
		case token.LPAREN, token.LBRACK:
			if depth--; depth < 0 {
				return nil
			}
		case token.LBRACE:
			depth--
		}
		if depth < 0 {
			break
		}
	}
	st, ok := s.literal(code, toks, open).(*types.Struct)
	if !ok {
		return nil
	}
	given := map[string]bool{}
	for i := open + 1; i+1 < n; i++ {
		if toks[i].kind == token.IDENT && toks[i+1].kind == token.COLON {
			given[code[toks[i].from:toks[i].to]] = true
		}
	}
	for f := range st.Fields() {
		if !given[f.Name()] && (f.Exported() || f.Pkg() != nil && f.Pkg().Path() == "main") {
			out = append(out, Completion{f.Name() + ": ", "property"})
		}
	}
	return out
}

// literal is the underlying type of the literal that a brace opens; nil if it opens none.
func (s *Session) literal(code string, toks []lexeme, open int) types.Type {
	if open <= 0 {
		return nil
	}
	switch toks[open-1].kind {
	case token.IDENT, token.RBRACK:
		i := open - 1
		if toks[i].kind == token.RBRACK { // of an instance
			if i = opening(toks, i) - 1; i < 0 {
				return nil
			}
		}
		if i > 1 && toks[i-1].kind == token.PERIOD {
			i -= 2
		}
		i = ofType(toks, i)
		tv, _, ok := s.e.TypeIn(code[:toks[i].from], code[toks[i].from:toks[open].from]+"{}")
		if !ok {
			return nil
		}
		return tv.Type.Underlying()
	case token.LBRACE, token.COMMA, token.COLON: // the outer literal says the type
		outer, depth := open-1, 0
		for ; outer >= 0; outer-- {
			switch toks[outer].kind {
			case token.RPAREN, token.RBRACK, token.RBRACE:
				depth++
			case token.LPAREN, token.LBRACK, token.LBRACE:
				depth--
			}
			if depth < 0 {
				break
			}
		}
		if outer < 0 || toks[outer].kind != token.LBRACE {
			return nil
		}
		var elem types.Type
		switch t := s.literal(code, toks, outer).(type) {
		case *types.Slice:
			elem = t.Elem()
		case *types.Array:
			elem = t.Elem()
		case *types.Map:
			elem = t.Elem()
		default:
			return nil
		}
		if p, ok := elem.Underlying().(*types.Pointer); ok {
			elem = p.Elem()
		}
		return elem.Underlying()
	}
	return nil
}

// unimported are the members of a package that the cell has not imported yet, by its name.
func unimported(s *Session, name string) (out []Completion) {
	p := importable(name)
	if p == "" {
		return nil
	}
	for _, o := range lang.Exported(s.e.Package(p)) {
		out = append(out, Completion{o.Name(), kind(o)})
	}
	return out
}

// packageNames are the names of packages that cells can import.
func packageNames() (out []Completion) {
	for _, p := range bind.Available() {
		out = append(out, Completion{path.Base(p), "module"})
	}
	return sortedWords(out)
}

var (
	importing   = regexp.MustCompile(`^\s*(?:import\s+)?(?:\w+\s+|\.\s+)?["\x60][^"\x60]*$`)
	inImports   = regexp.MustCompile(`(?s)\bimport\s*\([^)]*$`)
	pathyNames  = regexp.MustCompile(`(?i)^(name|path|paths|pattern|file|filename|fname|dir|folder|root|src|dst|oldpath|newpath|oldname|newname|elem|parts|base|target)$`)
	looksAPath  = regexp.MustCompile(`^[.~/\\]|[/\\]`)
	startsAPath = regexp.MustCompile(`^\s*(?:%|\$)`)
)

// inString lists what the text of a string may become that is being written at the end of code, where it is start so
// far: a package's path, a file's where one is meant, or one of the words that the comment of the function quotes.
func (s *Session) inString(code, line, start string) (out []Completion) {
	if importing.MatchString(line) && (strings.Contains(line, "import") || inImports.MatchString(code)) {
		return packagePaths(start)
	}
	likely := looksAPath.MatchString(start) || startsAPath.MatchString(line)
	if likely {
		out = paths("", start)
	}
	before := strings.TrimRight(code[:len(code)-len(start)], "\"`")
	a, ok := argumentAt(before)
	if !ok {
		return out
	}
	_ = s.do(func() {
		defer func() { _ = recover() }()
		f, of := s.callee(a)
		if f == nil || f.Params().Len() == 0 {
			return
		}
		doc := bind.Doc(of)
		if doc == "" {
			doc = s.documented(a.before, a.callee)
		}
		name := f.Params().At(min(a.index, f.Params().Len()-1)).Name()
		switch root, below := s.below(a, f, before); {
		case likely && (!below || filepath.IsAbs(start)):
		case !pathyNames.MatchString(name):
			out = quotedIn(doc, start)
		case below:
			out = paths(root, start)
		case name == "name" && s.ofLibrary(a): // of a data set, a network, a checkpoint or a column: never a file
			out = quotedIn(doc, start)
		default:
			out = paths("", start)
		}
	})
	return out
}

// below is the folder in which a path is meant that is the argument of a call: the library's Path that is the first
// argument, or whose method is called.
func (s *Session) below(a argument, f *types.Signature, before string) (folder string, ok bool) {
	x := ""
	if a.index > 0 && f.Params().At(0).Type().String() == pathType {
		x = strings.TrimSpace(before[len(a.before)+len(a.callee)+1:])
		x, _, _ = strings.Cut(x, ",")
	} else if i := strings.LastIndexByte(a.callee, '.'); i > 0 && a.index == 0 {
		x = a.callee[:i]
	}
	v, ok := s.e.Value(strings.TrimSpace(x))
	if !ok || v.V == nil {
		return "", false
	}
	p, ok := lang.Plain(v.V).(fmt.Stringer)
	if !ok || v.Type == nil || v.Type.String() != pathType {
		return "", false
	}
	return p.String(), true
}

const pathType = "github.com/fastnb/go/datasets.Path"

// ofLibrary reports whether a call is of the library's: what stands without a dot, or a value of it.
func (s *Session) ofLibrary(a argument) bool {
	_, o, _ := s.e.TypeIn(a.before, a.callee)
	if o == nil || o.Pkg() == nil {
		return !strings.Contains(a.callee, ".") && s.e.Lookup(a.callee) != nil
	}
	return strings.HasPrefix(o.Pkg().Path(), "github.com/fastnb/")
}

// quotedIn are the words that a comment has in quotes and that begin so.
func quotedIn(doc, start string) (out []Completion) {
	_, doc, _ = strings.Cut(doc, "\n\n")
	seen := map[string]bool{}
	for _, m := range quoted.FindAllStringSubmatch(doc, -1) {
		if w := m[1]; strings.HasPrefix(strings.ToLower(w), strings.ToLower(start)) && !seen[w] {
			seen[w] = true
			out = append(out, Completion{w, "instance"})
		}
	}
	return out
}

var quoted = regexp.MustCompile(`"([\w.:-]+)"`)

// packagePaths are the paths of packages that begin so.
func packagePaths(start string) (out []Completion) {
	for _, p := range bind.Available() {
		if strings.HasPrefix(p, start) || start != "" && strings.HasPrefix(path.Base(p), start) {
			out = append(out, Completion{p, "module"})
		}
	}
	return sortedWords(out)
}

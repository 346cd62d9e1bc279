package nb

import (
	"go/scanner"
	"go/token"
	"html"
	"html/template"
	"strings"
)

// predeclared are the names that Go defines by itself; the page shows them apart.
var predeclared = map[string]bool{}

func init() {
	for _, n := range strings.Fields("any bool byte complex64 complex128 error float32 float64 int int8 int16 int32 int64 rune string " +
		"uint uint8 uint16 uint32 uint64 uintptr true false iota nil append cap clear close complex copy delete imag len make max min new panic print println real recover") {
		predeclared[n] = true
	}
}

// highlight is code as a page shows it: its tokens stand in spans of the classes k (keyword), b
// (predeclared name), s (text), n (number) and c (comment); page.html colours them. Nothing of the
// code is lost, be it Go or not.
//
// Go's own scanner reads it: a highlighter for all languages costs every start of the program more
// time than all else together.
func highlight(code string) template.HTML {
	var out strings.Builder
	out.WriteString("<pre>")
	file := token.NewFileSet().AddFile("", -1, len(code))
	var sc scanner.Scanner
	sc.Init(file, []byte(code), func(token.Position, string) {}, scanner.ScanComments)
	done := 0
	for {
		pos, tok, lit := sc.Scan()
		if tok == token.EOF {
			break
		}
		class := classOf(tok, lit)
		from := file.Offset(pos)
		// The scanner leaves carriage returns out of what it gives: such a token is shorter than its
		// text, whose rest stays plain.
		to := from + len(lit)
		if class == "" || from < done || to > len(code) || code[from:to] != lit {
			continue
		}
		out.WriteString(html.EscapeString(code[done:from]))
		out.WriteString(`<span class="` + class + `">` + html.EscapeString(lit) + `</span>`)
		done = to
	}
	out.WriteString(html.EscapeString(code[done:]) + "</pre>")
	return template.HTML(out.String()) //nolint:gosec // escaped piece by piece
}

func classOf(tok token.Token, lit string) string {
	switch {
	case tok.IsKeyword():
		return "k"
	case tok == token.COMMENT:
		return "c"
	case tok == token.STRING || tok == token.CHAR:
		return "s"
	case tok == token.INT || tok == token.FLOAT || tok == token.IMAG:
		return "n"
	case tok == token.IDENT && predeclared[lit]:
		return "b"
	}
	return ""
}

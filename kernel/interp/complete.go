package interp

import (
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/fastnb/go/kernel/lang"
)

// Completion is what a word may become, and what it is: "function", "instance", "class", "module",
// "property", "magic" or "path".
type Completion struct{ Text, Type string }

// Complete lists what the word before the cursor (in code points) may become, and the range, in code
// points, that it replaces. Where an argument of a call begins, what fits it comes first.
func (s *Session) Complete(code string, cursor int) (matches []Completion, start, end int) {
	runes := []rune(code)
	cursor = max(0, min(cursor, len(runes)))
	line := runes[:cursor]
	for i := len(line) - 1; i >= 0; i-- {
		if line[i] == '\n' {
			line = line[i+1:]
			break
		}
	}
	start = cursor
	for start > 0 && inName(runes[start-1]) {
		start--
	}
	word := string(runes[start:cursor])
	if strings.HasPrefix(strings.TrimSpace(string(line)), "%") {
		for _, m := range magicList {
			if strings.HasPrefix(m.name, word) {
				matches = append(matches, Completion{m.name, "magic"})
			}
		}
		return matches, start, cursor
	}
	before := string(runes[:start])
	if open := openString(string(line)); open >= 0 {
		text := string(line[open:])
		at := cursor - (len(line) - open)
		return s.inString(string(runes[:cursor]), string(line), text), at, cursor
	}
	seen := map[string]bool{"": true}
	var alike []Completion // but for capitals and underscores
	add := func(c Completion) {
		if strings.ContainsRune(c.Text, '\u02b9') || seen[c.Text] {
			return
		}
		switch {
		case strings.HasPrefix(c.Text, word):
			seen[c.Text] = true
			matches = append(matches, c)
		case len(word) > 1 && plain(word) != "" && strings.HasPrefix(plain(c.Text), plain(word)):
			seen[c.Text] = true
			alike = append(alike, c)
		}
	}
	_ = s.do(func() {
		defer func() { _ = recover() }()
		if a, ok := argumentAt(before); ok {
			for _, c := range s.fitting(a) {
				add(c)
			}
		}
		for _, c := range s.fieldsAt(before) {
			add(c)
		}
		for _, c := range s.words(before) {
			add(c)
		}
	})
	return append(matches, alike...), start, cursor
}

func inName(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// words are the names that can come after the part of a cell that has been written: members of what stands
// before its dot, or all names, those of packages that are not imported yet last.
func (s *Session) words(before string) (out []Completion) {
	if !strings.HasSuffix(before, ".") {
		for name, o := range s.e.Names(before) {
			out = append(out, Completion{name, kind(o)})
		}
		for name, o := range s.e.Prelude() {
			out = append(out, Completion{name, kind(o)})
		}
		for name, o := range s.e.Scope() {
			out = append(out, Completion{name, kind(o)})
		}
		for _, name := range types.Universe.Names() {
			out = append(out, Completion{name, kind(types.Universe.Lookup(name))})
		}
		for t := token.BREAK; t <= token.VAR; t++ {
			out = append(out, Completion{t.String(), "keyword"})
		}
		return append(sortedWords(out), packageNames()...)
	}
	rest, expr, ok := operand(before)
	if !ok {
		return nil
	}
	tv, o, ok := s.e.TypeIn(rest, expr)
	if p, is := o.(*types.PkgName); is {
		for _, o := range lang.Exported(p.Imported()) {
			out = append(out, Completion{o.Name(), kind(o)})
		}
		return sortedWords(out)
	}
	if !ok || tv.Type == nil {
		return sortedWords(unimported(s, expr))
	}
	for _, m := range s.e.Members(tv.Type) {
		k := "function"
		if _, is := m.Object.(*types.Var); is {
			k = "property"
		}
		out = append(out, Completion{m.Name, k})
	}
	return out
}

func sortedWords(out []Completion) []Completion {
	slices.SortFunc(out, func(a, b Completion) int { return strings.Compare(a.Text, b.Text) })
	return out
}

// kind says what a name stands for.
func kind(o types.Object) string {
	switch o := o.(type) {
	case *types.TypeName:
		return "class"
	case *types.PkgName:
		return "module"
	case *types.Func, *types.Builtin:
		return "function"
	case *types.Var:
		if _, ok := o.Type().Underlying().(*types.Signature); ok {
			return "function"
		}
	case *types.Nil:
		return "keyword"
	}
	return "instance"
}

// openString is where, in code points, the text of a string starts that is open at the end of a line;
// -1 if none is.
func openString(line string) int {
	open, quote := -1, rune(0)
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case quote != 0 && r == '\\' && quote == '"':
			i++
		case quote != 0 && r == quote:
			open, quote = -1, 0
		case quote == 0 && (r == '"' || r == '`'):
			open, quote = i+1, r
		case quote == 0 && r == '/' && i+1 < len(runes) && runes[i+1] == '/':
			return -1
		}
	}
	return open
}

// paths are the files and folders below root ("": the working folder) whose names start so; folders end with a slash.
func paths(root, start string) (out []Completion) {
	dir, name := filepath.Split(start)
	where := dir
	if root != "" {
		where = filepath.Join(root, dir)
	} else if where == "" {
		where = "."
	}
	const most = 200
	entries, err := os.ReadDir(where)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), name) || name == "" && strings.HasPrefix(e.Name(), ".") || len(out) == most {
			continue
		}
		p := dir + e.Name()
		if e.IsDir() {
			p += "/"
		}
		out = append(out, Completion{p, "path"})
	}
	return out
}

// IsComplete tells a console whether code can run: "complete", "incomplete" (with the indent of the
// next line) or "invalid".
func (s *Session) IsComplete(code string) (status, indent string) {
	if strings.TrimSpace(code) == "" {
		return "complete", ""
	}
	var body []string
	for _, l := range strings.Split(code, "\n") {
		if t := strings.TrimSpace(l); len(body) == 0 && (strings.HasPrefix(t, "%") || strings.HasPrefix(t, "$")) {
			continue
		}
		body = append(body, l)
	}
	status, depth := lang.IsComplete(strings.Join(body, "\n"))
	if status == "incomplete" {
		indent = strings.Repeat("\t", depth)
	}
	return status, indent
}

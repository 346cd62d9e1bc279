package interp

import (
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"unicode"

	mp "github.com/cosmos72/gomacro/go/parser"

	"github.com/fastnb/go/kernel/bind"
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
	if open := openString(string(line)); open >= 0 {
		return paths(string(line[open:])), cursor - (len(line) - open), cursor
	}
	seen := map[string]bool{"": true}
	add := func(c Completion) {
		if strings.HasPrefix(c.Text, word) && !strings.ContainsRune(c.Text, '\u02b9') && !seen[c.Text] {
			seen[c.Text] = true
			matches = append(matches, c)
		}
	}
	s.do(func() {
		defer func() { _ = recover() }()
		if a, ok := argumentAt(string(runes[:start])); ok {
			for _, c := range s.fitting(a) {
				add(c)
			}
		}
		text := string(line)
		_, words, _ := s.ir.CompleteWords(text, len(text))
		sort.Strings(words)
		kind := s.kinds(string(line[:len(line)-(cursor-start)]))
		for _, w := range words {
			add(Completion{w, kind(w)})
		}
	})
	return matches, start, cursor
}

func inName(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// kinds gives a function that says what a name is that comes after head.
func (s *Session) kinds(head string) func(name string) string {
	head, member := strings.CutSuffix(head, ".")
	if !member {
		return s.kind
	}
	from := len(head)
	for from > 0 && (head[from-1] == '.' || head[from-1] >= 0x80 || inName(rune(head[from-1]))) {
		from--
	}
	head = head[from:]
	if sym := s.ir.Comp.TryResolve(head); sym != nil && importPath(sym) != "" {
		values, types := bind.Symbols(importPath(sym))
		return func(name string) string {
			v, ok := values[name]
			switch {
			case types[name] != nil:
				return "class"
			case ok && v.Kind() == reflect.Func:
				return "function"
			}
			return "instance"
		}
	}
	t := s.typeOf(head)
	return func(name string) string {
		if t == nil {
			return ""
		}
		if _, isField, _, _, err := s.ir.Comp.TryLookupFieldOrMethod(t, name); err == nil && isField {
			return "property"
		}
		return "function"
	}
}

// kind says what a name of the session is.
func (s *Session) kind(name string) string {
	if s.ir.Comp.TryResolveType(name) != nil {
		return "class"
	}
	sym := s.ir.Comp.TryResolve(name)
	switch {
	case sym == nil:
		return "keyword"
	case importPath(sym) != "":
		return "module"
	case sym.Type != nil && sym.Type.Kind() == reflect.Func:
		return "function"
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

// paths are the files and folders whose names start so; folders end with a slash.
func paths(start string) (out []Completion) {
	dir, name := filepath.Split(start)
	where := dir
	if where == "" {
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
	var err error
	s.do(func() {
		defer func() {
			if r := recover(); r != nil {
				err = asError(r)
			}
		}()
		var p mp.Parser
		c := s.ir.Comp
		p.Configure(c.ParserMode, c.MacroChar)
		p.Init(c.Fileset, "cell", 0, []byte(strings.Join(body, "\n")))
		_, err = p.Parse()
	})
	switch {
	case err == nil:
		return "complete", ""
	case strings.Contains(err.Error(), "'EOF'") || strings.Contains(err.Error(), "not terminated"):
		depth := strings.Count(code, "{") + strings.Count(code, "(") - strings.Count(code, "}") - strings.Count(code, ")")
		return "incomplete", strings.Repeat("\t", max(depth, 0))
	}
	return "invalid", ""
}

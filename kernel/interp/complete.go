package interp

import (
	"fmt"
	"sort"
	"strings"
	"unicode"

	mp "github.com/cosmos72/gomacro/go/parser"
)

// Complete lists names that the word before the cursor (in code points) may become, and the range,
// in code points, that they replace.
func (s *Session) Complete(code string, cursor int) (matches []string, start, end int) {
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
	for start > 0 && (unicode.IsLetter(runes[start-1]) || unicode.IsDigit(runes[start-1]) || runes[start-1] == '_') {
		start--
	}
	if strings.HasPrefix(strings.TrimSpace(string(line)), "%") {
		for _, m := range magicList {
			if strings.HasPrefix(m.name, string(runes[start:cursor])) {
				matches = append(matches, m.name)
			}
		}
		return matches, start, cursor
	}
	s.do(func() {
		defer func() { _ = recover() }()
		text := string(line)
		_, matches, _ = s.ir.CompleteWords(text, len(text))
	})
	word := string(runes[start:cursor])
	seen := map[string]bool{}
	var out []string
	for _, m := range matches {
		if strings.HasPrefix(m, word) && !strings.ContainsRune(m, '\u02b9') && !seen[m] {
			seen[m] = true
			out = append(out, m)
		}
	}
	sort.Strings(out)
	return out, start, cursor
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

// Inspect describes the expression at the cursor: its type, found by compiling it without running
// it.
func (s *Session) Inspect(code string, cursor int) (data map[string]any, found bool) {
	runes := []rune(code)
	cursor = max(0, min(cursor, len(runes)))
	in := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' }
	a, b := cursor, cursor
	for a > 0 && in(runes[a-1]) {
		a--
	}
	for b < len(runes) && in(runes[b]) && runes[b] != '.' {
		b++
	}
	expr := strings.Trim(string(runes[a:b]), ".")
	if expr == "" {
		return nil, false
	}
	s.do(func() {
		defer func() { _ = recover() }()
		s.ir.Comp.Line = 0
		s.ir.Comp.Code.Clear()
		e := s.ir.Compile(expr)
		s.ir.Comp.Code.Clear()
		if e == nil || e.NumOut() == 0 {
			return
		}
		text := fmt.Sprintf("%s %v", expr, e.Out(0))
		data, found = map[string]any{"text/plain": text}, true
	})
	return data, found
}

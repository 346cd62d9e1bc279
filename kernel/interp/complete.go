package interp

import (
	"os"
	"path/filepath"
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
	if open := openString(string(line)); open >= 0 {
		return paths(string(line[open:])), cursor - (len(line) - open), cursor
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
func paths(start string) (out []string) {
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
		out = append(out, p)
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

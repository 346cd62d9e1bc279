package export

import (
	"fmt"
	"strconv"
	"strings"
)

// magics turns the lines at the top of a cell that are not Go into Go, or into comments where a program
// has no use for them. It gives the Go code that is left, with its line numbers kept, and whether the
// cell rule is off from here on.
func magics(cell int, code string, strict bool) (before []*item, rest string, isStrict bool, err error) {
	if t := strings.TrimSpace(code); strings.HasPrefix(t, "%%") {
		before, rest, err = wholeCell(cell, t)
		return before, rest, strict, err
	}
	lines := strings.Split(code, "\n")
	add := func(i int, text string) error {
		it := &item{cell: cell, line: i + 1, text: text}
		if strings.HasPrefix(text, "//") {
			it.kind = comment
			before = append(before, it)
			return nil
		}
		before = append(before, it)
		return it.parse()
	}
	for i, l := range lines {
		t := strings.TrimSpace(l)
		if t == "" {
			continue
		}
		asks := question(t)
		if t[0] != '%' && t[0] != '$' && !asks {
			break
		}
		lines[i] = ""
		f := strings.Fields(t[1:])
		if len(f) == 0 {
			continue
		}
		arg := strings.Join(f[1:], " ")
		text := "// " + t
		switch {
		case asks: // a program has nobody to answer
		case t[0] == '$':
			text = "program.Command(" + quoted(f) + ")"
		case f[0] == "cd" && arg != "":
			text = "os.Chdir(" + strconv.Quote(arg) + ")"
		case f[0] == "env" && strings.Contains(arg, "="):
			k, v, _ := strings.Cut(arg, "=")
			text = "os.Setenv(" + quoted([]string{strings.TrimSpace(k), strings.TrimSpace(v)}) + ")"
		case f[0] == "device" && arg != "":
			text = "os.Setenv(" + quoted([]string{"FASTNB_DEVICE", arg}) + ")"
		case f[0] == "errors":
			strict = arg == "explicit"
		case (f[0] == "time" || f[0] == "timeit" || f[0] == "profile") && arg != "":
			lines[i] = strings.TrimSpace(t[1+len(f[0]):])
		}
		if lines[i] == "" {
			if err := add(i, text); err != nil {
				return nil, "", strict, err
			}
		}
		if lines[i] != "" {
			break
		}
	}
	return before, strings.Join(lines, "\n"), strict, nil
}

// question reports whether a line asks what a name is: `name?` or `?name`.
func question(line string) bool {
	return line[0] == '?' || line[len(line)-1] == '?' && !strings.HasPrefix(line, "//")
}

// wholeCell is a command that takes the whole cell: %%writefile FILE, %%capture and the like.
func wholeCell(cell int, code string) ([]*item, string, error) {
	head, body, _ := strings.Cut(code, "\n")
	f := strings.Fields(head[2:])
	if len(f) == 0 {
		return nil, "", fmt.Errorf("cell %d: no command after %%%%", cell)
	}
	if f[0] != "writefile" {
		return []*item{{cell: cell, kind: comment, text: "// " + head}}, "\n" + body, nil
	}
	if len(f) != 2 {
		return nil, "", fmt.Errorf("cell %d: %%%%writefile wants a file", cell)
	}
	it := &item{cell: cell, line: 1, text: fmt.Sprintf("os.WriteFile(%s, []byte(%s), 0o644)", strconv.Quote(f[1]), rawText(body))}
	return []*item{it}, "", it.parse()
}

func rawText(s string) string {
	if strings.ContainsAny(s, "`\r") {
		return strconv.Quote(s)
	}
	return "`" + s + "`"
}

func quoted(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = strconv.Quote(s)
	}
	return strings.Join(q, ", ")
}

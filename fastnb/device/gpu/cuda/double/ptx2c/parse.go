package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// module is one entry and the variables around it.
type module struct {
	vars   []*variable // of the module: .const, .global, .shared
	name   string
	params []*variable
	body   []*inst
	locals []*variable // .local and .shared of the entry
	regs   []reg
	labels map[string]bool // by their C names
	most   int             // .maxntid
}

// variable is something with an address, or a parameter.
type variable struct {
	space, typ, name string
	align, bytes     int
	init             []string // numbers, of the type
	extern           bool
}

// reg is a declared register.
type reg struct{ name, typ string } // name as in C

// inst is an instruction, or a label.
type inst struct {
	line  int
	label string
	guard string // predicate register, with ! before it where it is negated
	op    string // whole: "ld.global.v2.f32"
	parts []string
	types []string // the parts that are types, in order
	args  []string
	scope *scope
}

// scope is a block of braces with registers and labels of its own.
type scope struct {
	up     *scope
	id     int
	regs   map[string]reg
	labels map[string]string
	lists  map[string][]string
}

var typeNames = map[string]int{
	"u8": 1, "u16": 2, "u32": 4, "u64": 8, "s8": 1, "s16": 2, "s32": 4, "s64": 8, "b8": 1, "b16": 2, "b32": 4, "b64": 8,
	"f16": 2, "f16x2": 4, "bf16": 2, "bf16x2": 4, "tf32": 4, "f32": 4, "f64": 8, "pred": 1,
}

var (
	lineCommentRe  = regexp.MustCompile(`//[^\n]*`)
	blockCommentRe = regexp.MustCompile(`(?s)/\*.*?\*/`)
	labelRe        = regexp.MustCompile(`^([A-Za-z_$%][\w$]*)\s*:`)
	entryRe        = regexp.MustCompile(`\.entry\s+([\w$]+)\s*`)
)

// parse reads a text that holds one entry.
func parse(text string) (*module, error) {
	text = lineCommentRe.ReplaceAllString(text, "")
	text = blockCommentRe.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) })
	at := entryRe.FindStringSubmatchIndex(text)
	if at == nil {
		return nil, fmt.Errorf("no entry")
	}
	m := &module{name: text[at[2]:at[3]], labels: map[string]bool{}}
	if strings.Contains(text, ".func") {
		return nil, fmt.Errorf("functions (.func) are not translated: make them inline")
	}
	before := text[:at[0]]
	for _, s := range strings.Split(before, ";") {
		if v, err := parseVariable(s); err != nil {
			return nil, err
		} else if v != nil {
			m.vars = append(m.vars, v)
		}
	}
	rest := text[at[1]:]
	open := strings.Index(rest, "{")
	if open < 0 {
		return nil, fmt.Errorf("%s: no body", m.name)
	}
	if err := m.parseHead(rest[:open]); err != nil {
		return nil, err
	}
	line := 1 + strings.Count(text[:at[1]+open], "\n")
	return m, m.parseBody(rest[open:], line)
}

// parseHead reads parameters and what a launch must keep to.
func (m *module) parseHead(head string) error {
	if open := strings.Index(head, "("); open >= 0 {
		end := strings.LastIndex(head, ")")
		for _, s := range strings.Split(head[open+1:end], ",") {
			v, err := parseVariable(s)
			if err != nil || v == nil {
				return fmt.Errorf("%s: parameter %q", m.name, strings.TrimSpace(s))
			}
			m.params = append(m.params, v)
		}
		head = head[end+1:]
	}
	if _, after, ok := strings.Cut(head, ".maxntid"); ok {
		m.most = 1
		for _, f := range strings.FieldsFunc(strings.SplitN(after, ".", 2)[0], func(r rune) bool { return r < '0' || r > '9' }) {
			n, _ := strconv.Atoi(f)
			m.most *= n
		}
	}
	return nil
}

var varRe = regexp.MustCompile(`(?s)^((?:\.\w+(?:\s+\d+)?\s+)+)([\w$%]+)\s*((?:\[[^\]]*\])*)\s*(?:=\s*(.*))?$`)

// parseVariable reads a declaration as ".const .align 4 .b8 name[24] = {1, 2}"; nil where it is none.
func parseVariable(s string) (*variable, error) {
	s = strings.TrimSpace(s)
	for _, head := range []string{".version", ".target", ".address_size"} { // these have no semicolon behind them
		for strings.HasPrefix(s, head) {
			_, s, _ = strings.Cut(s, "\n")
			s = strings.TrimSpace(s)
		}
	}
	if s == "" || s == ".visible" || s == ".weak" { // of the entry
		return nil, nil
	}
	g := varRe.FindStringSubmatch(s)
	if g == nil {
		if strings.HasPrefix(s, ".file") || strings.HasPrefix(s, ".pragma") || !strings.HasPrefix(s, ".") {
			return nil, nil
		}
		return nil, fmt.Errorf("declaration %q", s)
	}
	v := &variable{name: g[2]}
	words := strings.Fields(g[1])
	for i := 0; i < len(words); i++ {
		w := strings.TrimPrefix(words[i], ".")
		switch w {
		case "const", "global", "shared", "local", "param":
			v.space = w
		case "align":
			i++
			v.align, _ = strconv.Atoi(words[i])
		case "extern":
			v.extern = true
		case "visible", "weak", "ptr":
		default:
			if typeNames[w] == 0 {
				return nil, fmt.Errorf("declaration %q: %s", s, words[i])
			}
			v.typ = w
		}
	}
	v.bytes = typeNames[v.typ]
	v.align = max(v.align, v.bytes)
	for _, d := range strings.FieldsFunc(g[3], func(r rune) bool { return r == '[' || r == ']' || r == ' ' }) {
		n, err := strconv.Atoi(d)
		if err != nil {
			return nil, fmt.Errorf("declaration %q: size %s", s, d)
		}
		v.bytes *= n
	}
	if strings.Contains(g[3], "[]") {
		v.bytes = 0
	}
	v.init = strings.FieldsFunc(g[4], func(r rune) bool { return strings.ContainsRune("{}, \n\t", r) })
	return v, nil
}

// parseBody reads the statements between the braces.
func (m *module) parseBody(text string, line int) error {
	var now *scope
	scopes := 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '\n':
			line++
			i++
			continue
		case ' ', '\t', '\r', ';':
			i++
			continue
		case '{':
			now = &scope{up: now, id: scopes, regs: map[string]reg{}, labels: map[string]string{}, lists: map[string][]string{}}
			scopes++
			i++
			continue
		case '}':
			if now = now.up; now == nil {
				return nil
			}
			i++
			continue
		}
		if g := labelRe.FindStringSubmatch(text[i:]); g != nil && !strings.HasPrefix(text[i+len(g[0]):], ":") {
			i += len(g[0])
			after := strings.TrimLeft(text[i:], " \t\n")
			if strings.HasPrefix(after, ".branchtargets") {
				list, _, _ := strings.Cut(strings.TrimPrefix(after, ".branchtargets"), ";")
				now.lists[g[1]] = split(list)
				n := strings.Index(text[i:], ";")
				line += strings.Count(text[i:i+n], "\n")
				i += n
				continue
			}
			l := fmt.Sprintf("L%d_%s", now.id, cname(g[1]))
			now.labels[g[1]] = l
			m.body = append(m.body, &inst{line: line, label: l, scope: now})
			continue
		}
		n := strings.Index(text[i:], ";")
		if n < 0 {
			return fmt.Errorf("line %d: a statement without an end", line)
		}
		if err := m.statement(now, strings.TrimSpace(text[i:i+n]), line); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
		line += strings.Count(text[i:i+n], "\n")
		i += n
	}
	return fmt.Errorf("line %d: the body does not end", line)
}

var regRe = regexp.MustCompile(`([%\w$]+)(?:<(\d+)>)?`)

// statement reads a declaration or an instruction.
func (m *module) statement(now *scope, s string, line int) error {
	if strings.HasPrefix(s, ".reg") {
		f := strings.Fields(s)
		typ := strings.TrimPrefix(f[1], ".")
		for _, r := range regRe.FindAllStringSubmatch(strings.Join(f[2:], ""), -1) {
			if r[2] == "" {
				now.declare(m, r[1], typ)
				continue
			}
			n, _ := strconv.Atoi(r[2])
			for k := range n {
				now.declare(m, r[1]+strconv.Itoa(k), typ)
			}
		}
		return nil
	}
	if strings.HasPrefix(s, ".") {
		v, err := parseVariable(s)
		if err == nil && v != nil && (v.space == "local" || v.space == "shared") {
			m.locals = append(m.locals, v)
		}
		return err
	}
	in := &inst{line: line, scope: now}
	if strings.HasPrefix(s, "@") {
		in.guard, s, _ = strings.Cut(s[1:], " ")
		if g, rest, ok := strings.Cut(in.guard, "\t"); ok {
			in.guard, s = g, rest+" "+s
		}
		s = strings.TrimSpace(s)
	}
	rest := ""
	if n := strings.IndexAny(s, " \t\n"); n >= 0 {
		s, rest = s[:n], strings.TrimSpace(s[n:])
	}
	in.op, in.args = s, split(rest)
	in.parts = strings.Split(s, ".")
	for _, p := range in.parts[1:] {
		if typeNames[p] > 0 {
			in.types = append(in.types, p)
		}
	}
	m.body = append(m.body, in)
	return nil
}

func (s *scope) declare(m *module, name, typ string) {
	r := reg{fmt.Sprintf("r%d_%s", s.id, cname(name)), typ}
	s.regs[name] = r
	m.regs = append(m.regs, r)
}

func (s *scope) find(name string) (reg, bool) {
	for ; s != nil; s = s.up {
		if r, ok := s.regs[name]; ok {
			return r, true
		}
	}
	return reg{}, false
}

func (s *scope) label(name string) (string, bool) {
	for ; s != nil; s = s.up {
		if l, ok := s.labels[name]; ok {
			return l, true
		}
	}
	return "", false
}

func (s *scope) list(name string) []string {
	for ; s != nil; s = s.up {
		if l, ok := s.lists[name]; ok {
			return l
		}
	}
	return nil
}

// cname makes a name of PTX one of C.
func cname(s string) string {
	return strings.NewReplacer("%", "", "$", "_D").Replace(s)
}

// split cuts operands at the commas outside of braces and brackets.
func split(s string) []string {
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, strings.TrimSpace(s[from:i]))
				from = i + 1
			}
		}
	}
	if last := strings.TrimSpace(s[from:]); last != "" {
		out = append(out, last)
	}
	return out
}

// has says whether an instruction has a part, as "sat".
func (i *inst) has(part string) bool {
	for _, p := range i.parts[1:] {
		if p == part || strings.HasPrefix(p, part+"::") {
			return true
		}
	}
	return false
}

// any gives the first of some parts that it has.
func (i *inst) any(parts ...string) string {
	for _, p := range parts {
		if i.has(p) {
			return p
		}
	}
	return ""
}

// typ is its last type, which is that of its operands as a rule.
func (i *inst) typ() string {
	if len(i.types) == 0 {
		return ""
	}
	return i.types[len(i.types)-1]
}

package main

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// gen writes the C of one entry. Registers are local variables: float and double as such, everything else as
// unsigned whole numbers of its width; operands are read as the type that the instruction says.
type gen struct {
	m       *module
	out     strings.Builder
	in      *inst
	place   map[string]place // of variables
	shared  int              // bytes
	local   int
	params  int
	meets   bool
	atomics bool
	dynamic bool
	err     error
}

// place is where a variable lies: an offset in its space, or the number of a variable of the module.
type place struct {
	space string
	at    int
}

func (g *gen) fail(format string, args ...any) string {
	if g.err == nil {
		g.err = fmt.Errorf("line %d: %s %s: %s", g.in.line, g.in.op, strings.Join(g.in.args, ", "), fmt.Sprintf(format, args...))
	}
	return "0"
}

// translate gives the C of a module's entry.
func translate(m *module) (string, error) {
	g := &gen{m: m, place: map[string]place{}, in: &inst{}}
	paramTable := g.layOut()
	var body strings.Builder
	for _, in := range m.body {
		g.in = in
		if in.label != "" {
			fmt.Fprintf(&body, "%s:;\n", in.label)
			continue
		}
		c := g.instruction(in)
		if g.err != nil {
			return "", g.err
		}
		if in.guard != "" {
			p := g.pred(in.guard)
			fmt.Fprintf(&body, "if (%s) { %s }\n", p, c)
		} else {
			body.WriteString(c + "\n")
		}
	}
	o := &g.out
	fmt.Fprintf(o, "#define KERNEL\n#include \"kernel.h\"\n")
	g.variables()
	fmt.Fprintf(o, "static void run(Thr *t) {\nchar *const P = t->b->params; (void)P; uint32_t CC = 0; (void)CC;\n")
	if g.local > 0 {
		fmt.Fprintf(o, "_Alignas(16) char depot[%d]; __builtin_memset(depot, 0xff, %d); t->depot = depot; t->depot_size = %d;\n", g.local, g.local, g.local)
	} else {
		o.WriteString("t->depot = 0; t->depot_size = 0;\n")
	}
	for _, r := range m.regs {
		fmt.Fprintf(o, "%s %s = 0;\n", storage(r.typ), r.name)
	}
	o.WriteString(body.String())
	o.WriteString("}\n")
	dynamic := 0
	if g.dynamic {
		dynamic = 1
	}
	fmt.Fprintf(o, "Kern kernel = {%q, run, %d, %d, %d, %s, %d, %d, %d, %d, vars, bind};\n",
		m.name, g.shared, dynamic, g.params, paramTable, g.local, bit(g.meets), bit(g.atomics), m.most)
	return o.String(), nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func align(n, a int) int {
	if a < 1 {
		a = 1
	}
	return (n + a - 1) / a * a
}

// layOut gives every variable its place, and the table of parameters.
func (g *gen) layOut() string {
	var sizes, ats []string
	for _, p := range g.m.params {
		g.params = align(g.params, p.align)
		g.place[p.name] = place{"param", g.params}
		sizes = append(sizes, strconv.Itoa(p.bytes))
		ats = append(ats, strconv.Itoa(g.params))
		g.params += p.bytes
	}
	all := append(append([]*variable{}, g.m.vars...), g.m.locals...)
	for i, v := range all {
		switch {
		case v.space == "shared" && v.bytes > 0:
			g.shared = align(g.shared, v.align)
			g.place[v.name] = place{"shared", g.shared}
			g.shared += v.bytes
		case v.space == "local":
			g.local = align(g.local, v.align)
			g.place[v.name] = place{"local", g.local}
			g.local += v.bytes
		case v.space == "const" || v.space == "global":
			g.place[v.name] = place{"module", i}
		}
	}
	for _, v := range all { // dynamic shared memory is behind the rest, all of it at one place
		if v.space == "shared" && v.bytes == 0 {
			g.shared = align(g.shared, max(16, v.align))
		}
	}
	for _, v := range all {
		if v.space == "shared" && v.bytes == 0 {
			g.place[v.name] = place{"shared", g.shared}
			g.dynamic = true
		}
	}
	return fmt.Sprintf("%d, {%s}, {%s}", len(sizes), strings.Join(sizes, ","), strings.Join(ats, ","))
}

// variables writes the module's variables with what they begin as.
func (g *gen) variables() {
	var table strings.Builder
	for i, v := range g.m.vars {
		if v.space != "const" && v.space != "global" {
			continue
		}
		fmt.Fprintf(&g.out, "static uint64_t V%d;\n", i)
		init := "0"
		if len(v.init) > 0 {
			data := make([]byte, v.bytes)
			size := typeNames[v.typ]
			for k, s := range v.init {
				var b [8]byte
				binary.LittleEndian.PutUint64(b[:], bitsOf(s))
				if (k+1)*size <= len(data) {
					copy(data[k*size:], b[:size])
				}
			}
			init = fmt.Sprintf("init%d", i)
			fmt.Fprintf(&g.out, "static const uint8_t %s[] = {", init)
			for _, b := range data {
				fmt.Fprintf(&g.out, "%d,", b)
			}
			g.out.WriteString("};\n")
		}
		fmt.Fprintf(&table, "{%q, %d, %s, &V%d}, ", v.name, v.bytes, init, i)
	}
	fmt.Fprintf(&g.out, "static Var vars[] = {%s{0}};\n", table.String())
}

// bitsOf is a number of an initialiser.
func bitsOf(s string) uint64 {
	if len(s) > 2 && (s[:2] == "0f" || s[:2] == "0F" || s[:2] == "0d" || s[:2] == "0D") {
		n, _ := strconv.ParseUint(s[2:], 16, 64)
		return n
	}
	s = strings.TrimSuffix(s, "U")
	if n, err := strconv.ParseInt(s, 0, 64); err == nil {
		return uint64(n)
	}
	n, _ := strconv.ParseUint(s, 0, 64)
	return n
}

// storage is the C type that a register of a type is kept in.
func storage(typ string) string {
	switch typ {
	case "f32":
		return "float"
	case "f64":
		return "double"
	case "pred":
		return "uint8_t"
	}
	return fmt.Sprintf("uint%d_t", 8*typeNames[typ])
}

// ctype is the C type in which an instruction computes.
func ctype(typ string) string {
	if typ[0] == 's' {
		return fmt.Sprintf("int%d_t", 8*typeNames[typ])
	}
	return storage(typ)
}

var specials = map[string]string{
	"%tid.x": "t->tid[0]", "%tid.y": "t->tid[1]", "%tid.z": "t->tid[2]",
	"%ntid.x": "t->b->ntid[0]", "%ntid.y": "t->b->ntid[1]", "%ntid.z": "t->b->ntid[2]",
	"%ctaid.x": "t->b->ctaid[0]", "%ctaid.y": "t->b->ctaid[1]", "%ctaid.z": "t->b->ctaid[2]",
	"%nctaid.x": "t->b->nctaid[0]", "%nctaid.y": "t->b->nctaid[1]", "%nctaid.z": "t->b->nctaid[2]",
	"%laneid": "t->lane", "%warpid": "t->warp", "WARP_SZ": "32u", "%smid": "0u", "%nsmid": "1u",
	"%clock": "0u", "%clock64": "0ull", "%clock_hi": "0u", "%globaltimer": "0ull",
	"%lanemask_eq": "(1u << t->lane)", "%lanemask_lt": "((1u << t->lane) - 1)", "%lanemask_le": "(0xffffffffu >> (31 - t->lane))",
	"%lanemask_gt": "(0xfffffffeu << t->lane)", "%lanemask_ge": "(0xffffffffu << t->lane)",
	"%dynamic_smem_size": "(t->b->shared_size)", "%total_smem_size": "(t->b->shared_size)",
	"%nwarpid": "((t->b->ntid[0] * t->b->ntid[1] * t->b->ntid[2] + 31) / 32)",
}

// operand is an operand as it stands, and the type that it is kept in ("" for numbers).
func (g *gen) operand(s string) (string, string) {
	if r, ok := g.in.scope.find(s); ok {
		return r.name, r.typ
	}
	if c, ok := specials[s]; ok {
		if strings.Contains(s, "64") || s == "%globaltimer" {
			return c, "u64"
		}
		return c, "u32"
	}
	if len(s) > 2 && (strings.HasPrefix(s, "0f") || strings.HasPrefix(s, "0F")) {
		return "bf(0x" + s[2:] + "u)", "f32"
	}
	if len(s) > 2 && (strings.HasPrefix(s, "0d") || strings.HasPrefix(s, "0D")) {
		return "bd(0x" + s[2:] + "ull)", "f64"
	}
	if c := s[0]; c == '-' || c >= '0' && c <= '9' {
		n := bitsOf(strings.ReplaceAll(s, " ", ""))
		return fmt.Sprintf("0x%xull", n), ""
	}
	name, add, _ := strings.Cut(s, "+")
	if p, ok := g.place[strings.TrimSpace(name)]; ok {
		return "(" + g.address(p) + plus(add) + ")", "u64"
	}
	return g.fail("operand %q", s), ""
}

func plus(add string) string {
	if add = strings.TrimSpace(add); add == "" {
		return ""
	}
	return fmt.Sprintf(" + %dll", int64(bitsOf(add)))
}

// address is the address of a variable in its own space.
func (g *gen) address(p place) string {
	switch p.space {
	case "local":
		return fmt.Sprintf("(LOCAL_BASE + %d)", p.at)
	case "module":
		return fmt.Sprintf("V%d", p.at)
	}
	return fmt.Sprintf("(uint64_t)%d", p.at)
}

// rd reads an operand as a type.
func (g *gen) rd(typ, s string) string {
	neg := false
	if strings.HasPrefix(s, "!") {
		neg, s = true, strings.TrimSpace(s[1:])
	}
	c, kept := g.operand(s)
	if typ == "pred" {
		if neg {
			return "(!" + c + ")"
		}
		return c
	}
	switch typ {
	case "f32":
		if kept == "f32" {
			return c
		}
		return "bf((uint32_t)" + c + ")"
	case "f64":
		if kept == "f64" {
			return c
		}
		if kept == "f32" {
			return "(double)" + c
		}
		return "bd((uint64_t)" + c + ")"
	}
	switch kept {
	case "f32":
		c = "fb(" + c + ")"
	case "f64":
		c = "db(" + c + ")"
	}
	return "((" + ctype(typ) + ")" + c + ")"
}

// wr assigns an expression of a type to a register.
func (g *gen) wr(dst, typ, expr string) string {
	if dst == "_" {
		return "(void)(" + expr + ");"
	}
	r, ok := g.in.scope.find(dst)
	if !ok {
		return g.fail("destination %q", dst)
	}
	float := typ == "f32" || typ == "f64"
	switch {
	case r.typ == "f32" && !float:
		expr = "bf((uint32_t)(" + expr + "))"
	case r.typ == "f64" && !float:
		expr = "bd((uint64_t)(" + expr + "))"
	case typ == "f32" && r.typ != "f32":
		expr = "fb(" + expr + ")"
	case typ == "f64" && r.typ != "f64":
		expr = "db(" + expr + ")"
	}
	return r.name + " = " + expr + ";"
}

// pred reads a predicate, which may be negated.
func (g *gen) pred(s string) string { return g.rd("pred", s) }

// vector gives the registers of {a, b}; a single register is one.
func vector(s string) []string {
	if !strings.HasPrefix(s, "{") {
		return []string{s}
	}
	return split(strings.Trim(s, "{}"))
}

// want sees that there are operands enough.
func (g *gen) want(n int) bool {
	if len(g.in.args) < n {
		g.fail("%d operands, want %d", len(g.in.args), n)
		return false
	}
	return true
}

package main

import (
	"fmt"
	"strings"
)

// memory is an operand [address+offset]: its value as C.
func (g *gen) memory(s string) string {
	s = strings.TrimSpace(strings.Trim(strings.TrimSpace(s), "[]"))
	name, add, _ := strings.Cut(s, "+")
	name = strings.TrimSpace(name)
	if p, ok := g.place[name]; ok {
		return "(" + g.address(p) + plus(add) + ")"
	}
	return "(" + g.rd("u64", name) + plus(add) + ")"
}

// space is where an access goes: "" is generic.
func space(in *inst) string { return in.any("param", "global", "shared", "local", "const") }

// at is the place in the host's memory of n bytes that are accessed.
func (g *gen) at(in *inst, space, operand string, n int, kind string) string {
	f := map[string]string{"": "GE", "global": "GL", "const": "GL", "shared": "SH", "local": "LO"}[space]
	if space == "param" {
		return fmt.Sprintf("(P + %s)", g.memory(operand))
	}
	return fmt.Sprintf("%s(t, %s, %d, %d, %s)", f, g.memory(operand), n, in.line, kind)
}

// kept is the type in which memory holds a type.
func kept(t string) string {
	if isHalf(t) {
		return "b" + width(t)
	}
	return t
}

func (g *gen) load(in *inst) string {
	if !g.want(2) {
		return ""
	}
	t := kept(in.typ())
	to := vector(in.args[0])
	size := typeNames[t]
	out := fmt.Sprintf("{ char *p_ = %s; ", g.at(in, space(in), in.args[1], size*len(to), "LOAD"))
	// All is read before any register changes.
	var writes string
	for i, r := range to {
		if r == "_" {
			continue
		}
		out += fmt.Sprintf("%s v%d_ = *(%s *)(p_ + %d); ", ctype(t), i, ctype(t), i*size)
		writes += g.wr(r, t, fmt.Sprintf("v%d_", i)) + " "
	}
	return out + writes + "}"
}

func (g *gen) store(in *inst) string {
	if !g.want(2) {
		return ""
	}
	t := kept(in.typ())
	from := vector(in.args[1])
	size := typeNames[t]
	out := fmt.Sprintf("{ char *p_ = %s; ", g.at(in, space(in), in.args[0], size*len(from), "STORE"))
	for i, r := range from {
		out += fmt.Sprintf("*(%s *)(p_ + %d) = %s; ", ctype(t), i*size, g.rd(t, r))
	}
	return out + "}"
}

// atom is atom and red: a loop of compare and exchange around what the operation computes of the old value.
func (g *gen) atom(in *inst) string {
	a, t := in.args, in.typ()
	red := in.parts[0] == "red"
	dst, where := "_", 0
	if !red {
		dst, where = a[0], 1
	}
	if !g.want(where + 2) {
		return ""
	}
	sp := space(in)
	if sp != "shared" {
		g.atomics = true
	}
	w := wide(t)
	x := a[where+1]
	op := in.any("add", "min", "max", "inc", "dec", "and", "or", "xor", "exch", "cas")
	var n string
	switch {
	case op == "cas":
		if !g.want(where + 3) {
			return ""
		}
		n = fmt.Sprintf("o_ == %s ? %s : o_", g.rd("u"+width(t), x), g.rd("u"+width(t), a[where+2]))
	case op == "exch":
		n = g.rd("u"+width(t), x)
	case isHalf(t):
		if op != "add" {
			return g.fail("operation")
		}
		// The old value stands for a register in the expression.
		n = strings.ReplaceAll(g.half(in, t, "$0 + OLD", x), "OLD", "(double)"+halves[t][0]+"(CUT(o_))")
		n = strings.Replace(n, "CUT", "LO16", 1)
		n = strings.Replace(n, "CUT", "HI16", 1)
	case t == "f32":
		n = fmt.Sprintf("fb(bf(o_) + %s)", g.rd(t, x))
	case t == "f64":
		n = fmt.Sprintf("db(bd(o_) + %s)", g.rd(t, x))
	case op == "min" || op == "max":
		o := map[string]string{"min": "<", "max": ">"}[op]
		n = fmt.Sprintf("(%s)o_ %s %s ? o_ : (%s)%s", ctype(t), o, g.rd(t, x), w, g.rd(t, x))
	case op == "inc":
		n = fmt.Sprintf("o_ >= %s ? 0 : o_ + 1", g.rd(t, x))
	case op == "dec":
		n = fmt.Sprintf("o_ == 0 || o_ > %s ? %s : o_ - 1", g.rd(t, x), g.rd(t, x))
	default:
		o := map[string]string{"add": "+", "and": "&", "or": "|", "xor": "^"}[op]
		if o == "" {
			return g.fail("operation")
		}
		n = fmt.Sprintf("o_ %s %s", o, g.rd("u"+width(t), x))
	}
	if (t == "f32" || t == "f64") && op != "add" && op != "exch" {
		return g.fail("operation")
	}
	u := "u" + width(t)
	return fmt.Sprintf("{ %s *p_ = (%s *)%s, o_ = __atomic_load_n(p_, 5); while (!__atomic_compare_exchange_n(p_, &o_, (%s)(%s), 0, 5, 5)) {} %s }",
		w, w, g.at(in, sp, a[where], typeNames[t], "ATOMIC"), w, n, g.wr(dst, u, "o_"))
}

// cp is cp.async.
func (g *gen) cp(in *inst) string {
	a := in.args
	switch {
	case !in.has("async") || in.has("bulk") || in.has("mbarrier"):
		return g.fail("the double does not know this instruction")
	case in.has("commit_group"):
		return "t->group++;"
	case in.has("wait_all"):
		return "rt->arrive(t, 0, 1);"
	case in.has("wait_group"):
		return fmt.Sprintf("rt->arrive(t, %s, 0);", g.rd("u32", a[0]))
	}
	if !g.want(3) {
		return ""
	}
	size := bitsOf(a[2])
	if size != 4 && size != 8 && size != 16 || in.has("cg") && size != 16 {
		return g.fail("size %d", size)
	}
	from := a[2]
	if len(a) > 3 {
		from = a[3]
	}
	n := g.rd("u32", from)
	if r, ok := in.scope.find(from); ok && r.typ == "pred" { // ignore-src
		n = fmt.Sprintf("(%s ? 0 : %d)", r.name, size)
	}
	return fmt.Sprintf("rt->copy(t, (uint32_t)%s, %s, %d, %s, %d);", g.memory(a[0]), g.memory(a[1]), size, n, in.line)
}

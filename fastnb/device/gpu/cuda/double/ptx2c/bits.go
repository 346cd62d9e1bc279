package main

import (
	"fmt"
	"strings"
)

func bits(op string) func(*gen, *inst) string {
	return func(g *gen, in *inst) string {
		if !g.want(3) {
			return ""
		}
		t, a := in.typ(), in.args
		return g.wr(a[0], t, g.rd(t, a[1])+" "+op+" "+g.rd(t, a[2]))
	}
}

func (g *gen) not(in *inst) string {
	if !g.want(2) {
		return ""
	}
	t, a := in.typ(), in.args
	x := g.rd(t, a[1])
	switch {
	case t == "pred":
		return g.wr(a[0], t, "!"+x)
	case in.parts[0] == "cnot":
		return g.wr(a[0], t, x+" == 0 ? 1 : 0")
	}
	return g.wr(a[0], t, fmt.Sprintf("(%s)~%s", ctype(t), x))
}

func (g *gen) shift(in *inst) string {
	if !g.want(3) {
		return ""
	}
	t, a := in.typ(), in.args
	f := "shl_" + width(t)
	if in.parts[0] == "shr" {
		kind := "u"
		if t[0] == 's' {
			kind = "s"
		}
		f = "shr_" + kind + width(t)
	}
	return g.wr(a[0], t, fmt.Sprintf("%s(%s, %s)", f, g.rd(t, a[1]), g.rd("u32", a[2])))
}

// funnel shifts two registers that are joined.
func (g *gen) funnel(in *inst) string {
	if !g.want(4) {
		return ""
	}
	a := in.args
	n := g.rd("u32", a[3])
	if in.has("wrap") {
		n = "(" + n + " & 31)"
	} else {
		n = "(" + n + " > 32 ? 32 : " + n + ")"
	}
	f := "shf_l"
	if in.has("r") {
		f = "shf_r"
	}
	return g.wr(a[0], "u32", fmt.Sprintf("%s(%s, %s, %s)", f, g.rd("u32", a[1]), g.rd("u32", a[2]), n))
}

func (g *gen) prmt(in *inst) string {
	if !g.want(4) || len(in.parts) != 2 {
		return g.fail("mode")
	}
	a := in.args
	return g.wr(a[0], "u32", fmt.Sprintf("prmt(%s, %s, %s)", g.rd("u32", a[1]), g.rd("u32", a[2]), g.rd("u32", a[3])))
}

func (g *gen) lop3(in *inst) string {
	if !g.want(5) {
		return ""
	}
	a := in.args
	return g.wr(a[0], "u32", fmt.Sprintf("lop3(%s, %s, %s, %s)", g.rd("u32", a[1]), g.rd("u32", a[2]), g.rd("u32", a[3]), g.rd("u32", a[4])))
}

func (g *gen) bfe(in *inst) string {
	if !g.want(4) {
		return ""
	}
	t, a := in.typ(), in.args
	return g.wr(a[0], t, fmt.Sprintf("(%s)bfe_%c(%s, %s, %s, %s)", ctype(t), t[0], g.rd("u"+width(t), a[1]), g.rd("u32", a[2]), g.rd("u32", a[3]), width(t)))
}

func (g *gen) bfi(in *inst) string {
	if !g.want(5) {
		return ""
	}
	t, a := in.typ(), in.args
	return g.wr(a[0], t, fmt.Sprintf("(%s)bfi(%s, %s, %s, %s, %s)", ctype(t), g.rd(t, a[1]), g.rd(t, a[2]), g.rd("u32", a[3]), g.rd("u32", a[4]), width(t)))
}

// count is popc, clz and brev.
func (g *gen) count(in *inst) string {
	if !g.want(2) {
		return ""
	}
	t, a := in.typ(), in.args
	x := g.rd(t, a[1])
	switch in.parts[0] {
	case "popc":
		return g.wr(a[0], "u32", "(uint32_t)__builtin_popcountll("+x+")")
	case "clz":
		return g.wr(a[0], "u32", "clz"+width(t)+"("+x+")")
	}
	return g.wr(a[0], t, "brev"+width(t)+"("+x+")")
}

func (g *gen) bfind(in *inst) string {
	if !g.want(2) {
		return ""
	}
	t, a := in.typ(), in.args
	e := fmt.Sprintf("bfind_%c(%s)", t[0], g.rd(t, a[1]))
	if in.has("shiftamt") {
		e = fmt.Sprintf("(%s == ~0u ? ~0u : %d - %s)", e, 8*typeNames[t]-1, e)
	}
	return g.wr(a[0], "u32", e)
}

var comparisons = map[string]string{
	"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "lo": "<", "ls": "<=", "hi": ">", "hs": ">=",
}

// compare is a comparison of two operands.
func (g *gen) compare(in *inst, c, t, x, y string) string {
	float := t == "f32" || t == "f64" || isHalf(t)
	a, b := "", ""
	switch {
	case isHalf(t):
		to := halves[t][0]
		a, b = to+"("+g.rd("b16", x)+")", to+"("+g.rd("b16", y)+")"
	case t == "f32":
		v := g.f32s(in, x, y)
		a, b = v[0], v[1]
	default:
		a, b = g.rd(t, x), g.rd(t, y)
	}
	switch {
	case c == "num":
		return fmt.Sprintf("(!isnan(%s) && !isnan(%s))", a, b)
	case c == "nan":
		return fmt.Sprintf("(isnan(%s) || isnan(%s))", a, b)
	case float && c == "ne": // ordered, unlike C's
		return fmt.Sprintf("(%s < %s || %s > %s)", a, b, a, b)
	case float && len(c) == 3 && c[2] == 'u':
		return fmt.Sprintf("(isnan(%s) || isnan(%s) || %s %s %s)", a, b, a, comparisons[c[:2]], b)
	case comparisons[c] == "":
		return g.fail("comparison %s", c)
	}
	return fmt.Sprintf("(%s %s %s)", a, comparisons[c], b)
}

// setp compares, and may join the result with a predicate; p|q gets the opposite as well.
func (g *gen) setp(in *inst) string {
	if !g.want(3) {
		return ""
	}
	a := in.args
	t := in.typ()
	if strings.HasSuffix(t, "x2") {
		return g.fail("pairs")
	}
	c := g.compare(in, in.parts[1], t, a[1], a[2])
	p, q, two := strings.Cut(a[0], "|")
	yes, no := c, "!"+c
	if op := in.any("and", "or", "xor"); op != "" {
		if !g.want(4) {
			return ""
		}
		o := map[string]string{"and": "&", "or": "|", "xor": "^"}[op]
		with := g.pred(a[3])
		yes, no = "("+c+" "+o+" "+with+")", "(!"+c+" "+o+" "+with+")"
	}
	if !two {
		return g.wr(p, "pred", yes)
	}
	return fmt.Sprintf("{ uint8_t y_ = %s, n_ = %s; %s %s }", yes, no, g.wr(strings.TrimSpace(p), "pred", "y_"), g.wr(strings.TrimSpace(q), "pred", "n_"))
}

// set is a comparison whose result is ones, or 1.0.
func (g *gen) set(in *inst) string {
	if !g.want(3) || len(in.types) != 2 {
		return g.fail("types")
	}
	a := in.args
	c := g.compare(in, in.parts[1], in.types[1], a[1], a[2])
	if op := in.any("and", "or", "xor"); op != "" {
		c = "(" + c + " " + map[string]string{"and": "&", "or": "|", "xor": "^"}[op] + " " + g.pred(a[3]) + ")"
	}
	if in.types[0] == "f32" {
		return g.wr(a[0], "f32", c+" ? 1.0f : 0.0f")
	}
	return g.wr(a[0], "u32", c+" ? ~0u : 0u")
}

func (g *gen) selp(in *inst) string {
	if !g.want(4) {
		return ""
	}
	t, a := in.typ(), in.args
	return g.wr(a[0], t, fmt.Sprintf("%s ? %s : %s", g.pred(a[3]), g.rd(t, a[1]), g.rd(t, a[2])))
}

func (g *gen) slct(in *inst) string {
	if !g.want(4) || len(in.types) != 2 {
		return g.fail("types")
	}
	t, a := in.types[0], in.args
	return g.wr(a[0], t, fmt.Sprintf("%s >= 0 ? %s : %s", g.rd(in.types[1], a[3]), g.rd(t, a[1]), g.rd(t, a[2])))
}

// mov moves, and packs and unpacks registers.
func (g *gen) mov(in *inst) string {
	if !g.want(2) {
		return ""
	}
	t, a := in.typ(), in.args
	to, from := vector(a[0]), vector(a[1])
	if strings.HasPrefix(a[0], "{") {
		w := 8 * typeNames[t] / len(to)
		out := fmt.Sprintf("{ uint64_t v_ = %s; ", g.rd("u"+width(t), a[1]))
		for i, r := range to {
			out += g.wr(r, fmt.Sprintf("u%d", w), fmt.Sprintf("(uint%d_t)(v_ >> %d)", w, i*w)) + " "
		}
		return out + "}"
	}
	if strings.HasPrefix(a[1], "{") {
		w := 8 * typeNames[t] / len(from)
		var parts []string
		for i, r := range from {
			parts = append(parts, fmt.Sprintf("(uint64_t)%s << %d", g.rd(fmt.Sprintf("u%d", w), r), i*w))
		}
		return g.wr(a[0], "u"+width(t), "("+wide(t)+")("+strings.Join(parts, " | ")+")")
	}
	return g.wr(a[0], t, g.rd(t, a[1]))
}

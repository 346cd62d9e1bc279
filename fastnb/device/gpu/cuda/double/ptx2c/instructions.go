package main

import (
	"fmt"
	"strings"
)

// emitters write instructions by their first word. What is not here is an error that names it.
var emitters map[string]func(g *gen, in *inst) string

func init() {
	emitters = map[string]func(g *gen, in *inst) string{
		"add": sum("+"), "sub": sum("-"), "mul": (*gen).mul, "mad": (*gen).mad, "fma": (*gen).fma, "mul24": (*gen).mul24, "mad24": (*gen).mul24,
		"div": (*gen).div, "rem": (*gen).rem, "abs": (*gen).abs, "neg": (*gen).neg, "min": minmax(">"), "max": minmax("<"),
		"addc": (*gen).carry, "subc": (*gen).carry, "madc": (*gen).carry, "sad": (*gen).sad, "dp4a": (*gen).dp4a,
		"and": bits("&"), "or": bits("|"), "xor": bits("^"), "not": (*gen).not, "cnot": (*gen).not, "shl": (*gen).shift, "shr": (*gen).shift, "shf": (*gen).funnel,
		"prmt": (*gen).prmt, "lop3": (*gen).lop3, "bfe": (*gen).bfe, "bfi": (*gen).bfi, "popc": (*gen).count, "clz": (*gen).count,
		"brev": (*gen).count, "bfind": (*gen).bfind, "copysign": (*gen).copysign, "testp": (*gen).testp,
		"rcp": (*gen).unary, "sqrt": (*gen).unary, "rsqrt": (*gen).unary, "ex2": (*gen).unary, "lg2": (*gen).unary,
		"sin": (*gen).unary, "cos": (*gen).unary, "tanh": (*gen).unary,
		"setp": (*gen).setp, "set": (*gen).set, "selp": (*gen).selp, "slct": (*gen).slct,
		"mov": (*gen).mov, "cvt": (*gen).cvt, "cvta": (*gen).cvta, "isspacep": (*gen).isspacep,
		"ld": (*gen).load, "ldu": (*gen).load, "st": (*gen).store, "atom": (*gen).atom, "red": (*gen).atom, "cp": (*gen).cp,
		"prefetch": none, "prefetchu": none, "membar": none, "fence": none, "nanosleep": none, "discard": none, "applypriority": none, "pmevent": none,
		"bra": (*gen).bra, "brx": (*gen).brx, "ret": (*gen).end, "exit": (*gen).end, "trap": (*gen).trap, "brkpt": none,
		"bar": (*gen).bar, "barrier": (*gen).bar, "shfl": (*gen).shfl, "vote": (*gen).vote, "activemask": (*gen).vote, "match": (*gen).match,
		"redux": (*gen).redux, "mma": (*gen).mma, "ldmatrix": (*gen).ldmatrix, "stmatrix": (*gen).stmatrix,
		"call": (*gen).call,
	}
}

func none(*gen, *inst) string { return ";" }

func (g *gen) call(*inst) string {
	return g.fail("calls are not translated: make the function inline")
}

// instruction gives the C of one instruction.
func (g *gen) instruction(in *inst) string {
	f := emitters[in.parts[0]]
	if f == nil {
		return g.fail("the double does not know this instruction")
	}
	return f(g, in)
}

// wide is the unsigned C type of a type's width.
func wide(typ string) string { return fmt.Sprintf("uint%d_t", 8*typeNames[typ]) }

// finish does to a float result what .sat and .ftz ask for.
func finish(in *inst, e string) string {
	if in.has("sat") {
		e = "sat(" + e + ")"
	}
	if in.has("ftz") {
		e = "ftz(" + e + ")"
	}
	return e
}

// direction is the letter of a rounding other than to nearest.
func direction(in *inst) string { return strings.TrimPrefix(in.any("rm", "rp", "rz"), "r") }

// f32s reads operands as floats; with .ftz denormals are zeros.
func (g *gen) f32s(in *inst, args ...string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = g.rd("f32", a)
		if in.has("ftz") {
			out[i] = "ftz(" + out[i] + ")"
		}
	}
	return out
}

// halves are how numbers of 16 bits become doubles, which hold their sums and products exactly, and come back.
var halves = map[string][2]string{"f16": {"h2f", "d2h"}, "bf16": {"b2f", "d2b"}, "f16x2": {"h2f", "d2h"}, "bf16x2": {"b2f", "d2b"}}

// half applies an expression over doubles ($0, $1, $2) to operands of 16 bits, or to both halves of pairs.
func (g *gen) half(in *inst, typ, expr string, args ...string) string {
	to, back := halves[typ][0], halves[typ][1]
	one := func(cut string) string {
		e := expr
		for i, a := range args {
			e = strings.ReplaceAll(e, fmt.Sprintf("$%d", i), "(double)"+to+"("+cut+"("+g.rd("b"+width(typ), a)+"))")
		}
		if in.has("relu") {
			e = "relu(" + e + ")"
		}
		if in.has("sat") {
			e = "satd(" + e + ")"
		}
		return back + "(" + e + ")"
	}
	if strings.HasSuffix(typ, "x2") {
		return "PAIR(" + one("LO16") + ", " + one("HI16") + ")"
	}
	return one("")
}

func width(typ string) string { return fmt.Sprint(8 * typeNames[typ]) }

func isHalf(typ string) bool { return halves[typ][0] != "" }

func sum(op string) func(*gen, *inst) string {
	return func(g *gen, in *inst) string {
		if !g.want(3) {
			return ""
		}
		t, a := in.typ(), in.args
		switch {
		case t == "f32":
			x := g.f32s(in, a[1], a[2])
			e := x[0] + " " + op + " " + x[1]
			if d := direction(in); d != "" {
				e = fmt.Sprintf("add_to(%s, %s%s, '%s')", x[0], strings.TrimPrefix(op, "+"), x[1], d)
			}
			return g.wr(a[0], t, finish(in, e))
		case t == "f64":
			return g.wr(a[0], t, g.rd(t, a[1])+" "+op+" "+g.rd(t, a[2]))
		case isHalf(t):
			return g.wr(a[0], "b"+width(t), g.half(in, t, "$0 "+op+" $1", a[1], a[2]))
		}
		if in.has("cc") {
			return g.carry(in)
		}
		if in.has("sat") {
			return g.wr(a[0], t, fmt.Sprintf("clamp_s32((int64_t)%s %s (int64_t)%s)", g.rd("s32", a[1]), op, g.rd("s32", a[2])))
		}
		u := "u" + width(t)
		return g.wr(a[0], u, fmt.Sprintf("(%s)(%s %s %s)", wide(t), g.rd(u, a[1]), op, g.rd(u, a[2])))
	}
}

// product is what .lo, .hi and .wide give, and the type of that.
func (g *gen) product(in *inst, x, y string) (string, string) {
	t := in.typ()
	signed := t[0] == 's'
	w := typeNames[t]
	kind := "u"
	if signed {
		kind = "s"
	}
	double := fmt.Sprintf("%s%d", kind, 16*w)
	switch {
	case in.has("wide"):
		return fmt.Sprintf("(%s)%s * (%s)%s", ctype(double), g.rd(t, x), ctype(double), g.rd(t, y)), double
	case in.has("hi") && w == 8:
		return fmt.Sprintf("mulhi_%s(%s, %s)", t, g.rd(t, x), g.rd(t, y)), t
	case in.has("hi"):
		return fmt.Sprintf("(%s)(((%s)%s * (%s)%s) >> %d)", ctype(t), ctype(double), g.rd(t, x), ctype(double), g.rd(t, y), 8*w), t
	}
	u := "u" + width(t)
	return fmt.Sprintf("(%s)((uint64_t)%s * (uint64_t)%s)", wide(t), g.rd(u, x), g.rd(u, y)), u
}

func (g *gen) mul(in *inst) string {
	if !g.want(3) {
		return ""
	}
	t, a := in.typ(), in.args
	switch {
	case t == "f32":
		x := g.f32s(in, a[1], a[2])
		e := x[0] + " * " + x[1]
		if d := direction(in); d != "" {
			e = fmt.Sprintf("mul_to(%s, %s, '%s')", x[0], x[1], d)
		}
		return g.wr(a[0], t, finish(in, e))
	case t == "f64":
		return g.wr(a[0], t, g.rd(t, a[1])+" * "+g.rd(t, a[2]))
	case isHalf(t):
		return g.wr(a[0], "b"+width(t), g.half(in, t, "$0 * $1", a[1], a[2]))
	}
	e, p := g.product(in, a[1], a[2])
	return g.wr(a[0], p, e)
}

func (g *gen) mad(in *inst) string {
	if !g.want(4) {
		return ""
	}
	t, a := in.typ(), in.args
	if t == "f32" || t == "f64" {
		return g.fma(in)
	}
	if in.has("cc") {
		return g.carry(in)
	}
	e, p := g.product(in, a[1], a[2])
	u := "u" + width(p)
	return g.wr(a[0], u, fmt.Sprintf("(%s)((%s)(%s) + %s)", wide(p), wide(p), e, g.rd(u, a[3])))
}

func (g *gen) fma(in *inst) string {
	if !g.want(4) {
		return ""
	}
	t, a := in.typ(), in.args
	switch {
	case t == "f32":
		x := g.f32s(in, a[1], a[2], a[3])
		e := fmt.Sprintf("fmaf(%s, %s, %s)", x[0], x[1], x[2])
		if d := direction(in); d != "" {
			e = fmt.Sprintf("fma_to(%s, %s, %s, '%s')", x[0], x[1], x[2], d)
		}
		return g.wr(a[0], t, finish(in, e))
	case t == "f64":
		return g.wr(a[0], t, fmt.Sprintf("fma(%s, %s, %s)", g.rd(t, a[1]), g.rd(t, a[2]), g.rd(t, a[3])))
	case isHalf(t):
		return g.wr(a[0], "b"+width(t), g.half(in, t, "fma($0, $1, $2)", a[1], a[2], a[3]))
	}
	return g.fail("type %s", t)
}

// mul24 is mul24 and mad24, of 24 bits.
func (g *gen) mul24(in *inst) string {
	if !g.want(3) {
		return ""
	}
	t, a := in.typ(), in.args
	cut := func(s string) string {
		if t == "s32" {
			return "((int64_t)((int32_t)((uint32_t)" + g.rd(t, s) + " << 8) >> 8))"
		}
		return "((uint64_t)(" + g.rd(t, s) + " & 0xffffff))"
	}
	e := cut(a[1]) + " * " + cut(a[2])
	if in.has("hi") {
		e = "(" + e + ") >> 16"
	}
	if in.parts[0] == "mad24" {
		e = "(" + e + ") + " + g.rd(t, a[3])
	}
	return g.wr(a[0], "u32", "(uint32_t)("+e+")")
}

func (g *gen) div(in *inst) string {
	if !g.want(3) {
		return ""
	}
	t, a := in.typ(), in.args
	switch t {
	case "f32":
		x := g.f32s(in, a[1], a[2])
		e := x[0] + " / " + x[1]
		if d := direction(in); d != "" {
			e = fmt.Sprintf("div_to(%s, %s, '%s')", x[0], x[1], d)
		}
		return g.wr(a[0], t, finish(in, e))
	case "f64":
		return g.wr(a[0], t, g.rd(t, a[1])+" / "+g.rd(t, a[2]))
	}
	return g.wr(a[0], t, fmt.Sprintf("div_%s(%s, %s)", t, g.rd(t, a[1]), g.rd(t, a[2])))
}

func (g *gen) rem(in *inst) string {
	if !g.want(3) {
		return ""
	}
	t, a := in.typ(), in.args
	return g.wr(a[0], t, fmt.Sprintf("rem_%s(%s, %s)", t, g.rd(t, a[1]), g.rd(t, a[2])))
}

func (g *gen) abs(in *inst) string {
	if !g.want(2) {
		return ""
	}
	t, a := in.typ(), in.args
	switch {
	case t == "f32":
		return g.wr(a[0], t, finish(in, "fabsf("+g.rd(t, a[1])+")"))
	case t == "f64":
		return g.wr(a[0], t, "fabs("+g.rd(t, a[1])+")")
	case isHalf(t):
		return g.wr(a[0], "b"+width(t), g.signs(t, a[1], "& ~"))
	}
	x := g.rd(t, a[1])
	return g.wr(a[0], t, fmt.Sprintf("(%s)(%s < 0 ? 0 - (%s)%s : (%s)%s)", ctype(t), x, wide(t), x, wide(t), x))
}

// signs changes the sign bits of numbers of 16 bits.
func (g *gen) signs(t, a, op string) string {
	mask := "0x8000u"
	if strings.HasSuffix(t, "x2") {
		mask = "0x80008000u"
	}
	return g.rd("b"+width(t), a) + " " + op + mask
}

func (g *gen) neg(in *inst) string {
	if !g.want(2) {
		return ""
	}
	t, a := in.typ(), in.args
	switch {
	case t == "f32":
		return g.wr(a[0], t, finish(in, "-"+g.rd(t, a[1])))
	case t == "f64":
		return g.wr(a[0], t, "-"+g.rd(t, a[1]))
	case isHalf(t):
		return g.wr(a[0], "b"+width(t), g.signs(t, a[1], "^ "))
	}
	return g.wr(a[0], t, fmt.Sprintf("(%s)(0 - (%s)%s)", ctype(t), wide(t), g.rd(t, a[1])))
}

// minmax is min and max; op says when the second operand is taken.
func minmax(op string) func(*gen, *inst) string {
	return func(g *gen, in *inst) string {
		if !g.want(3) {
			return ""
		}
		t, a, name := in.typ(), in.args, in.parts[0]
		switch {
		case t == "f32":
			x := g.f32s(in, a[1], a[2])
			f := "f" + name + "f"
			if in.has("NaN") {
				f = name + "_nan"
			}
			return g.wr(a[0], t, finish(in, fmt.Sprintf("%s(%s, %s)", f, x[0], x[1])))
		case t == "f64":
			return g.wr(a[0], t, fmt.Sprintf("f%s(%s, %s)", name, g.rd(t, a[1]), g.rd(t, a[2])))
		case isHalf(t):
			e := fmt.Sprintf("f%s($0, $1)", name)
			if in.has("NaN") {
				e = fmt.Sprintf("%s_nan((float)$0, (float)$1)", name)
			}
			return g.wr(a[0], "b"+width(t), g.half(in, t, e, a[1], a[2]))
		}
		x, y := g.rd(t, a[1]), g.rd(t, a[2])
		return g.wr(a[0], t, fmt.Sprintf("%s %s %s ? %s : %s", x, op, y, y, x))
	}
}

// carry is addition and subtraction that give a carry bit (.cc) or take one (addc, subc, madc).
func (g *gen) carry(in *inst) string {
	t, a, name := in.typ(), in.args, in.parts[0]
	u := "u" + width(t)
	x, y := "", ""
	if strings.HasPrefix(name, "mad") {
		e, p := g.product(in, a[1], a[2])
		u = "u" + width(p)
		x, y = "("+wide(p)+")("+e+")", g.rd(u, a[3])
	} else {
		x, y = g.rd(u, a[1]), g.rd(u, a[2])
	}
	w := wide(u)
	with := ""
	if strings.HasSuffix(name, "c") {
		with = " + CC"
	}
	c := fmt.Sprintf("{ unsigned __int128 s_ = (unsigned __int128)%s + (unsigned __int128)%s%s; ", x, y, with)
	take := fmt.Sprintf("CC = (uint32_t)(s_ >> %s) & 1; ", width(u))
	if strings.HasPrefix(name, "sub") { // the carry bit of a difference is its borrow
		c = fmt.Sprintf("{ unsigned __int128 s_ = (unsigned __int128)%s - (unsigned __int128)%s%s; ", x, y, strings.Replace(with, "+", "-", 1))
	}
	if !in.has("cc") {
		take = ""
	}
	return c + g.wr(a[0], u, "("+w+")s_") + " " + take + "}"
}

func (g *gen) sad(in *inst) string {
	if !g.want(4) {
		return ""
	}
	t, a := in.typ(), in.args
	x, y := g.rd(t, a[1]), g.rd(t, a[2])
	return g.wr(a[0], t, fmt.Sprintf("%s + (%s)(%s < %s ? %s - %s : %s - %s)", g.rd(t, a[3]), ctype(t), x, y, y, x, x, y))
}

func (g *gen) dp4a(in *inst) string {
	if !g.want(4) || len(in.types) != 2 {
		return g.fail("types")
	}
	a := in.args
	return g.wr(a[0], "u32", fmt.Sprintf("dp4a(%s, %s, %s, %d, %d)", g.rd("u32", a[1]), g.rd("u32", a[2]), g.rd("u32", a[3]), bit(in.types[0] == "s32"), bit(in.types[1] == "s32")))
}

func (g *gen) copysign(in *inst) string {
	if !g.want(3) {
		return ""
	}
	t, a := in.typ(), in.args
	f := "copysignf"
	if t == "f64" {
		f = "copysign"
	}
	return g.wr(a[0], t, fmt.Sprintf("%s(%s, %s)", f, g.rd(t, a[2]), g.rd(t, a[1])))
}

func (g *gen) testp(in *inst) string {
	if !g.want(2) {
		return ""
	}
	c := map[string]string{"finite": "isfinite", "infinite": "isinf", "number": "!isnan", "notanumber": "isnan", "normal": "isnormal"}[in.parts[1]]
	x := g.rd(in.typ(), in.args[1])
	if in.parts[1] == "subnormal" {
		return g.wr(in.args[0], "pred", "fpclassify("+x+") == FP_SUBNORMAL")
	}
	if c == "" {
		return g.fail("test")
	}
	return g.wr(in.args[0], "pred", c+"("+x+") != 0")
}

// unary is the functions of one number. The approximations of a card are as good as a float or nearly so;
// here they are as good as C's.
func (g *gen) unary(in *inst) string {
	if !g.want(2) {
		return ""
	}
	t, a, name := in.typ(), in.args, in.parts[0]
	if isHalf(t) {
		e := map[string]string{"ex2": "exp2($0)", "tanh": "tanh($0)"}[name]
		if e == "" {
			return g.fail("type %s", t)
		}
		return g.wr(a[0], "b"+width(t), g.half(in, t, e, a[1]))
	}
	if t == "f64" {
		f := map[string]string{"rcp": "1.0 / %s", "sqrt": "sqrt(%s)", "rsqrt": "1.0 / sqrt(%s)"}[name]
		if f == "" {
			return g.fail("type f64")
		}
		return g.wr(a[0], t, fmt.Sprintf(f, g.rd(t, a[1])))
	}
	x := g.f32s(in, a[1])[0]
	d := direction(in)
	e := fmt.Sprintf(map[string]string{
		"rcp": "1.0f / %s", "sqrt": "sqrtf(%s)", "rsqrt": "(float)(1.0 / sqrt((double)%s))", "ex2": "exp2f(%s)", "lg2": "log2f(%s)",
		"sin": "sin_approx(%s)", "cos": "cos_approx(%s)", "tanh": "tanhf(%s)",
	}[name], x)
	if d != "" && name == "rcp" {
		e = fmt.Sprintf("div_to(1.0f, %s, '%s')", x, d)
	}
	if d != "" && name == "sqrt" {
		e = fmt.Sprintf("sqrt_to(%s, '%s')", x, d)
	}
	return g.wr(a[0], t, finish(in, e))
}

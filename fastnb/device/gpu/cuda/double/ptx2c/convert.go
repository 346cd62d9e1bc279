package main

import (
	"fmt"
	"strings"
)

// rounds are how .rni and its like round to whole numbers.
var rounds = map[string]string{"rni": "rint", "rzi": "trunc", "rmi": "floor", "rpi": "ceil"}

// cvt converts.
func (g *gen) cvt(in *inst) string {
	if len(in.types) != 2 || !g.want(2) {
		return g.fail("types")
	}
	to, from, a := in.types[0], in.types[1], in.args
	if strings.HasSuffix(to, "x2") {
		return g.pack(in, to)
	}
	if to == "tf32" {
		return g.wr(a[0], "b32", "tf32_rna("+g.rd("f32", a[1])+")")
	}
	floatFrom := from == "f32" || from == "f64" || isHalf(from)
	floatTo := to == "f32" || to == "f64" || isHalf(to)
	// The value as a double, a float or a whole number.
	var x string
	switch {
	case isHalf(from):
		x = halves[from][0] + "(" + g.rd("b16", a[1]) + ")"
	case from == "f32":
		x = g.f32s(in, a[1])[0]
	default:
		x = g.rd(from, a[1])
	}
	if r := in.any("rni", "rzi", "rmi", "rpi"); r != "" && floatFrom {
		x = rounds[r] + "((double)" + x + ")"
	}
	switch {
	case floatFrom && floatTo:
		return g.floatToFloat(in, to, from, x)
	case floatFrom:
		return g.wr(a[0], to, "to_"+to+"("+x+")")
	case floatTo:
		return g.intToFloat(in, to, from, x)
	}
	if in.has("sat") {
		if from == "u64" {
			return g.fail("saturation of u64")
		}
		x = fmt.Sprintf("clamp_%s((int64_t)%s)", to, x)
	}
	return g.wr(a[0], to, "("+ctype(to)+")"+x)
}

func (g *gen) floatToFloat(in *inst, to, from, x string) string {
	d := direction(in)
	var e string
	switch {
	case to == "f32" && from == "f64" && d != "":
		e = fmt.Sprintf("toward(%s, 0, '%s')", x, d)
	case to == "f32":
		e = "(float)" + x
	case to == "f64":
		return g.wr(in.args[0], "f64", "(double)"+x)
	case d == "z" && to == "f16":
		e = "f2h_rz((float)" + x + ")"
	case d == "z" && to == "bf16":
		e = "f2b_rz((float)" + x + ")"
	case d != "":
		return g.fail("rounding")
	default:
		if in.has("relu") {
			x = "relu(" + x + ")"
		}
		if in.has("sat") {
			x = "satd(" + x + ")"
		}
		e = halves[to][1] + "((double)" + x + ")"
	}
	if isHalf(to) {
		return g.wr(in.args[0], "b16", e)
	}
	return g.wr(in.args[0], "f32", finish(in, e))
}

func (g *gen) intToFloat(in *inst, to, from, x string) string {
	d := direction(in)
	switch {
	case isHalf(to):
		return g.wr(in.args[0], "b16", halves[to][1]+"((double)"+x+")")
	case to == "f64":
		return g.wr(in.args[0], "f64", "(double)"+x)
	case d != "" && typeNames[from] <= 4:
		return g.wr(in.args[0], "f32", fmt.Sprintf("toward((double)%s, 0, '%s')", x, d))
	case d != "":
		return g.fail("rounding of 64 bits")
	}
	return g.wr(in.args[0], "f32", "(float)"+x)
}

// pack makes a pair of two floats: the first operand is the upper half.
func (g *gen) pack(in *inst, to string) string {
	if !g.want(3) {
		return ""
	}
	one := func(s string) string {
		x := g.rd("f32", s)
		if in.has("relu") {
			x = "(float)relu(" + x + ")"
		}
		f := map[string]string{"f16x2": "f2h", "bf16x2": "f2b"}[to]
		if in.has("rz") {
			f += "_rz"
		}
		return f + "(" + x + ")"
	}
	return g.wr(in.args[0], "b32", "PAIR("+one(in.args[2])+", "+one(in.args[1])+")")
}

var windows = map[string]string{"shared": "SHARED_BASE", "global": "0", "local": "0", "const": "0", "param": "0"}

// cvta brings addresses of a space to generic ones, and back. Global and local ones are the same.
func (g *gen) cvta(in *inst) string {
	if !g.want(2) {
		return ""
	}
	space := in.any("shared", "global", "local", "const", "param")
	if space == "param" {
		return g.fail("addresses of parameters are not generic here")
	}
	op := "+"
	if in.has("to") {
		op = "-"
	}
	t := "u" + width(in.typ())
	return g.wr(in.args[0], t, fmt.Sprintf("(%s)(%s %s %s)", wide(t), g.rd("u64", in.args[1]), op, windows[space]))
}

func (g *gen) isspacep(in *inst) string {
	if !g.want(2) {
		return ""
	}
	base := map[string]string{"shared": "SHARED_BASE", "local": "LOCAL_BASE", "global": "DEV_BASE"}[in.any("shared", "local", "global")]
	if base == "" {
		return g.fail("space")
	}
	return g.wr(in.args[0], "pred", fmt.Sprintf("%s - %s < WINDOW", g.rd("u64", in.args[1]), base))
}

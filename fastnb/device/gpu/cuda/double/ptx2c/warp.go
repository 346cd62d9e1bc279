package main

import (
	"fmt"
	"strings"
)

func (g *gen) bra(in *inst) string {
	if !g.want(1) {
		return ""
	}
	l, ok := in.scope.label(in.args[0])
	if !ok {
		return g.fail("label")
	}
	return "goto " + l + ";"
}

func (g *gen) brx(in *inst) string {
	if !g.want(2) {
		return ""
	}
	out := "switch (" + g.rd("u32", in.args[0]) + ") { "
	targets := in.scope.list(in.args[1])
	if len(targets) == 0 {
		return g.fail("targets")
	}
	for i, t := range targets {
		l, ok := in.scope.label(t)
		if !ok {
			return g.fail("label %s", t)
		}
		out += fmt.Sprintf("case %d: goto %s; ", i, l)
	}
	return out + "}"
}

func (g *gen) end(*inst) string { return "return;" }

func (g *gen) trap(in *inst) string {
	return fmt.Sprintf(`rt->fault(t, 719, %d, "trap", 0, 0);`, in.line)
}

// meet writes the operands, stops until the others are there, and reads the results.
func (g *gen) meet(in *inst, state, op string, mask string, before []string, after string) string {
	g.meets = true
	out := "{ "
	for i, b := range before {
		out += fmt.Sprintf("t->in[%d] = %s; ", i, b)
	}
	return out + fmt.Sprintf("t->mask = %s; meet(t, %s, %s, %d); %s }", mask, state, op, in.line, after)
}

const everyone = "0xffffffffu"

func (g *gen) bar(in *inst) string {
	a := in.args
	if in.has("warp") {
		if !g.want(1) {
			return ""
		}
		return g.meet(in, "WARP", "OP_WARPSYNC", g.rd("u32", a[0]), nil, "")
	}
	if in.has("red") {
		if !g.want(3) {
			return ""
		}
		op := map[string]string{"and": "OP_BAR_AND", "or": "OP_BAR_OR", "popc": "OP_BAR_POPC"}[in.any("and", "or", "popc")]
		t := "pred"
		if op == "OP_BAR_POPC" {
			t = "u32"
		}
		return g.meet(in, "BARRIER", op, everyone, []string{g.pred(a[len(a)-1])}, g.wr(a[0], t, "t->out[0]"))
	}
	if !in.has("sync") || !g.want(1) || strings.HasPrefix(a[0], "%") || bitsOf(a[0]) != 0 || len(a) > 1 {
		return g.fail("only barrier 0 for all threads is known")
	}
	return g.meet(in, "BARRIER", "OP_BAR_POPC", everyone, []string{"0"}, "")
}

func (g *gen) shfl(in *inst) string {
	if !in.has("sync") || !g.want(5) {
		return g.fail("only shfl.sync is known")
	}
	a := in.args
	op := map[string]string{"idx": "OP_SHFL_IDX", "up": "OP_SHFL_UP", "down": "OP_SHFL_DOWN", "bfly": "OP_SHFL_BFLY"}[in.any("idx", "up", "down", "bfly")]
	d, p, two := strings.Cut(a[0], "|")
	after := g.wr(strings.TrimSpace(d), "u32", "t->out[0]")
	if two {
		after += " " + g.wr(strings.TrimSpace(p), "pred", "t->out[1]")
	}
	return g.meet(in, "WARP", op, g.rd("u32", a[4]), []string{g.rd("u32", a[1]), g.rd("u32", a[2]), g.rd("u32", a[3])}, after)
}

func (g *gen) vote(in *inst) string {
	a := in.args
	if in.parts[0] == "activemask" {
		if !g.want(1) {
			return ""
		}
		return g.meet(in, "WARP", "OP_ACTIVEMASK", everyone, nil, g.wr(a[0], "u32", "t->out[0]"))
	}
	if !in.has("sync") || !g.want(3) {
		return g.fail("only vote.sync is known")
	}
	mode := in.any("all", "any", "uni", "ballot")
	t := "pred"
	if mode == "ballot" {
		t = "u32"
	}
	return g.meet(in, "WARP", "OP_VOTE_"+strings.ToUpper(mode), g.rd("u32", a[2]), []string{g.pred(a[1])}, g.wr(a[0], t, "t->out[0]"))
}

func (g *gen) match(in *inst) string {
	if !in.has("any") || in.typ() != "b32" || !g.want(3) {
		return g.fail("only match.any.sync.b32 is known")
	}
	return g.meet(in, "WARP", "OP_MATCH_ANY", g.rd("u32", in.args[2]), []string{g.rd("u32", in.args[1])}, g.wr(in.args[0], "u32", "t->out[0]"))
}

func (g *gen) redux(in *inst) string {
	if !g.want(3) {
		return ""
	}
	op := strings.ToUpper(in.any("add", "min", "max", "and", "or", "xor"))
	if op == "MIN" || op == "MAX" {
		op += "_" + strings.ToUpper(in.typ()[:1])
	}
	return g.meet(in, "WARP", "OP_REDUX_"+op, g.rd("u32", in.args[2]), []string{g.rd("u32", in.args[1])}, g.wr(in.args[0], "u32", "t->out[0]"))
}

// products are the shapes of mma.sync by shape and types, with the numbers of registers of A and B.
var products = map[string]struct {
	op   string
	a, b int
}{
	"m16n8k8.f32.f16.f16.f32":    {"OP_MMA_K8_F16", 2, 1},
	"m16n8k16.f32.f16.f16.f32":   {"OP_MMA_K16_F16", 4, 2},
	"m16n8k8.f32.bf16.bf16.f32":  {"OP_MMA_K8_BF16", 2, 1},
	"m16n8k16.f32.bf16.bf16.f32": {"OP_MMA_K16_BF16", 4, 2},
	"m16n8k4.f32.tf32.tf32.f32":  {"OP_MMA_K4_TF32", 2, 1},
	"m16n8k8.f32.tf32.tf32.f32":  {"OP_MMA_K8_TF32", 4, 2},
	"m16n8k8.f16.f16.f16.f16":    {"OP_MMA_K8_F16_F16", 2, 1},
	"m16n8k16.f16.f16.f16.f16":   {"OP_MMA_K16_F16_F16", 4, 2},
}

func (g *gen) mma(in *inst) string {
	shape := in.any("m16n8k4", "m16n8k8", "m16n8k16")
	p, ok := products[shape+"."+strings.Join(in.types, ".")]
	if !ok || !in.has("row") || !in.has("col") || !g.want(4) {
		return g.fail("the double does not know this product")
	}
	d, a, b, c := vector(in.args[0]), vector(in.args[1]), vector(in.args[2]), vector(in.args[3])
	nc, tc := 4, "f32"
	if in.types[0] == "f16" {
		nc, tc = 2, "u32"
	}
	if len(a) != p.a || len(b) != p.b || len(c) != nc || len(d) != nc {
		return g.fail("%d, %d, %d and %d registers", len(d), len(a), len(b), len(c))
	}
	var before []string
	for _, r := range append(append(append([]string{}, a...), b...), c...) {
		before = append(before, g.rd("u32", r))
	}
	after := ""
	for i, r := range d {
		e := fmt.Sprintf("t->out[%d]", i)
		if tc == "f32" {
			e = "bf(" + e + ")"
		}
		after += g.wr(r, tc, e) + " "
	}
	return g.meet(in, "WARP", p.op, everyone, before, after)
}

// matrices is the number of matrices that ldmatrix and stmatrix move.
func (g *gen) matrices(in *inst) int {
	n := map[string]int{"x1": 1, "x2": 2, "x4": 4}[in.any("x1", "x2", "x4")]
	if n == 0 || !in.has("m8n8") || in.typ() != "b16" || !g.want(2) {
		g.fail("the double does not know this instruction")
		return 0
	}
	return n
}

// ldmatrix: each of the first lanes reads a row, and the warp deals out what was read.
func (g *gen) ldmatrix(in *inst) string {
	n := g.matrices(in)
	if n == 0 {
		return ""
	}
	regs := vector(in.args[0])
	if len(regs) != n {
		return g.fail("%d registers", len(regs))
	}
	op := "OP_LDMATRIX"
	if in.has("trans") {
		op += "_T"
	}
	after := ""
	for i, r := range regs {
		after += g.wr(r, "u32", fmt.Sprintf("t->out[%d]", i)) + " "
	}
	sp := space(in)
	return fmt.Sprintf("if (t->lane < %d) memcpy(t->in, %s, 16); t->count = %d; ", 8*n, g.at(in, sp, in.args[1], 16, "LOAD"), n) +
		g.meet(in, "WARP", op, everyone, nil, after)
}

func (g *gen) stmatrix(in *inst) string {
	n := g.matrices(in)
	if n == 0 {
		return ""
	}
	regs := vector(in.args[1])
	if len(regs) != n {
		return g.fail("%d registers", len(regs))
	}
	op := "OP_STMATRIX"
	if in.has("trans") {
		op += "_T"
	}
	var before []string
	for _, r := range regs {
		before = append(before, g.rd("u32", r))
	}
	sp := space(in)
	return fmt.Sprintf("t->count = %d; ", n) + g.meet(in, "WARP", op, everyone, before,
		fmt.Sprintf("if (t->lane < %d) memcpy(%s, t->out, 16);", 8*n, g.at(in, sp, in.args[0], 16, "STORE")))
}

package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// sequence writes the kernels of recurrent layers and of the softmax over a vocabulary.
func sequence() {
	consts, prefix = map[string]Mem{}, "seq_"
	panelTiles()
	for _, rows := range []int{8, 6, 4} {
		packRows(rows)
	}
	vec{"512", 16}.packColumns()
	for _, n := range []int{6, 4, 2} {
		packColumns256(n)
	}
	for _, v := range []vec{{"512", 16}, {"256", 8}} {
		v.gates()
		v.gatesBack()
		v.expSum()
		v.expWrite()
		v.rowMax()
		v.mul()
		v.dots()
	}
}

// text begins a function whose pointers do not escape.
func (v vec) text(name, sig, doc string) {
	TEXT(name+v.name, NOSPLIT, "func("+sig+")")
	Pragma("noescape")
	Doc(name + v.name + " " + doc)
}

func (v vec) mul() {
	n, p := v.begin("vmul", "is dst = a * b.", "dst, a, b *float32", "dst", "a", "b")
	x := v.reg()
	v.flat("vmul", n, p, func() {
		VMOVUPS(at(p[1]), x)
		VMULPS(at(p[2]), x, x)
		VMOVUPS(x, at(p[0]))
	})
}

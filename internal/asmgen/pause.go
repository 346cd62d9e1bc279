package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// pauses lets a waiting thread rest without giving its processor away.
func pauses() {
	TEXT("pause", NOSPLIT, "func(n int)")
	Doc("pause rests n times as a loop that waits should: a thread beside on the same core gets its units meanwhile.")
	n := Load(Param("n"), GP64())
	Label("again")
	PAUSE()
	SUBQ(Imm(1), n)
	JG(LabelRef("again"))
	RET()
}

//go:build linux

package double_test

import (
	"strings"
	"testing"
)

// Every mistake is seen, in order and shuffled, and the same kernel without it passes.
func TestFaults(t *testing.T) {
	ofDouble(t)
	const a, o = "a", "o" // 128 floats each
	for _, f := range []struct {
		name        string
		grid, block int
		good, bad   []any
		want        int
		words       string
	}{
		{"off_by_one", 2, 96, []any{o, 127}, []any{o, 128}, 700, "store outside of what is allocated (4 bytes"},
		{"read_beyond", 1, 64, []any{a, o, 64}, []any{a, o, 65}, 700, "load outside of what is allocated"},
		{"shared_beyond", 1, 64, []any{o, 0}, []any{o, 1}, 700, "store to shared memory outside of it"},
		{"barrier_in_branch", 1, 64, []any{o, 64}, []any{o, 32}, 719, "divergent barrier: 32 of 64 threads are there, 32 have ended"},
		{"end_before_barrier", 1, 64, []any{o, 64}, []any{o, 63}, 719, "divergent barrier: 63 of 64"},
		{"missing_barrier", 1, 64, []any{a, o, 0}, []any{a, o, 1}, 719, "shared memory"},
		{"missing_barrier", 1, 64, []any{a, o, 0}, []any{a, o, 2}, 719, ""},
		{"missing_second_barrier", 1, 64, []any{a, o, 1}, []any{a, o, 0}, 719, "race in shared memory"},
		{"in_one_warp", 1, 64, []any{a, o, 1}, []any{a, o, 0}, 719, ""},
		{"unwritten", 1, 64, []any{o, 64}, []any{o, 63}, 719, "read of shared memory that nobody has written"},
		{"half_written", 1, 64, []any{o, 64}, []any{o, 63}, 719, "read of shared memory that nobody has written"},
		{"bytes_of_a_word", 1, 64, []any{o, 1}, []any{o, 0}, 719, "race in shared memory"},
		{"misaligned", 1, 1, []any{a, o, 4}, []any{a, o, 2}, 716, "multiple of its size (16 bytes"},
		{"misaligned_shared", 1, 64, []any{o, 2}, []any{o, 1}, 716, "multiple of its size (8 bytes"},
		{"half_a_shuffle", 1, 64, []any{o, 64}, []any{o, 48}, 719, "divergent shfl.sync: 16 of 32"},
		{"from_who_is_not_there", 1, 32, []any{o, 15}, []any{o, 16}, 719, "asks lane 16, which takes no part"},
		{"no_wait", 1, 32, []any{a, o, 1}, []any{a, o, 0}, 719, "cp.async has yet to fill"},
		{"wait_for_too_few", 1, 32, []any{a, o, 0}, []any{a, o, 1}, 719, "cp.async has yet to fill"},
		{"async_misaligned", 1, 16, []any{a, o, 4}, []any{a, o, 1}, 716, "cp.async from an address that is not"},
		{"trap", 1, 64, []any{64}, []any{63}, 719, "thread 63: trap"},
	} {
		for _, seed := range []string{"seed=0", "seed=21"} {
			for _, args := range [][]any{f.good, f.bad} {
				c := open(t, seed)
				given := make([]any, len(args))
				for i, v := range args {
					if given[i] = v; v == a || v == o {
						given[i] = up(c, make([]float32, 128))
					}
				}
				if &args[0] == &f.good[0] {
					c.ran("faults."+f.name, f.grid, f.block, 0, given...)
					continue
				}
				c.fails(f.want, f.words, "faults."+f.name, f.grid, f.block, 0, given...)
				if !strings.Contains(c.said(), "kernel "+f.name+", block (") || !strings.Contains(c.said(), "PTX line ") {
					t.Errorf("%s: the error does not say where: %s", f.name, c.said())
				}
			}
		}
	}
}

// Without the account of shared memory a missing barrier shows in the numbers, when threads are shuffled.
func TestMissingBarrierByOrder(t *testing.T) {
	wrong := 0
	for _, seed := range []string{"seed=1", "seed=2", "seed=3"} {
		c := open(t, "check=0", seed)
		o := up(c, make([]float32, 64))
		c.ran("faults.missing_barrier", 1, 64, 0, up(c, count(64, func(i int) float32 { return float32(i) })), o, 2)
		for i, v := range down[float32](c, o, 64) {
			if v != float32((i+1)%64) {
				wrong++
			}
		}
	}
	if wrong == 0 {
		t.Error("a missing barrier changes nothing")
	}
}

// Races in global memory are seen by running in two orders.
func TestTwice(t *testing.T) {
	c := open(t, "twice=1")
	o := up(c, make([]int32, 128))
	c.ran("faults.through_global", 1, 64, 0, o, 1)
	o = up(c, make([]int32, 128))
	c.fails(719, "two orders of its threads give two results", "faults.through_global", 1, 64, 0, o, 0)
	c = open(t, "twice=1")
	o = up(c, make([]int32, 1))
	c.fails(719, "two orders", "faults.global_race", 8, 64, 0, o)
}

func TestLaunchesThatACardRefuses(t *testing.T) {
	c := open(t)
	o := up(c, make([]float32, 2048))
	for _, l := range []struct{ grid, block, want int }{{0, 32, 1}, {1, 0, 1}, {1, 1025, 1}, {1, 1024, 0}} {
		if r := c.run("faults.fill", l.grid, l.block, 0, o, float32(1), 2048); r != l.want {
			t.Errorf("%d blocks of %d: error %d, want %d", l.grid, l.block, r, l.want)
		}
	}
	if r := c.run("faults.bounded", 1, 65, 0, o); r != 701 {
		t.Errorf("more threads than __launch_bounds__: error %d, want 701", r)
	}
	c.ran("faults.bounded", 1, 64, 0, o)
	var f uintptr
	if r := c.call("cuModuleGetFunction", ptr(&f), c.module("faults"), text("nobody")); r != 500 {
		t.Errorf("an entry that is not there: error %d, want 500", r)
	}
}

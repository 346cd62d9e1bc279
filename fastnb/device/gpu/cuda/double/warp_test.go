//go:build linux

package double_test

import (
	"math/bits"
	"testing"
)

func TestShuffles(t *testing.T) {
	for _, width := range []int{32, 8} {
		c := open(t, "seed=11")
		a := count(64, func(i int) uint32 { return uint32(i*i*7 + 3) })
		o := up(c, make([]uint32, 64*8))
		c.ran("warp.shuffles", 1, 64, 0, up(c, a), o, width)
		got := down[uint32](c, o, 64*8)
		for i := range 64 {
			l, base := i%32, i/32*32
			seg := l / width * width
			at := func(j int) uint32 { return a[base+j] }
			in := func(j int) uint32 { // a lane outside of the segment gives one's own
				if j < seg || j >= seg+width {
					return a[i]
				}
				return at(j)
			}
			var sum uint32
			for j := range 32 {
				sum += at(j)
			}
			half := at(3)
			if l >= 16 {
				half = at(20)
			}
			other := a[i] // by CUDA's guide earlier segments may be looked into, later ones not
			if l^9 < seg+width {
				other = at(l ^ 9)
			}
			want := []uint32{at(seg + l*5%32%width), in(l - 3), in(l + 5), other, when(l+20 < 32), sum, half}
			check(t, "shuffles", got[i*8:i*8+7], want)
		}
	}
}

func TestVotes(t *testing.T) {
	c := open(t, "seed=12")
	a := count(64, func(i int) uint32 { return uint32(i * i % 23) })
	a[40] = 200
	o := up(c, make([]uint32, 64*8))
	c.ran("warp.votes", 1, 64, 0, up(c, a), o)
	got := down[uint32](c, o, 64*8)
	odd := 0
	for _, v := range a {
		odd += int(v & 1)
	}
	for i := range 64 {
		var ballot, alike uint32
		any := uint32(0)
		for j := range 32 {
			v := a[i/32*32+j]
			ballot |= v & 1 << j
			alike |= when(v%3 == a[i]%3) << j
			any |= when(v > 100)
		}
		active := ballot
		if a[i]&1 == 0 {
			active = ^ballot
		}
		check(t, "votes", got[i*8:i*8+8], []uint32{ballot, when(ballot == ^uint32(0)), any, active, uint32(odd), 0, 1, alike})
	}
}

func TestRedux(t *testing.T) {
	c := open(t, "seed=13")
	a := count(32, func(i int) int32 { return int32(bits.Reverse32(uint32(i*977+5))) >> (i % 7) })
	o := up(c, make([]uint32, 32*8))
	c.ran("warp.reduces", 1, 32, 0, up(c, a), o)
	v := a[0]
	want := []uint32{uint32(v), uint32(v), uint32(v), uint32(v), uint32(v), uint32(v), uint32(v), uint32(v)}
	for _, v := range a[1:] {
		u := uint32(v)
		want = []uint32{want[0] + u, uint32(min(int32(want[1]), v)), uint32(max(int32(want[2]), v)), min(want[3], u), max(want[4], u), want[5] & u, want[6] | u, want[7] ^ u}
	}
	got := down[uint32](c, o, 32*8)
	for i := range 32 {
		check(t, "redux", got[i*8:i*8+8], want)
	}
}

func TestAsyncCopies(t *testing.T) {
	for _, steps := range []int{1, 2, 3, 9} {
		c := open(t, "seed=14")
		a := count(9*128, func(i int) float32 { return float32(i % 100) })
		o := up(c, make([]float32, 32))
		c.ran("warp.pipeline", 1, 32, 0, up(c, a), o, steps)
		check(t, "pipeline", down[float32](c, o, 32), count(32, func(i int) float32 {
			s := float32(0)
			for k := range steps {
				for j := range 4 {
					s += a[k*128+(i*4+j+64)%128]
				}
			}
			return s
		}))
	}
	c := open(t)
	a := count(50, func(i int) float32 { return float32(i + 1) })
	o := up(c, make([]float32, 224))
	padded := up(c, append(a, make([]float32, 128-50)...))
	c.ran("warp.zero_fill", 1, 32, 0, padded, o, 50)
	check(t, "zero fill", down[float32](c, o, 224), count(224, func(i int) float32 {
		switch {
		case i < 50:
			return a[i]
		case i >= 128 && i < 128+50:
			return a[i-128]
		case i >= 192 && i < 197:
			return a[i-192]
		}
		return 0
	}))
	// What is not copied need not be there: only 50 numbers are allocated.
	c.fails(700, "cp.async from outside", "warp.zero_fill", 1, 32, 0, up(c, a), o, 51)
}

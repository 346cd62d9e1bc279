package device

import (
	"math/rand/v2"
	"testing"
)

// Places that are in use never meet, and all that was given back is one stretch again.
func TestArena(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var a Arena
	live := map[int64]int64{}
	for range 5000 {
		if len(live) > 0 && r.IntN(2) == 0 {
			for at, n := range live {
				a.Give(at, n)
				delete(live, at)
				break
			}
			continue
		}
		n := 16 * (1 + r.Int64N(20))
		at := a.Take(n)
		for o, m := range live {
			if at < o+m && o < at+n {
				t.Fatalf("%d+%d overlaps %d+%d", at, n, o, m)
			}
		}
		if at%16 != 0 || at+n > a.size {
			t.Fatalf("place %d+%d in an arena of %d", at, n, a.size)
		}
		live[at] = n
	}
	for at, n := range live {
		a.Give(at, n)
	}
	if len(a.free) != 1 || a.free[0].n != a.size {
		t.Errorf("after all is given back: %v of %d", a.free, a.size)
	}
}

package device

import (
	"cmp"
	"slices"
)

// Arena hands out places in a stretch that becomes as long as it must be, best fit first. Devices plan their
// temporaries with it; the unit of its numbers is theirs.
type Arena struct {
	free []stretch // sorted by place, never adjacent
	size int64
}

type stretch struct{ at, n int64 }

// Size is how long the stretch has become.
func (a *Arena) Size() int64 { return a.size }

// Take gives a place of length n.
func (a *Arena) Take(n int64) int64 {
	fit := -1
	for i, s := range a.free {
		if s.n >= n && (fit < 0 || s.n < a.free[fit].n) {
			fit = i
		}
	}
	if fit >= 0 {
		at := a.free[fit].at
		a.free[fit].at += n
		if a.free[fit].n -= n; a.free[fit].n == 0 {
			a.free = slices.Delete(a.free, fit, fit+1)
		}
		return at
	}
	at := a.size
	if k := len(a.free); k > 0 && a.free[k-1].at+a.free[k-1].n == a.size {
		at = a.free[k-1].at // the free end grows
		a.free = a.free[:k-1]
	}
	a.size = at + n
	return at
}

// Give takes a place of length n back.
func (a *Arena) Give(at, n int64) {
	i, _ := slices.BinarySearchFunc(a.free, at, func(s stretch, at int64) int { return cmp.Compare(s.at, at) })
	a.free = slices.Insert(a.free, i, stretch{at, n})
	if i+1 < len(a.free) && at+n == a.free[i+1].at {
		a.free[i].n += a.free[i+1].n
		a.free = slices.Delete(a.free, i+1, i+2)
	}
	if i > 0 && a.free[i-1].at+a.free[i-1].n == at {
		a.free[i-1].n += a.free[i].n
		a.free = slices.Delete(a.free, i, i+1)
	}
}

package tensor

import (
	"fmt"
	"strconv"
	"strings"
)

// How much String shows: of a longer axis the first and last few, with an ellipsis between.
const (
	showMax  = 1000 // elements shown in full
	showEdge = 3    // else: this many at either end of an axis
)

// String shows kind, shape and numbers, long axes shortened, as in
//
//	float32 [2 3]
//	[[0.1000 0.2000 0.3000]
//	 [0.4000 0.5000 0.6000]]
func (t *Tensor) String() string {
	if bad := firstErr(t); bad != nil {
		return bad.err.Error()
	}
	var b strings.Builder
	if len(t.shape) == 0 {
		fmt.Fprintf(&b, "%s %s", t.dtype, t.text(0))
		return b.String()
	}
	fmt.Fprintf(&b, "%s %v\n", t.dtype, t.shape)
	t.print(&b, 0, 0, " ", t.Len() > showMax)
	return b.String()
}

func (t *Tensor) text(k int) string {
	if t.dtype == Float32 || t.dtype.Half() {
		v := t.value(k)
		if a := max(v, -v); a != 0 && (a < 1e-3 || a >= 1e5) {
			return strconv.FormatFloat(v, 'e', 4, 32)
		}
		return strconv.FormatFloat(v, 'f', 4, 32)
	}
	return strconv.FormatFloat(t.value(k), 'f', -1, 64)
}

// print writes the block of axis that starts at element at.
func (t *Tensor) print(b *strings.Builder, axis, at int, indent string, short bool) {
	n, step := t.shape[axis], Count(t.shape[axis+1:])
	last := axis == len(t.shape)-1
	b.WriteByte('[')
	for k := 0; k < n; k++ {
		if k > 0 {
			if last {
				b.WriteByte(' ')
			} else {
				b.WriteString("\n" + indent)
			}
		}
		if short && n > 2*showEdge && k == showEdge {
			b.WriteString("…")
			k = n - showEdge - 1
			continue
		}
		if last {
			b.WriteString(t.text(at + k))
		} else {
			t.print(b, axis+1, at+k*step, indent+" ", short)
		}
	}
	b.WriteByte(']')
}

package jpeg

import "encoding/binary"

// bits reads the bits of a scan. The n next bits stand at the top of acc. At a marker or the end of the
// file it gives zeros and counts them in over: more bits used than there were means a file cut off.
type bits struct {
	b    []byte
	p    int
	acc  uint64
	n    uint
	over uint
}

// start begins at a byte.
func (r *bits) start() { r.acc, r.n, r.over = 0, 0, 0 }

// fill makes at least 56 bits ready.
func (r *bits) fill() {
	if r.p+8 <= len(r.b) {
		v := binary.BigEndian.Uint64(r.b[r.p:])
		x := ^v
		if (x-0x0101010101010101)&^x&0x8080808080808080 == 0 { // no byte is 0xff
			r.acc |= v >> r.n
			r.p += int((63 - r.n) >> 3)
			r.n |= 56
			return
		}
	}
	for r.n <= 56 {
		var v uint64
		switch {
		case r.p >= len(r.b):
			r.over += 8
		case r.b[r.p] != 0xff:
			v = uint64(r.b[r.p])
			r.p++
		case r.p+1 < len(r.b) && r.b[r.p+1] == 0:
			v = 0xff
			r.p += 2
		default:
			r.over += 8
		}
		r.acc |= v << (56 - r.n)
		r.n += 8
	}
}

// spent reports whether more bits were used than there were.
func (r *bits) spent() bool { return r.n < r.over }

// take gives k bits, at most 16.
func (r *bits) take(k uint) int32 {
	if r.n < k {
		r.fill()
	}
	v := r.acc >> (64 - k) // a shift by 64 gives 0
	r.acc <<= k
	r.n -= k
	return int32(v)
}

// receive gives a number of k bits as coefficients are written: the upper half of the range is positive,
// the lower stands for negative ones.
func (r *bits) receive(k uint) int32 { return extend(r.take(k), k) }

func extend(v int32, k uint) int32 {
	if k > 0 && v < 1<<(k-1) {
		v += -1<<k + 1
	}
	return v
}

package cpu

import (
	"math"
	"unsafe"
)

// halfKernels multiply numbers that are rounded to bfloat16, two products at a time, and sum in single precision.
//
// A is row by row, in steps of 32 values, each step at an offset of its own from the row's beginning: so the rows may
// be patches of a picture. B is in panels of 32 columns: for each two values of k 32 columns of pairs.
type halfKernels struct {
	name string
	// rate is how many of these multiplications take the time of one in single precision, about.
	rate int
	// allowed asks the system, once, for what it does not give unasked; nil: nothing. Where it is refused, instead
	// takes the place.
	allowed func() bool
	instead *halfKernels
	// panel computes rows x 32 columns of C (+)= A B. offs are in bytes, one for each step; lda and ldc count
	// elements. What follows A is read up to a multiple of halfRows, and not used.
	panel func(p halfPanel)
	// round rounds src; it reports whether all numbers are finite.
	round func(dst []uint16, src []float32) bool
	// pairs packs a panel of B from 2*n rows of 32 columns, ld apart; it reports whether all are finite.
	pairs func(dst []uint16, src []float32, ld, n int) bool
	// turnRows packs a panel of B from its transpose: 32*steps columns of 16 rows, ld apart, become the first 16
	// columns of the panel.
	turnRows func(dst []uint16, src []float32, ld, steps int)
	// turnPairs rounds 32*steps rows of 16 columns, ld apart, and writes the columns as rows, ldd apart.
	turnPairs func(dst []uint16, ldd int, src []float32, ld, steps int)
	// copyRows copies rows of 32 that lie together to places ld apart.
	copyRows func(dst []float32, ld int, src []float32, rows int)
}

// ask gives what may be used of h.
func (h *halfKernels) ask() *halfKernels {
	if h != nil && h.allowed != nil && !h.allowed() {
		return h.instead.ask()
	}
	return h
}

// halfPanel is the work of a panel.
type halfPanel struct {
	rows int
	a    []uint16
	lda  int
	offs []int
	b    []uint16
	c    []float32
	ldc  int
	acc  bool
	tile []float32 // halfRows x 32, for the last rows
}

const (
	halfStep = 32 // values of k
	halfCols = 32 // of a panel
	halfRows = 32 // rows of A are given in multiples of it
	stepB    = halfStep * halfCols
)

// roundBF16 rounds to the nearest bfloat16, to even where two are as near. What is too small for a normal number
// becomes 0, as in the processor's instruction.
func roundBF16(x float32) uint16 {
	b := math.Float32bits(x)
	switch {
	case b&0x7fffffff > 0x7f800000:
		return uint16(b>>16) | 0x40
	case b&0x7f800000 == 0:
		return uint16(b >> 16 & 0x8000)
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

func fromBF16(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

func finite(x float32) bool { return x-x == 0 }

// genericHalf is the definition of the kernels.
var genericHalf = &halfKernels{
	name: "generic", rate: 1,
	panel: func(p halfPanel) {
		for r := range p.rows {
			c := p.c[r*p.ldc : r*p.ldc+halfCols]
			var sum [halfCols]float32
			for s, off := range p.offs {
				a := unsafe.Slice((*uint16)(unsafe.Add(unsafe.Pointer(&p.a[r*p.lda]), off)), halfStep)
				b := p.b[s*stepB : (s+1)*stepB]
				for k, x := range a {
					for j := range sum {
						sum[j] += fromBF16(x) * fromBF16(b[k/2*2*halfCols+2*j+k%2])
					}
				}
			}
			for j, v := range sum {
				if p.acc {
					v += c[j]
				}
				c[j] = v
			}
		}
	},
	round: func(dst []uint16, src []float32) bool {
		good := true
		for i, v := range src {
			dst[i] = roundBF16(v)
			good = good && finite(v)
		}
		return good
	},
	pairs: func(dst []uint16, src []float32, ld, n int) bool {
		good := true
		for p := range n {
			for j := range halfCols {
				a, b := src[2*p*ld+j], src[(2*p+1)*ld+j]
				dst[(p*halfCols+j)*2], dst[(p*halfCols+j)*2+1] = roundBF16(a), roundBF16(b)
				good = good && finite(a) && finite(b)
			}
		}
		return good
	},
	turnRows: func(dst []uint16, src []float32, ld, steps int) {
		for r := range 16 {
			for k := range halfStep * steps {
				dst[k/2*2*halfCols+2*r+k%2] = roundBF16(src[r*ld+k])
			}
		}
	},
	turnPairs: func(dst []uint16, ldd int, src []float32, ld, steps int) {
		for j := range 16 {
			for k := range halfStep * steps {
				dst[j*ldd+k] = roundBF16(src[k*ld+j])
			}
		}
	},
	copyRows: func(dst []float32, ld int, src []float32, rows int) {
		for r := range rows {
			copy(dst[r*ld:r*ld+halfCols], src[r*halfCols:])
		}
	},
}

package cpu

import (
	"os"
	"unsafe"
)

// isa is a set of hot kernels for one kind of processor.
type isa struct {
	name   string
	width  int // floats in a vector
	mr, nr int // rows and columns of the largest tile
	// tile computes m <= mr rows x nr columns of C (+)= A B: row i, step s of A at a[i*rs+s*ks], step s of B at
	// b[s*kb], C's rows ldc apart. All strides count elements.
	tile func(m, k int, a *float32, rs, ks int, b *float32, kb int, c *float32, ldc int, acc bool)
	// vector kernels over n elements; nil where plain Go serves
	vec  vecKernels
	seq  seqKernels
	wino winoKernels
	half *halfKernels // nil: no products in bfloat16
	// copyRows copies n floats of each of some rows, ss apart, to dst, ds apart; what dst has behind a row may be
	// overwritten as far as dst goes, so rows are to come in order.
	copyRows func(dst []float32, ds int, src []float32, ss, n, rows int)
}

// available lists what this machine can run, best first; platform files add to it.
var available = []*isa{generic}

// best is the first available, or the one that FASTNB_ISA names.
func best() *isa {
	if want := os.Getenv("FASTNB_ISA"); want != "" {
		for _, i := range available {
			if i.name == want {
				return i
			}
		}
	}
	return available[0]
}

var generic = &isa{name: "generic", width: genericWidth, mr: 4, nr: 16, tile: genericTile, vec: genericVec, seq: genericSeq, wino: genericWino, copyRows: genericCopyRows}

func genericTile(m, k int, a *float32, rs, ks int, b *float32, kb int, c *float32, ldc int, acc bool) {
	as := unsafe.Slice(a, (m-1)*rs+(k-1)*ks+1)
	bs := unsafe.Slice(b, (k-1)*kb+16)
	cs := unsafe.Slice(c, (m-1)*ldc+16)
	for i := range m {
		var sum [16]float32
		for s := range k {
			v := as[i*rs+s*ks]
			for j, w := range bs[s*kb : s*kb+16] {
				sum[j] += v * w
			}
		}
		dst := cs[i*ldc : i*ldc+16]
		for j, v := range sum {
			if acc {
				v += dst[j]
			}
			dst[j] = v
		}
	}
}

// ISAs names the instruction sets that this machine can run, best first.
func ISAs() []string {
	var out []string
	for _, i := range available {
		out = append(out, i.name)
	}
	return out
}

func genericCopyRows(dst []float32, ds int, src []float32, ss, n, rows int) {
	for r := range rows {
		copy(dst[r*ds:r*ds+n], src[r*ss:r*ss+n])
	}
}

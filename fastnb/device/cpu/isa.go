package cpu

import "os"

// isa is a set of hot kernels for one kind of processor.
type isa struct {
	name   string
	mr, nr int // rows and columns of a tile
	// tile computes a mr x nr tile: C (+)= A B. a holds row m, step k at a[m*rs + k*ks]; b is packed,
	// step k at b[k*nr]; c's rows are ldc apart. All strides count elements.
	tile func(k int, a *float32, rs, ks int, b *float32, c *float32, ldc int, accumulate bool)
	// vector kernels over n elements; nil where plain Go serves
	vec  vecKernels
	seq  seqKernels
	wino winoKernels
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

var generic = &isa{name: "generic", mr: 4, nr: 8, tile: genericTile, vec: genericVec, seq: genericSeq, wino: genericWino}

func genericTile(k int, a *float32, rs, ks int, b *float32, c *float32, ldc int, accumulate bool) {
	var acc [4][8]float32
	as := unsafeSlice(a, 3*rs+(k-1)*ks+1)
	bs := unsafeSlice(b, k*8)
	cs := unsafeSlice(c, 3*ldc+8)
	for p := range k {
		row := bs[p*8 : p*8+8]
		for i := range acc {
			v := as[i*rs+p*ks]
			for j, w := range row {
				acc[i][j] += v * w
			}
		}
	}
	for i := range acc {
		dst := cs[i*ldc : i*ldc+8]
		for j := range dst {
			if accumulate {
				dst[j] += acc[i][j]
			} else {
				dst[j] = acc[i][j]
			}
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

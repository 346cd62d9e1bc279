package cpu

import "math"

// seqKernels are what recurrent layers and the softmax over a vocabulary spend their time in.
type seqKernels struct {
	mr, nr int // rows and columns of a tile; nr divides 64
	// Blocking of products: how many steps and rows are worked on at a time. A block of the left side stays in the
	// second-level cache, with what it makes of C.
	steps, rows int
	calls       int // of tiles that fetch a panel ahead of time, each its share
	width       int // row lengths that expSum, expWrite, rowMax and dots take are multiples of it
	// tile computes m <= mr rows x nr columns of C (+)= A B: a holds mr values per step, b nr; c's rows are
	// ldc apart.
	tile seqTile
	// half is tile for the first nr/2 columns.
	half seqTile
	// packA writes k values of rows <= mr rows, ld apart, as mr values per step; missing rows are left as
	// they are.
	packA func(dst, src []float32, ld, rows, k int)
	// packCols writes n <= mr values of each of k rows, ld apart, as the first n of mr values per step.
	packCols func(dst, src []float32, ld, n, k int)
	// copyRows copies n values of each of some rows, see isa.
	copyRows func(dst []float32, ds int, src []float32, ss, n, rows int)
	// packT writes k values of 16 rows, ld apart, as the first 16 of stride values per step.
	packT func(dst, src []float32, ld, k, stride int)
	// gates activates n rows of 16 units' gates [i f g o][16], see gatesGeneric.
	gates func(n int, g []float32, ldg int, bias, before, after []float32, ldc int, h []float32, ldh int)
	// gatesBack is the way back, see gatesBackGeneric.
	gatesBack func(n int, g []float32, ldg int, before, after []float32, ldc int, dy []float32, lddy int, dh, dc []float32, lddh int)
	expSum    func(x []float32, m float32) float32      // sum of e^(x-m)
	expWrite  func(x []float32, lse, scale float32)     // x = scale e^(x-lse)
	rowMax    func(x []float32) float32                 // largest
	mul       func(dst, a, b []float32)                 // dst = a b
	dots      func(y, w []float32, ld int, x []float32) // y[i] += w[i*ld:] x
}

type seqTile = func(m, k int, a, b, c *float32, ldc int, acc bool, ahead lookAhead)

// lookAhead is what a tile fetches while it is at work, every eight steps a little: of the panel of B that will be used
// after this one, into the first-level cache, and lines of memory that are floats apart, into the second.
type lookAhead struct {
	next, far *float32
	ld        int
}

var genericSeq = seqKernels{
	mr: 4, nr: 16, steps: 384, rows: 144, calls: 8, width: 1,
	tile: tileGeneric(16), half: tileGeneric(8), packA: packAGeneric(4), packCols: packColsGeneric(4), packT: packTGeneric, copyRows: genericCopyRows, gates: gatesGeneric, gatesBack: gatesBackGeneric,
	expSum: func(x []float32, m float32) float32 {
		var s float64
		for _, v := range x {
			s += math.Exp(float64(v - m))
		}
		return float32(s)
	},
	expWrite: func(x []float32, lse, scale float32) {
		for i, v := range x {
			x[i] = scale * float32(math.Exp(float64(v-lse)))
		}
	},
	rowMax: func(x []float32) float32 {
		m := x[0]
		for _, v := range x {
			m = max(m, v)
		}
		return m
	},
	mul: func(dst, a, b []float32) {
		for i := range dst {
			dst[i] = a[i] * b[i]
		}
	},
	dots: func(y, w []float32, ld int, x []float32) {
		for i := range y {
			var s float32
			for k, v := range x {
				s += v * w[i*ld+k]
			}
			y[i] += s
		}
	},
}

func tileGeneric(cols int) seqTile {
	return func(m, k int, a, b, c *float32, ldc int, acc bool, _ lookAhead) {
		as, bs := unsafeSlice(a, k*4), unsafeSlice(b, k*16)
		cs := unsafeSlice(c, (m-1)*ldc+cols)
		var s [4][16]float32
		for p := range k {
			row := bs[p*16 : p*16+cols]
			for i := range m {
				v := as[p*4+i]
				for j, w := range row {
					s[i][j] += v * w
				}
			}
		}
		for i := range m {
			keep(cs[i*ldc:i*ldc+cols], s[i][:], acc)
		}
	}
}

func packAGeneric(mr int) func(dst, src []float32, ld, rows, k int) {
	return func(dst, src []float32, ld, rows, k int) {
		for r := range rows {
			for p, v := range src[r*ld : r*ld+k] {
				dst[p*mr+r] = v
			}
		}
	}
}

func packColsGeneric(mr int) func(dst, src []float32, ld, n, k int) {
	return func(dst, src []float32, ld, n, k int) {
		for p := range k {
			copy(dst[p*mr:p*mr+n], src[p*ld:p*ld+n])
		}
	}
}

func packTGeneric(dst, src []float32, ld, k, stride int) {
	for r := range 16 {
		for p, v := range src[r*ld : r*ld+k] {
			dst[p*stride+r] = v
		}
	}
}

func sigmoid(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) }

func tanh(x float32) float32 { return float32(math.Tanh(float64(x))) }

func gatesGeneric(n int, g []float32, ldg int, bias, before, after []float32, ldc int, h []float32, ldh int) {
	for r := range n {
		z := g[r*ldg : r*ldg+64]
		for j := range 16 {
			i, f, c, o := sigmoid(z[j]+bias[j]), sigmoid(z[16+j]+bias[16+j]), tanh(z[32+j]+bias[32+j]), sigmoid(z[48+j]+bias[48+j])
			z[j], z[16+j], z[32+j], z[48+j] = i, f, c, o
			v := f*before[r*ldc+j] + i*c
			after[r*ldc+j] = v
			h[r*ldh+j] = o * tanh(v)
		}
	}
}

func gatesBackGeneric(n int, g []float32, ldg int, before, after []float32, ldc int, dy []float32, lddy int, dh, dc []float32, lddh int) {
	for r := range n {
		z := g[r*ldg : r*ldg+64]
		for j := range 16 {
			i, f, c, o := z[j], z[16+j], z[32+j], z[48+j]
			tc := tanh(after[r*ldc+j])
			d := dy[r*lddy+j] + dh[r*lddh+j]
			e := dc[r*lddh+j] + d*o*(1-tc*tc)
			z[j], z[16+j] = e*c*i*(1-i), e*before[r*ldc+j]*f*(1-f)
			z[32+j], z[48+j] = e*i*(1-c*c), d*tc*o*(1-o)
			dc[r*lddh+j] = e * f
		}
	}
}

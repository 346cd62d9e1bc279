package cpu

import "unsafe"

// winoKernels are the transforms of Winograd convolutions for one kind of processor.
type winoKernels struct{ four, two winoTransforms }

// winoTransforms are the transforms for tiles of m x m outputs (m+2 x m+2 points), over n vectors of channels.
//
// in, dy and w bring a piece of a map to points: of the places of a row, ps apart, those from lo to hi lie within
// the map and others count as zeros; rows are the addresses of the rows' place lo, or of zeros. Point i goes to
// dst[i*dp:].
//
// out and dw bring points, sp apart, to the first rows x cols places of a map. out multiplies by scale and adds bias,
// and res, a map like dst, unless it is nil; it raises to *floor what is below. Both make bad, a vector, NaN if anything
// was not finite before res.
//
// tmp has room for 36 vectors.
type winoTransforms struct {
	m         int
	in, dy, w func(rows **float32, ps, lo, hi int, dst *float32, dp, n int, tmp *float32)
	out       func(src *float32, sp int, dst *float32, rs, ps, rows, cols, n int, tmp, scale, bias, res, floor, bad *float32)
	dw        func(src *float32, sp int, dst *float32, rs, ps, rows, cols, n int, tmp, bad *float32)
}

func (t *winoTransforms) points() int { return (t.m + 2) * (t.m + 2) }

// genericWidth is the width of the plain kernels' "vectors".
const genericWidth = 8

var genericWino = winoKernels{four: plainTransforms(4), two: plainTransforms(2)}

// winoMatrices are the transforms of one dimension, as rows of coefficients: Lavin and Gray 2015, section 4.
var winoMatrices = map[int]struct{ in, w, out [][]float32 }{
	4: {
		in: [][]float32{{4, 0, -5, 0, 1, 0}, {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0}, {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}},
		w: [][]float32{
			{1. / 4, 0, 0},
			{-1. / 6, -1. / 6, -1. / 6},
			{-1. / 6, 1. / 6, -1. / 6},
			{1. / 24, 1. / 12, 1. / 6},
			{1. / 24, -1. / 12, 1. / 6},
			{0, 0, 1},
		},
		out: [][]float32{{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}},
	},
	2: {
		in:  [][]float32{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
		w:   [][]float32{{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}},
		out: [][]float32{{1, 1, 1, 0}, {0, 1, -1, -1}},
	},
}

func turnedMatrix(m [][]float32) [][]float32 {
	out := make([][]float32, len(m[0]))
	for i := range out {
		for j := range m {
			out[i] = append(out[i], m[j][i])
		}
	}
	return out
}

// plainTransforms are the transforms in Go: the definition of those in assembly.
func plainTransforms(m int) winoTransforms {
	t := winoMatrices[m]
	const v = genericWidth
	return winoTransforms{
		m: m, in: gathering(t.in), dy: gathering(turnedMatrix(t.out)), w: gathering(t.w),
		out: func(src *float32, sp int, dst *float32, rs, ps, rows, cols, n int, _, scale, bias, res, floor, bad *float32) {
			a, b, wrong := unsafe.Slice(scale, n*v), unsafe.Slice(bias, n*v), unsafe.Slice(bad, v)
			scattered(t.out, src, sp, n, func(i, j, k int, x float32) {
				x = x*a[k] + b[k]
				wrong[k%v] += x - x
				if i < rows && j < cols {
					if res != nil {
						x += *(*float32)(unsafe.Add(unsafe.Pointer(res), 4*(i*rs+j*ps+k)))
					}
					*(*float32)(unsafe.Add(unsafe.Pointer(dst), 4*(i*rs+j*ps+k))) = max(x, *floor)
				}
			})
		},
		dw: func(src *float32, sp int, dst *float32, rs, ps, rows, cols, n int, _, bad *float32) {
			wrong := unsafe.Slice(bad, v)
			scattered(turnedMatrix(t.w), src, sp, n, func(i, j, k int, x float32) {
				wrong[k%v] += x - x
				if i < rows && j < cols {
					*(*float32)(unsafe.Add(unsafe.Pointer(dst), 4*(i*rs+j*ps+k))) = x
				}
			})
		},
	}
}

// gathering is a transform by mat of tiles that lie in rows of a picture.
func gathering(mat [][]float32) func(rows **float32, ps, lo, hi int, dst *float32, dp, n int, tmp *float32) {
	in := len(mat[0])
	return func(rows **float32, ps, lo, hi int, dst *float32, dp, n int, _ *float32) {
		from := unsafe.Slice(rows, in)
		for k := range n * genericWidth {
			d := make([]float32, in*in)
			for i := range in {
				for j := lo; j < hi; j++ {
					d[i*in+j] = *(*float32)(unsafe.Add(unsafe.Pointer(from[i]), 4*((j-lo)*ps+k)))
				}
			}
			for i, x := range sandwich(mat, d) {
				*(*float32)(unsafe.Add(unsafe.Pointer(dst), 4*(i*dp+k))) = x
			}
		}
	}
}

// scattered transforms tiles by mat and gives every number, of row i, column j and channel k, to put.
func scattered(mat [][]float32, src *float32, sp, n int, put func(i, j, k int, x float32)) {
	in := len(mat[0])
	for k := range n * genericWidth {
		d := make([]float32, in*in)
		for i := range d {
			d[i] = *(*float32)(unsafe.Add(unsafe.Pointer(src), 4*(i*sp+k)))
		}
		for i, x := range sandwich(mat, d) {
			put(i/len(mat), i%len(mat), k, x)
		}
	}
}

// sandwich is M D M', D a square matrix.
func sandwich(m [][]float32, d []float32) []float32 {
	in, out := len(m[0]), len(m)
	half := make([]float32, out*in)
	for i, row := range m {
		for j := range in {
			for s, c := range row {
				if c != 0 {
					half[i*in+j] += c * d[s*in+j]
				}
			}
		}
	}
	full := make([]float32, out*out)
	for i := range out {
		for j, row := range m {
			for s, c := range row {
				if c != 0 {
					full[i*out+j] += c * half[i*in+s]
				}
			}
		}
	}
	return full
}

package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fastnb/go/fastnb/device"
)

// halfTol is what sums of products of equal numbers may differ by, in units of their root mean square: they are added
// in another order.
const halfTol = 1e-4

// rounded are numbers that bfloat16 has.
func rounded(x []float32) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = fromBF16(roundBF16(v))
	}
	return out
}

// apartBy is the largest difference in units of want's root mean square.
func apartBy(got, want []float32) float64 {
	var most, square float64
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - float64(v)); !(d <= most) {
			most = d
		}
		square += float64(v) * float64(v)
	}
	return most / math.Sqrt(square/float64(len(want)))
}

func floatsOf(shape []int, f []float32) val { return val{shape: shape, f: f} }

func halfDevices(t *testing.T, run func(t *testing.T, d *Device)) {
	for _, h := range halves() {
		for _, threads := range []int{1, 3} {
			t.Run(fmt.Sprint(h.name, threads), func(t *testing.T) {
				d := New(threads)
				defer d.Close()
				if d.isa.half == nil && h != genericHalf {
					t.Skip("another instruction set is asked for")
				}
				if d.isa.seq.nr != halfCols {
					t.Skip("panels of this instruction set are narrower")
				}
				d.half = h
				run(t, d)
			})
		}
	}
}

// TestHalfConvolutions: with inputs that bfloat16 has, a convolution in bfloat16 and its gradients are those in single
// precision, whatever the shape.
func TestHalfConvolutions(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	halfDevices(t, func(t *testing.T, d *Device) {
		for _, s := range []struct{ n, h, w, c, o, kh, kw, stride, pad int }{
			{2, 9, 7, 16, 32, 3, 3, 1, 1},
			{1, 16, 16, 64, 64, 3, 3, 1, 1},
			{3, 5, 5, 3, 20, 3, 3, 1, 1},
			{2, 20, 18, 3, 64, 7, 7, 2, 3},
			{1, 8, 8, 99, 35, 3, 3, 1, 1},
			{2, 9, 9, 32, 64, 1, 1, 1, 0},
			{2, 9, 11, 32, 33, 1, 1, 2, 0},
			{1, 12, 12, 32, 32, 3, 3, 2, 1},
			{1, 6, 6, 8, 8, 5, 3, 1, 2},
			{1, 4, 4, 40, 96, 3, 3, 1, 0},
			{5, 20, 21, 32, 48, 3, 3, 1, 1},
			{9, 24, 24, 64, 24, 3, 3, 1, 2},
			{1, 3, 3, 7, 5, 1, 1, 2, 1},
		} {
			if d.half == genericHalf && (s.c*s.o*s.kh*s.kw*s.h*s.w > 1<<20 || d.team.n > 1) {
				continue
			}
			oh, ow := (s.h+2*s.pad-s.kh)/s.stride+1, (s.w+2*s.pad-s.kw)/s.stride+1
			a := device.Conv{Stride: [2]int{s.stride, s.stride}, Pad: [4]int{s.pad, s.pad, s.pad, s.pad}}
			xs, ws, ys := []int{s.n, s.h, s.w, s.c}, []int{s.o, s.kh, s.kw, s.c}, []int{s.n, oh, ow, s.o}
			x, w, dy := rounded(noise(r, s.n*s.h*s.w*s.c)), rounded(noise(r, s.o*s.kh*s.kw*s.c)), rounded(noise(r, s.n*oh*ow*s.o))
			half := d.half
			compare := func(what string, out []int, in []val, run func(c *call) bool, plain func(c *call)) {
				t.Helper()
				size := 1
				for _, n := range out {
					size *= n
				}
				got, want := floatsOf(out, make([]float32, size)), floatsOf(out, make([]float32, size))
				d.half = half
				if !run(&call{dev: d, in: in, out: []val{got}}) {
					return
				}
				d.half = nil
				plain(&call{dev: d, in: in, out: []val{want}})
				d.half = half
				if e := apartBy(got.f, want.f); !(e < halfTol) {
					t.Errorf("%+v: %s is %.3g apart", s, what, e)
				}
			}
			fin := d.plainFinish(s.o)
			compare("forward", ys, []val{floatsOf(xs, x), floatsOf(ws, w)}, func(c *call) bool { return c.halfForward(a, fin, math.MaxInt) }, func(c *call) { c.directForward(a, fin) })
			bias := &finish{scale: noise(r, s.o+64), shift: noise(r, s.o+64), res: noise(r, len(dy))}
			compare("finished", ys, []val{floatsOf(xs, x), floatsOf(ws, w)}, func(c *call) bool { return c.halfForward(a, bias, math.MaxInt) }, func(c *call) { c.directForward(a, bias) })
			compare("dx", xs, []val{floatsOf(ys, dy), floatsOf(ws, w)}, func(c *call) bool { return c.halfDX(a, math.MaxInt) }, func(c *call) { directDX(a, c) })
			if s.stride == 1 && s.c%halfCols == 0 {
				compare("dw on the grid", ws, []val{floatsOf(xs, x), floatsOf(ys, dy)}, func(c *call) bool {
					return newHalfMap(patchesOf(a, c.in[0], ws, ys)).gradient(d, d.half, dy, s.o, c.out[0].f)
				}, func(c *call) { directDW(a, c) })
			}
			compare("dw", ws, []val{floatsOf(xs, x), floatsOf(ys, dy)}, func(c *call) bool { return c.halfDW(a, math.MaxInt) }, func(c *call) { directDW(a, c) })
		}
	})
}

// TestHalfMatrices: products of matrices that bfloat16 has are those in single precision.
func TestHalfMatrices(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	halfDevices(t, func(t *testing.T, d *Device) {
		half := d.half
		if half == genericHalf && d.team.n > 1 {
			return
		}
		for _, s := range [][3]int{{9, 1, 1}, {10, 33, 31}, {129, 64, 96}, {300, 77, 130}, {33, 400, 40}, {2100, 40, 70}} {
			m, n, k := s[0], s[1], s[2]
			if half == genericHalf && m > 1000 {
				continue
			}
			for _, a := range []device.MatMul{{}, {TransB: true}, {TransB: true, Bias: true, ReLU: true}, {TransA: true}} {
				x, y, bias := rounded(noise(r, m*k)), rounded(noise(r, k*n)), noise(r, n)
				in := []val{floatsOf([]int{m, k}, x), floatsOf([]int{k, n}, y)}
				if a.TransA {
					in[0].shape = []int{k, m}
				}
				if a.Bias {
					in = append(in, floatsOf([]int{n}, bias))
				}
				var out [2]val
				for i, h := range []*halfKernels{half, nil} {
					d.half = h
					out[i] = floatsOf([]int{m, n}, make([]float32, m*n))
					if err := matMul(a, &call{dev: d, in: in, out: []val{out[i]}}); err != nil {
						t.Fatal(err)
					}
				}
				if e := apartBy(out[0].f, out[1].f); !(e < halfTol) {
					t.Errorf("%v %+v is %.3g apart", s, a, e)
				}
			}
			q := &d.isa.seq
			x, y, z := rounded(noise(r, m*k)), rounded(noise(r, k*n)), noise(r, m*n)
			var out [2][]float32
			for i, h := range []*halfKernels{half, nil} {
				d.half = h
				out[i] = append([]float32{}, z...)
				d.product(product{m: m, n: n, k: k, a: q.rowsOfMatrix(x, k), b: q.matrixRight(y, n, n), c: out[i], ldc: n, acc: k%2 == 0})
			}
			d.half = half
			if e := apartBy(out[0], out[1]); !(e < halfTol) {
				t.Errorf("product %v is %.3g apart", s, e)
			}
		}
	})
}

// TestHalfDecoder: loss, best words and derivatives of a decoder with its products in bfloat16 are those in single
// precision, but for the derivatives' rounding.
func TestHalfDecoder(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	halfDevices(t, func(t *testing.T, d *Device) {
		half := d.half
		a := device.Decoder{R: 7 * 31, E: 50, V: 701, Bias: true, Grad: true}
		h, w, bias, y := rounded(noise(r, a.R*a.E)), rounded(noise(r, a.V*a.E)), noise(r, a.V), make([]int64, a.R)
		for i := range y {
			y[i] = r.Int64N(int64(a.V))
		}
		var out [2][]float32
		for i, k := range []*halfKernels{half, nil} {
			d.half = k
			out[i] = make([]float32, a.Size())
			in := []val{floatsOf([]int{a.R, a.E}, h), floatsOf([]int{a.V, a.E}, w), {shape: []int{7, 31}, i: y}, floatsOf([]int{a.V}, bias)}
			if err := decoderXent(a, &call{dev: d, in: in, out: []val{floatsOf([]int{a.Size()}, out[i])}}); err != nil {
				t.Fatal(err)
			}
		}
		d.half = half
		if e := math.Abs(float64(out[0][0]/out[1][0] - 1)); !(e < halfTol) {
			t.Errorf("loss %v, want %v", out[0][0], out[1][0])
		}
		for _, p := range []struct {
			what     string
			from, n  int
			apartMax float64
		}{{"h", a.DH(), a.R * a.E, .1}, {"w", a.DW(), a.V * a.E, .2}, {"bias", a.DB(), a.V, halfTol}} {
			if e := apartBy(out[0][p.from:p.from+p.n], out[1][p.from:p.from+p.n]); !(e < p.apartMax) {
				t.Errorf("derivative of %s is %.3g apart", p.what, e)
			}
		}
	})
}

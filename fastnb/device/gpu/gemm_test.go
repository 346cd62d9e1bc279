package gpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/gputest"
	"github.com/fastnb/go/fastnb/tensor"
)

func open(t testing.TB, activations tensor.DType) *gpu.Device { return gputest.OpenCL(t, activations) }

// numbers are n numbers that kind can hold.
func numbers(r *rand.Rand, kind tensor.DType, n int) []float32 {
	t := tensor.New(tensor.Float32, n)
	for i := range t.Float32s() {
		t.Float32s()[i] = float32(r.NormFloat64())
	}
	return t.To(kind).To(tensor.Float32).Float32s()
}

// differs is how far got is from want beside the largest of want.
func differs(got []float32, want []float64) float64 {
	top, worst := 1e-6, 0.0
	for i, w := range want {
		top = max(top, math.Abs(w))
		if d := math.Abs(w - float64(got[i])); !(d <= worst) {
			worst = d
		}
	}
	return worst / top
}

// limits are how far results may be, by the kind they are stored in.
var limits = map[tensor.DType]float64{tensor.Float32: 2e-6, tensor.Float16: 1e-3, tensor.BFloat16: 8e-3}

func check(t *testing.T, d *gpu.Device, p gpu.ProductTest, limit float64, want []float64) {
	t.Helper()
	names, ways := p.Choices(d)
	for i, way := range ways {
		if d.Card().Driver == "cuda" && !strings.Contains(names[i], "sm") {
			continue // OpenCL's
		}
		got, err := p.Run(d, way)
		if err != nil {
			t.Fatal(names[i], ": ", err)
		}
		if off := differs(got, want); !(off <= limit) {
			t.Errorf("%s: differs by %.2g", names[i], off)
		}
	}
	if len(ways) == 0 {
		t.Error("nothing can do it")
	}
}

// onDouble gives a device over the CUDA driver and the library that executes PTX on the processor.
func onDouble(t testing.TB, activations tensor.DType) *gpu.Device {
	t.Helper()
	if testing.Short() {
		t.Skip("the double compiles each kernel when it first meets it")
	}
	return gputest.Double(t, activations)
}

// With FASTNB_GPU_TF32=1 tensor cores multiply float32 with 11 bits; without it they do not lose any.
func TestTF32(t *testing.T) {
	const m, n, k = 150, 72, 264
	r := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float32, m*k), make([]float32, n*k)
	for _, f := range [][]float32{a, b} {
		for i := range f {
			f[i] = r.Float32() - .5
		}
	}
	want := make([]float64, m*n)
	for i := range want {
		for j := range k {
			want[i] += float64(a[i/n*k+j]) * float64(b[i%n*k+j])
		}
	}
	for _, set := range []string{"", "1"} {
		t.Run("FASTNB_GPU_TF32="+set, func(t *testing.T) {
			t.Setenv("FASTNB_GPU_TF32", set)
			d := onDouble(t, tensor.Float32)
			p := gpu.GemmTest{M: m, N: n, K: k, TB: true}.Product(tensor.Float32, tensor.Float32, a, b, make([]float32, m*n), nil)
			names, ways := p.Choices(d)
			for i, way := range ways {
				if !strings.Contains(names[i], "sm80") {
					continue
				}
				got, err := p.Run(d, way)
				if err != nil {
					t.Fatal(names[i], ": ", err)
				}
				off := differs(got, want)
				if set == "" && !(off < 2e-6) || set != "" && !(off > 2e-5 && off < 2e-3) {
					t.Errorf("%s: differs by %.2g", names[i], off)
				}
			}
		})
	}
}

// All tiles give the products of convolutions, whole and in parts.
func TestConvProducts(t *testing.T) { convProducts(t, open) }

// So do tensor cores.
func TestConvProductsOnDouble(t *testing.T) { convProducts(t, onDouble) }

func convProducts(t *testing.T, open func(testing.TB, tensor.DType) *gpu.Device) {
	for _, kind := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
		d := open(t, kind)
		for _, v := range []gpu.ConvTest{
			{N: 2, H: 9, W: 7, C: 8, O: 24, KH: 3, KW: 3, Groups: 1, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, OH: 9, OW: 7},
			{N: 1, H: 12, W: 13, C: 72, O: 136, KH: 3, KW: 3, Groups: 1, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, OH: 12, OW: 13},
			{N: 2, H: 7, W: 9, C: 40, O: 72, KH: 3, KW: 3, Groups: 1, Stride: [2]int{2, 2}, Pad: [2]int{1, 1}, OH: 4, OW: 5},
			{N: 2, H: 6, W: 5, C: 24, O: 16, KH: 1, KW: 1, Groups: 1, Stride: [2]int{2, 2}, OH: 3, OW: 3},
			{N: 1, H: 10, W: 11, C: 5, O: 3, KH: 5, KW: 2, Groups: 1, Stride: [2]int{3, 1}, Pad: [2]int{2, 1}, OH: 4, OW: 12},
			{N: 1, H: 10, W: 11, C: 5, O: 3, KH: 5, KW: 2, Groups: 1, Stride: [2]int{3, 1}, Pad: [2]int{2, 1}, OH: 4, OW: 12, Widen: true},
			{N: 2, H: 7, W: 6, C: 19, O: 35, KH: 3, KW: 3, Groups: 1, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, OH: 7, OW: 6, Widen: true},
			{N: 2, H: 6, W: 7, C: 32, O: 64, KH: 3, KW: 3, Groups: 2, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, OH: 6, OW: 7},
			{N: 30, H: 2, W: 2, C: 64, O: 64, KH: 3, KW: 3, Groups: 1, Stride: [2]int{1, 1}, Pad: [2]int{1, 1}, OH: 2, OW: 2},
		} {
			r := rand.New(rand.NewPCG(1, 2))
			x, w := numbers(r, kind, v.N*v.H*v.W*v.C), numbers(r, kind, v.O*v.KH*v.KW*v.C/v.Groups)
			y := numbers(r, kind, v.N*v.OH*v.OW*v.O)
			wants := convWants(v, x, w, y)
			for i, p := range v.Products(kind, x, w, y) {
				t.Run(fmt.Sprintf("%v %+v %s", kind, v, []string{"forward", "dx", "dw"}[i]), func(t *testing.T) {
					limit := limits[kind]
					if i == 2 {
						limit = limits[tensor.Float32]
					}
					check(t, d, p, limit, wants[i])
				})
			}
		}
	}
}

// convWants is a convolution and its gradients by their definition.
func convWants(v gpu.ConvTest, x, w, dy []float32) [3][]float64 {
	out := [3][]float64{make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))}
	cg, og := v.C/v.Groups, v.O/v.Groups
	for p := range v.N * v.OH * v.OW {
		n, oy, ox := p/(v.OH*v.OW), p/v.OW%v.OH, p%v.OW
		for tap := range v.KH * v.KW {
			iy, ix := oy*v.Stride[0]+tap/v.KW-v.Pad[0], ox*v.Stride[1]+tap%v.KW-v.Pad[1]
			if iy < 0 || ix < 0 || iy >= v.H || ix >= v.W {
				continue
			}
			for o := range v.O {
				for c := range cg {
					xi, wi, yi := ((n*v.H+iy)*v.W+ix)*v.C+o/og*cg+c, (o*v.KH*v.KW+tap)*cg+c, p*v.O+o
					out[0][yi] += float64(x[xi]) * float64(w[wi])
					out[1][xi] += float64(dy[yi]) * float64(w[wi])
					out[2][wi] += float64(dy[yi]) * float64(x[xi])
				}
			}
		}
	}
	return out
}

// All tiles multiply matrices: transposed or not, scaled, with a bias, added, into wider rows, in batches.
func TestMatrixProducts(t *testing.T) { matrixProducts(t, open) }

// So do tensor cores.
func TestMatrixProductsOnDouble(t *testing.T) { matrixProducts(t, onDouble) }

func matrixProducts(t *testing.T, open func(testing.TB, tensor.DType) *gpu.Device) {
	for _, kind := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
		d := open(t, kind)
		for _, g := range []gpu.GemmTest{
			{M: 70, N: 136, K: 72, TB: true, Bias: true, ReLU: true},
			{M: 130, N: 40, K: 64, Alpha: 0.25},
			{M: 64, N: 72, K: 136, TA: true, Add: true},
			{M: 9, N: 7, K: 13, TA: true, TB: true, Bias: true},
			{M: 33, N: 41, K: 35, TB: true, Alpha: -2, Bias: true, Add: true},
			{M: 24, N: 32, K: 16, Batch: 3},
			{M: 24, N: 32, K: 16, Batch: 3, TB: true},
			{M: 17, N: 9, K: 20, Batch: 2, TA: true},
			{M: 40, N: 40, K: 80, TB: true, LDC: 56, OffA: 80, OffC: 112},
			{M: 51, N: 73, K: 37, TB: true, Widen: true},
			{M: 37, N: 51, K: 73, Bias: true, OffA: 5, Widen: true},
			{M: 51, N: 37, K: 73, TA: true, Add: true, Widen: true},
		} {
			for _, out := range []tensor.DType{kind, tensor.Float32} {
				if g.Add && out != tensor.Float32 {
					continue
				}
				t.Run(fmt.Sprintf("%v to %v %+v", kind, out, g), func(t *testing.T) { matrixProduct(t, d, kind, out, g) })
			}
		}
	}
}

func matrixProduct(t *testing.T, d *gpu.Device, kind, out tensor.DType, g gpu.GemmTest) {
	if g.Widen {
		defer gpu.WidenFrom(0)()
	}
	r := rand.New(rand.NewPCG(3, 4))
	batch, ldc := max(g.Batch, 1), max(g.LDC, g.N)
	a, b := numbers(r, kind, g.OffA+batch*g.M*g.K), numbers(r, kind, batch*g.K*g.N)
	c, bias := numbers(r, out, g.OffC+batch*g.M*ldc), numbers(r, tensor.Float32, g.N)
	want := make([]float64, len(c))
	for i, v := range c {
		want[i] = float64(v)
	}
	alpha := float64(g.Alpha)
	if alpha == 0 {
		alpha = 1
	}
	for z := range batch {
		for m := range g.M {
			for n := range g.N {
				s := 0.0
				for k := range g.K {
					ai, bi := m*g.K+k, k*g.N+n
					if g.TA {
						ai = k*g.M + m
					}
					if g.TB {
						bi = n*g.K + k
					}
					s += float64(a[g.OffA+z*g.M*g.K+ai]) * float64(b[z*g.K*g.N+bi])
				}
				s *= alpha
				if g.Bias {
					s += float64(bias[n])
				}
				if g.ReLU {
					s = max(s, 0)
				}
				at := g.OffC + z*g.M*g.N + m*ldc + n
				if g.Add {
					s += want[at]
				}
				want[at] = s
			}
		}
	}
	check(t, d, g.Product(kind, out, a, b, c, bias), limits[out], want)
}

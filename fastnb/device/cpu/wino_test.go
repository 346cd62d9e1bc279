package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fastnb/go/fastnb/device"
)

// winoCase is a convolution to test: x [n, h, w, c], weights [o, 3, 3, c].
type winoCase struct{ n, h, w, c, o, pad int }

var winoCases = []winoCase{
	{1, 4, 4, 8, 8, 1},
	{2, 8, 8, 16, 32, 1},
	{1, 7, 9, 19, 35, 1}, // ragged tiles, channels that fill no vector
	{3, 5, 3, 33, 17, 0},
	{2, 6, 10, 3, 7, 2},
	{1, 2, 2, 64, 48, 1}, // smaller than a tile
	{4, 4, 4, 130, 100, 1},
	{1, 3, 3, 1, 1, 1},
	{9, 12, 12, 20, 24, 1},
	{1, 9, 9, 70, 150, 1}, // several groups of channels
	{2, 70, 70, 5, 6, 1},  // more tiles than are brought to points at once
}

// winoTol is the largest difference allowed, relative to the largest value: tiles of 4x4 cost about two digits' half.
const winoTol = 2e-5

// direct is the convolution, and its gradients, from first principles and in double precision.
func (c winoCase) direct(f func(x, w, y int)) {
	oh, ow := c.h+2*c.pad-2, c.w+2*c.pad-2
	for n := range c.n {
		for y := range oh {
			for x := range ow {
				for t := range 9 {
					iy, ix := y+t/3-c.pad, x+t%3-c.pad
					if iy < 0 || iy >= c.h || ix < 0 || ix >= c.w {
						continue
					}
					for o := range c.o {
						for k := range c.c {
							f(((n*c.h+iy)*c.w+ix)*c.c+k, (o*9+t)*c.c+k, ((n*oh+y)*ow+x)*c.o+o)
						}
					}
				}
			}
		}
	}
}

func normal(rng *rand.Rand, n int) []float32 {
	f := make([]float32, n)
	for i := range f {
		f[i] = float32(rng.NormFloat64())
	}
	return f
}

// apart is the largest difference, relative to the largest value wanted.
func apart(got []float32, want []float64) float64 {
	most, top := 0.0, 0.0
	for i, v := range want {
		top = max(top, math.Abs(v))
		if d := math.Abs(float64(got[i]) - v); !(d <= most) {
			most = d
		}
	}
	return most / top
}

// TestWinograd: forward and both gradients agree with the definition on every instruction set, for both sizes of
// tiles, and by both orders of work.
func TestWinograd(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range winoCases {
		oh, ow := c.h+2*c.pad-2, c.w+2*c.pad-2
		x, w, dy := normal(rng, c.n*c.h*c.w*c.c), normal(rng, c.o*9*c.c), normal(rng, c.n*oh*ow*c.o)
		y, dx, dw := make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))
		c.direct(func(xi, wi, yi int) {
			y[yi] += float64(x[xi]) * float64(w[wi])
			dx[xi] += float64(dy[yi]) * float64(w[wi])
			dw[wi] += float64(dy[yi]) * float64(x[xi])
		})
		for _, isa := range available {
			for _, threads := range []int{1, 3} {
				d := New(threads)
				d.isa = isa
				for _, tr := range []*winoTransforms{&isa.wino.four, &isa.wino.two} {
					check := func(what string, got []float32, want []float64, finite bool) {
						if a := apart(got, want); !finite || !(a < winoTol) {
							t.Errorf("%+v %s threads %d F(%d) %s: apart %g, finite %v", c, isa.name, threads, tr.m, what, a, finite)
						}
					}
					got, gx, gw := make([]float32, len(y)), make([]float32, len(x)), make([]float32, len(w))
					z := d.newWino(tr, c.n, c.h, c.w, c.c, oh, ow, c.o, c.pad, c.pad)
					weights := winoWeights{w: w, o: c.o, c: c.c}
					none := d.plainFinish(max(c.o, c.c))
					check("forward", got, y, z.forward(x, weights, got, none))
					for i, run := range []func(x []float32, u winoWeights, y []float32, fin *finish, work []*winoWork){z.byTiles, z.byPanels} {
						clear(got)
						run(x, weights, got, none, z.works())
						check(fmt.Sprint("forward, order ", i), got, y, true)
					}
					back := d.newWino(tr, c.n, oh, ow, c.o, c.h, c.w, c.c, 2-c.pad, 2-c.pad)
					weights.turned = true
					check("by input", gx, dx, back.forward(dy, weights, gx, none))
					clear(gx)
					back.byPanels(dy, weights, gx, none, back.works())
					check("by input, by panels", gx, dx, true)
					check("by weights", gw, dw, z.weightGrad(x, dy, gw))
					for i, run := range []func(x, dy, dw []float32, work []*winoWork){z.gradByGroups, z.gradByPanels} {
						clear(gw)
						run(x, dy, gw, z.works())
						check(fmt.Sprint("by weights, order ", i), gw, dw, true)
					}
				}
			}
		}
	}
}

// TestWinogradFinish: scale, shift, what is added and floor, and what is not finite is noticed, even where the floor hides it.
func TestWinogradFinish(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	c := winoCase{2, 6, 7, 21, 19, 1}
	x, w, scale, shift := normal(rng, c.n*c.h*c.w*c.c), normal(rng, c.o*9*c.c), normal(rng, c.o+16), normal(rng, c.o+16)
	want := make([]float64, c.n*c.h*c.w*c.o)
	c.direct(func(xi, wi, yi int) { want[yi] += float64(x[xi]) * float64(w[wi]) })
	res := normal(rng, len(want))
	for i := range want {
		want[i] = max(want[i]*float64(scale[i%c.o])+float64(shift[i%c.o])+float64(res[i]), 0)
	}
	fin := &finish{scale: scale, shift: shift, res: res}
	for _, isa := range available {
		d := New(2)
		d.isa = isa
		for _, tr := range []*winoTransforms{&isa.wino.four, &isa.wino.two} {
			z := d.newWino(tr, c.n, c.h, c.w, c.c, c.h, c.w, c.o, 1, 1)
			got := make([]float32, len(want))
			if ok := z.forward(x, winoWeights{w: w, o: c.o, c: c.c}, got, fin); !ok || apart(got, want) > winoTol {
				t.Errorf("%s F(%d): apart %g, finite %v", isa.name, tr.m, apart(got, want), ok)
			}
			for _, v := range []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())} {
				for _, at := range []int{0, 17, len(x) / 2, len(x) - 1} {
					was := x[at]
					x[at] = v
					if z.forward(x, winoWeights{w: w, o: c.o, c: c.c}, got, fin) {
						t.Errorf("%s F(%d): %g at %d went by unnoticed", isa.name, tr.m, v, at)
					}
					x[at] = was
				}
			}
		}
	}
}

// BenchmarkWinograd is ResNet34's 3x3 convolutions beside the direct ones, both as multiplications of a direct one.
func BenchmarkWinograd(b *testing.B) {
	for _, c := range []winoCase{{16, 32, 32, 64, 64, 1}, {16, 16, 16, 128, 128, 1}, {16, 8, 8, 256, 256, 1}, {16, 4, 4, 512, 512, 1}, {16, 2, 2, 512, 512, 1}} {
		rng := rand.New(rand.NewPCG(3, 4))
		x, w, dy := normal(rng, c.n*c.h*c.w*c.c), normal(rng, c.o*9*c.c), normal(rng, c.n*c.h*c.w*c.o)
		y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
		for _, isa := range available[:len(available)-1] {
			d := New(0)
			d.isa = isa
			for _, tr := range []*winoTransforms{nil, &isa.wino.four, &isa.wino.two} {
				fin := d.plainFinish(c.o)
				weights := winoWeights{w: w, o: c.o, c: c.c}
				a := device.Conv{Stride: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}}
				xs, ws, ys := val{shape: []int{c.n, c.h, c.w, c.c}, f: x}, val{shape: []int{c.o, 3, 3, c.c}, f: w}, val{shape: []int{c.n, c.h, c.w, c.o}, f: dy}
				run := map[string]func(){
					"forward": func() { (&call{dev: d, in: []val{xs, ws}, out: []val{{shape: ys.shape, f: y}}}).directForward(a, fin) },
					"dx":      func() { _ = directDX(a, &call{dev: d, in: []val{ys, ws}, out: []val{{shape: xs.shape, f: dx}}}) },
					"dw":      func() { _ = directDW(a, &call{dev: d, in: []val{xs, ys}, out: []val{{shape: ws.shape, f: dw}}}) },
				}
				name := "direct"
				if tr != nil {
					name = fmt.Sprintf("F%d", tr.m)
					z := d.newWino(tr, c.n, c.h, c.w, c.c, c.h, c.w, c.o, 1, 1)
					back := d.newWino(tr, c.n, c.h, c.w, c.o, c.h, c.w, c.c, 1, 1)
					turned := weights
					turned.turned = true
					run = map[string]func(){
						"forward": func() { z.forward(x, weights, y, fin) },
						"dx":      func() { back.forward(dy, turned, dx, fin) },
						"dw":      func() { z.weightGrad(x, dy, dw) },
					}
				}
				for _, what := range []string{"forward", "dx", "dw"} {
					b.Run(fmt.Sprintf("%d-%d/%s/%s/%s", c.h, c.c, what, isa.name, name), func(b *testing.B) {
						used := processorTime()
						for b.Loop() {
							run[what]()
						}
						used = processorTime() - used
						b.ReportMetric(used.Seconds()/float64(b.N)*1e3, "cpu-ms/op")
						b.ReportMetric(2*9*float64(c.n*c.h*c.w*c.c*c.o)*float64(b.N)/used.Seconds()/1e9, "GFLOP/cpu-s")
					})
				}
			}
		}
	}
}

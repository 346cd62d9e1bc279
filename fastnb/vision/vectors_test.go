package vision

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fastnb/go/fastnb/data"
)

// near compares with the six digits the vectors are written with.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1.5e-6) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Vectors computed by hand from the definitions (fastai/vision/transform.py).
func TestWarpVector(t *testing.T) {
	o, err := symmetricWarpSpec.build([]float64{.1, -.05, .2, 0}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := o.(coordOp).homography(1, 1)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{.909091, .013158, .074397, .012261, .975610, .091896, .067634, .089655} {
		near(t, "coefficient", m[k], want)
	}
	x, y := m.apply(.5, -.25)
	near(t, "x", x, .519726)
	near(t, "y", y, -.144231)
	inv, err := m.inverse()
	if err != nil {
		t.Fatal(err)
	}
	x, y = inv.apply(x, y)
	near(t, "x back", x, .5)
	near(t, "y back", y, -.25)
}

func TestAffineVector(t *testing.T) {
	m := rotation(10).affine().mul(zoom{1.1, .25, .75}.affine())
	for k, want := range []float64{.895280, -.157862, .052657, .157862, .895280, -.036871} {
		near(t, "matrix", m[k], want)
	}
	x, y := m.aspect(120, 160).apply(.5, -.25)
	near(t, "x", x, .529896)
	near(t, "y", y, -.155450)
}

func TestLightVector(t *testing.T) {
	for _, c := range []struct{ v, change, contrast, want float64 }{{.5, .6, 1, .6}, {.2, .55, 1.2, .194231}, {.9, .45, .9, .857771}} {
		p := &planes{c: 1, h: 1, w: 1, f: []float32{float32(c.v)}}
		cv := newCanvas(p, false, data.TransformArgs{})
		for _, s := range []struct {
			sp *spec
			v  float64
		}{{brightnessSpec, c.change}, {contrastSpec, c.contrast}} {
			o, err := s.sp.build([]float64{s.v}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := cv.do(o); err != nil {
				t.Fatal(err)
			}
		}
		cv.flush()
		near(t, "pixel", float64(cv.px.f[0]), c.want)
		near(t, "exact", relight(c.v, c.contrast, math.Log(c.change/(1-c.change))*c.contrast), c.want)
	}
}

func TestReflectionVector(t *testing.T) {
	p := &positions{s: &sampler{pad: data.PadReflection}, w: 4, h: 4}
	for in, want := range map[float64]float64{-.5: .5, -1.3: 1.3, 3.4: 2.6, 4.2: 1.8, 6.5: .5, -7: 1, 2: 2} {
		near(t, "reflected", p.inside(in, 4), want)
	}
}

// spot is a 5x5 picture with one bright pixel.
func spot(r, c int) *Image {
	f := make([]float32, 75)
	for ch := range 3 {
		f[25*ch+5*r+c] = 1
	}
	return &Image{px: &planes{c: 3, h: 5, w: 5, f: f}}
}

func lands(t *testing.T, x *Image, a data.TransformArgs, tf ...Transform) [2]int {
	t.Helper()
	list, err := drawAll(tf, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	y, err := x.transformed(list, a)
	if err != nil {
		t.Fatal(err)
	}
	best := 0
	f := y.(*Image).Tensor().Float32s()
	for k := range 25 {
		if f[k] > f[best] {
			best = k
		}
	}
	return [2]int{best / 5, best % 5}
}

func TestDihedralVectors(t *testing.T) {
	want := [8][2]int{{0, 1}, {4, 1}, {0, 3}, {4, 3}, {1, 0}, {1, 4}, {3, 0}, {3, 4}}
	for k := range 8 {
		tf := newTransform(dihedralSpec, nil, Fixed(float64(k)))
		if got := lands(t, spot(0, 1), data.TransformArgs{}, tf); got != want[k] {
			t.Errorf("k %d: (0, 1) lands at %v, want %v", k, got, want[k])
		}
	}
}

func TestSpotVectors(t *testing.T) {
	for _, c := range []struct {
		name    string
		nearest bool
		t       Transform
		want    [2]int
	}{
		{"rotate 90", false, Rotate(Fixed(90)), [2]int{1, 3}},
		{"rotate -90", false, Rotate(Fixed(-90)), [2]int{3, 1}},
		{"flip", false, FlipLR(), [2]int{3, 1}},
		{"flip affine", false, FlipAffine(), [2]int{3, 1}},
		{"zoom 2", true, Zoom(Fixed(2)), [2]int{4, 4}},
		{"squish .5", true, Squish(Fixed(.5)), [2]int{3, 4}},
		{"squish 2", true, Squish(Fixed(2)), [2]int{4, 3}},
	} {
		if got := lands(t, spot(3, 3), data.TransformArgs{Nearest: c.nearest}, c.t); got != c.want {
			t.Errorf("%s: (3, 3) lands at %v, want %v", c.name, got, c.want)
		}
	}
}

// TestLightTable: the table of larger pictures agrees with the exact curve everywhere.
func TestLightTable(t *testing.T) {
	for _, c := range [][2]float64{{1, .4}, {.5, -1}, {2, 1}, {.9, 0}, {1.1, -.2}, {1, 0}, {4, 0}} {
		src := make([]float32, 20001)
		for k := range src {
			src[k] = float32(k) / 20000
		}
		dst := make([]float32, len(src))
		lightFloats(dst, src, float32(c[0]), float32(c[1]))
		for k, v := range src {
			if want := relight(float64(v), c[0], c[1]); math.Abs(float64(dst[k])-want) > 2e-5 {
				t.Fatalf("scale %v, shift %v: %v becomes %v, not %v", c[0], c[1], v, dst[k], want)
			}
		}
	}
}

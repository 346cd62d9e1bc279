package vision

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/fastnb/go/fastnb/data"
)

// Tolerances of the reference values, see testdata/README.md.
const (
	tolImage  = 2e-4
	tolPoints = 1e-5
	tolMask   = .005 // part of the pixels: ties of nearest pixels fall either way
)

// array is a tensor of the reference file as float64.
type array struct {
	shape []int
	v     []float64
}

func (a array) bytes() []uint8 {
	out := make([]uint8, len(a.v))
	for k, v := range a.v {
		out[k] = uint8(v)
	}
	return out
}

func (a array) floats() []float32 {
	out := make([]float32, len(a.v))
	for k, v := range a.v {
		out[k] = float32(v)
	}
	return out
}

// goldenCase is one case of vision.json.
type goldenCase struct {
	Name string
	Src  string
	Call struct {
		Size         any
		ResizeMethod string `json:"resize_method"`
		PaddingMode  string `json:"padding_mode"`
		Mode         string
		Mult         int
	}
	Tfms []struct {
		Name   string
		DoRun  *bool `json:"do_run"`
		Params map[string]any
	}
	Errors map[string]string
	Mats   map[string][][]float64
	Coeffs []float64
}

func goldens(t testing.TB) ([]goldenCase, map[string]array) {
	t.Helper()
	js, err := os.ReadFile("testdata/vision.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	if err := json.Unmarshal(js, &cases); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("testdata/vision.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b)
	var head map[string]struct {
		DType string
		Shape []int
		Data  [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(b[8:8+n], &head); err != nil {
		t.Fatal(err)
	}
	out := map[string]array{}
	for name, h := range head {
		a := array{shape: h.Shape}
		for raw := b[8+int(n)+h.Data[0] : 8+int(n)+h.Data[1]]; len(raw) > 0; {
			switch h.DType {
			case "F32":
				a.v, raw = append(a.v, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw)))), raw[4:]
			case "U16":
				a.v, raw = append(a.v, float64(binary.LittleEndian.Uint16(raw))/65535), raw[2:]
			case "U8":
				a.v, raw = append(a.v, float64(raw[0])), raw[1:]
			default:
				t.Fatalf("%s: dtype %s", name, h.DType)
			}
		}
		out[name] = a
	}
	return cases, out
}

// args are the arguments of a case's call.
func (c goldenCase) args(t testing.TB) data.TransformArgs {
	t.Helper()
	a := data.TransformArgs{RemoveOut: true, Nearest: c.Call.Mode == "nearest"}
	method := c.Call.ResizeMethod
	round := func(v float64) int {
		if m := float64(c.Call.Mult); m > 0 {
			return int(v/m+.5) * c.Call.Mult
		}
		return int(v)
	}
	switch s := c.Call.Size.(type) {
	case float64:
		a.Height, a.Width = round(s), round(s)
		if method == "" {
			method = "1"
		}
	case []any:
		a.Height, a.Width = round(s[0].(float64)), round(s[1].(float64))
		if method == "" {
			method = "3"
		}
	default:
		method = "1"
	}
	a.Method = map[string]data.Resize{"1": data.ResizeCrop, "2": data.ResizePad, "3": data.ResizeSquish, "4": data.ResizeNo}[method]
	a.Padding = map[string]data.Padding{"": data.PadReflection, "reflection": data.PadReflection, "border": data.PadBorder, "zeros": data.PadZeros}[c.Call.PaddingMode]
	return a
}

// numbers flattens a JSON value.
func numbers(v any) []float64 {
	switch v := v.(type) {
	case float64:
		return []float64{v}
	case bool:
		if v {
			return []float64{1}
		}
		return []float64{0}
	case []any:
		var out []float64
		for _, x := range v {
			out = append(out, numbers(x)...)
		}
		return out
	}
	return nil
}

// drawn are a case's transforms with its values.
func (c goldenCase) drawn(t testing.TB, arrays map[string]array) []Drawn {
	t.Helper()
	var out []Drawn
	for _, f := range c.Tfms {
		s := specs[f.Name]
		if s == nil {
			t.Fatalf("there is no transform %s", f.Name)
		}
		d := Drawn{spec: s, run: f.DoRun == nil || *f.DoRun}
		for _, p := range s.params {
			v := numbers(f.Params[p.name])
			if mode, ok := f.Params[p.name].(string); ok {
				v = []float64{map[string]float64{"reflection": 0, "border": 1, "zeros": 2}[mode]}
			}
			switch n := max(p.count, 1); {
			case v == nil && f.Name == "crop":
				v = numbers(f.Params["size"])[map[string]int{"height": 0, "width": 1}[p.name]:][:1]
			case v == nil:
				v = []float64{p.def.Lo}
			case f.Name == "zoom_squish" && n > 1:
				for len(v) < n { // tries that never fit
					v = append(v, map[string]float64{"scale": 1, "squish": 9}[p.name])
				}
			case len(v) == 1 && n > 1: // one magnitude for all
				for range n - 1 {
					v = append(v, v[0])
				}
			}
			d.values = append(d.values, v...)
		}
		var err error
		if d.op, err = s.build(d.values, rand.New(rand.NewPCG(1, 2))); err != nil {
			t.Fatal(err)
		}
		switch f.Name { // those that draw more than their values
		case "jitter":
			d.op = fixedNoise(arrays["jitter_0.05/noise"].v)
		case "cutout":
			o := cutout{length: d.values[1]}
			c := numbers(f.Params["centres_yx"])
			for k := 0; k < len(c); k += 2 {
				o.centres = append(o.centres, [2]float64{(c[k] + .5) / 32, (c[k+1] + .5) / 48})
			}
			d.op = o
		case "rgb_randomize":
			d.op = fixedPlane{arrays["rgb_randomize/plane"].v, f.Params["factor"].(float64)}
		}
		out = append(out, d)
	}
	return out
}

// fixedNoise is jitter by .05 with given noise.
type fixedNoise []float64

func (o fixedNoise) move(grid []float64, _, _ int) {
	for k := range grid {
		grid[k] += (o[k] - .5) * 2 * .05
	}
}

// fixedPlane is rgb_randomize of red with given noise.
type fixedPlane struct {
	v      []float64
	factor float64
}

func (o fixedPlane) pixels(c *canvas) error {
	for k, v := range o.v {
		c.px.f[k] = float32(v * o.factor)
	}
	return nil
}
func (fixedPlane) points(*pointSet) error { return nil }

func maxDiff(got []float32, want []float64) (worst float64, at int) {
	for k, w := range want {
		if d := math.Abs(float64(got[k]) - w); !(d <= worst) {
			worst, at = d, k
		}
	}
	return worst, at
}

func TestGoldenImages(t *testing.T) {
	cases, arrays := goldens(t)
	for _, c := range cases {
		want, ok := arrays[c.Name+"/image"]
		if !ok || len(c.Tfms) == 0 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			in := arrays["in/image"]
			if c.Src == "big" {
				in = arrays["in/big"]
			}
			x := &Image{px: &planes{c: 3, h: in.shape[1], w: in.shape[2], f: in.floats()}}
			got, err := x.transformed(c.drawn(t, arrays), c.args(t))
			if err != nil {
				t.Fatal(err)
			}
			g := got.(*Image)
			if fmt.Sprint(g.Shape()) != fmt.Sprint(want.shape) {
				t.Fatalf("shape %v, want %v", g.Shape(), want.shape)
			}
			if c.Call.Mode == "nearest" {
				if n := differing(g.Tensor().Float32s(), want.v); n > tolMask {
					t.Errorf("%.3g of the pixels differ", n)
				}
				return
			}
			if d, at := maxDiff(g.Tensor().Float32s(), want.v); d > tolImage {
				t.Errorf("pixel %d: %v, want %v", at, g.Tensor().Float32s()[at], want.v[at])
			}
		})
	}
}

// differing is the part of values that differ by more than the tolerance.
func differing(got []float32, want []float64) float64 {
	n := 0
	for k, w := range want {
		if math.Abs(float64(got[k])-w) > tolImage {
			n++
		}
	}
	return float64(n) / float64(len(want))
}

// TestGoldenMatrices holds matrices and warp coefficients to fastai's, before the aspect correction.
func TestGoldenMatrices(t *testing.T) {
	cases, _ := goldens(t)
	ours := map[string]matrix{
		"rotate_30": rotation(30).affine(), "zoom": zoom{1.4, .3, .8}.affine(),
		"squish_lo": squish{.75, .2, .9}.affine(), "squish_hi": squish{1.3, .2, .9}.affine(),
	}
	for _, c := range cases {
		if c.Name != "matrices" {
			continue
		}
		for name, rows := range c.Mats {
			for k, m := range ours[name] {
				if want := rows[k/3][k%3]; math.Abs(m-want) > 1e-6 {
					t.Errorf("%s[%d] = %v, want %v", name, k, m, want)
				}
			}
		}
		m, err := homography(warp{{-1.05, -.9}, {-1.15, .9}, {1.05, -1.2}, {1.15, 1.2}}, corners)
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range c.Coeffs {
			if math.Abs(m[k]-want) > 1e-5 {
				t.Errorf("coefficient %d = %v, want %v", k, m[k], want)
			}
		}
	}
}

func TestGoldenMasks(t *testing.T) {
	cases, arrays := goldens(t)
	for _, c := range cases {
		want, ok := arrays[c.Name+"/mask"]
		if !ok {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			in := arrays["in/mask"]
			if c.Src == "big" {
				in = arrays["in/bigmask"]
			}
			x := &Mask{px: &planes{c: 1, h: in.shape[1], w: in.shape[2], u: in.bytes()}}
			got, err := x.transformed(c.drawn(t, arrays), c.args(t))
			if err != nil {
				t.Fatal(err)
			}
			g := got.(*Mask)
			if fmt.Sprint(g.Shape()) != fmt.Sprint(want.shape) {
				t.Fatalf("shape %v, want %v", g.Shape(), want.shape)
			}
			n := 0
			for k, v := range g.Tensor().Int64s() {
				if v != int64(want.v[k]) {
					n++
				}
			}
			tol := tolMask
			if c.Name == "tilt_0" || c.Name == "tilt_1" {
				tol = 1. / 47 // a whole column is read exactly between two pixels, where float32 noise decides
			}
			if part := float64(n) / float64(len(want.v)); part > tol {
				t.Errorf("%.3g of the pixels differ", part)
			}
		})
	}
}

func TestGoldenPoints(t *testing.T) {
	cases, arrays := goldens(t)
	for _, c := range cases {
		for _, form := range []string{"points", "points_keep"} {
			want, ok := arrays[c.Name+"/"+form]
			if _, fails := c.Errors[form]; !ok && !fails {
				continue
			}
			t.Run(c.Name+"/"+form, func(t *testing.T) {
				in, x := arrays["in/points"], &Image{px: &planes{c: 3, h: 32, w: 48}}
				if c.Src == "big" {
					in, x = arrays["in/bigpoints"], &Image{px: &planes{c: 3, h: 96, w: 144}}
				}
				var p Points
				for k := 0; k < len(in.v); k += 2 {
					p = append(p, Point{in.v[k], in.v[k+1]})
				}
				a := c.args(t)
				a.RemoveOut = form == "points"
				y, err := p.onto(x)
				if err == nil {
					y, err = y.(*ImagePoints).transformed(c.drawn(t, arrays), a)
				}
				if !ok {
					if err == nil {
						t.Error("no error")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				got := y.Tensor().Float32s()
				if len(got) != len(want.v) {
					t.Fatalf("%d numbers, want %d", len(got), len(want.v))
				}
				if d, at := maxDiff(got, want.v); d > tolPoints {
					t.Errorf("number %d: %v, want %v", at, got[at], want.v[at])
				}
			})
		}
	}
}

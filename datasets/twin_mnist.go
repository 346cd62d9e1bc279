package datasets

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
)

func init() {
	twins["mnist_tiny"] = generator{items: 1400, h: 28, w: 28, fixed: true, draw: drawMNIST}
}

const mnistSeed = 1998

// digits are the classes of the set, as lines of places from 0 to 1 that curves go through.
var digits = []struct {
	name string
	pen  []pt
}{
	{"3", []pt{{.3, .2}, {.5, .1}, {.7, .22}, {.66, .4}, {.46, .48}, {.7, .58}, {.74, .76}, {.52, .9}, {.28, .8}}},
	{"7", []pt{{.24, .16}, {.5, .15}, {.76, .14}, {.66, .4}, {.54, .65}, {.46, .9}}},
}

// mnistPlace is where digit i lies below the set's folder: every second pair is for validation.
func mnistPlace(i int) string {
	part := "train"
	if i/2%2 == 1 {
		part = "valid"
	}
	return filepath.Join(part, digits[i%2].name, fmt.Sprintf("%d.png", i))
}

// drawMNIST draws train/ and valid/ with a folder for each digit, test/ without, and labels.csv.
func drawMNIST(ctx context.Context, dir string, o order) error {
	for _, d := range []string{"train/3", "train/7", "valid/3", "valid/7", "test"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(d)), 0o777); err != nil {
			return err
		}
	}
	bar := newCount("drawing digits", o.n)
	defer bar.done()
	err := inParallel(ctx, o.have, o.n, func(i int) error {
		defer bar.add(1)
		return os.WriteFile(filepath.Join(dir, mnistPlace(i)), digitPNG(newCanvas(28, mnistSeed, uint64(i)), i%2), 0o666)
	})
	if err != nil {
		return err
	}
	tests := func(n int) int { return max(6, n/70) }
	from := 0
	if o.have > 0 {
		from = tests(o.have)
	}
	err = inParallel(ctx, from, tests(o.n), func(i int) error {
		c := newCanvas(28, mnistSeed, 1<<32+uint64(i))
		return os.WriteFile(filepath.Join(dir, "test", fmt.Sprintf("%d.png", i)), digitPNG(c, c.rng.IntN(2)), 0o666)
	})
	if err != nil {
		return err
	}
	var table strings.Builder
	table.WriteString("name,label\n")
	for i := range o.n {
		fmt.Fprintf(&table, "%s,%s\n", filepath.ToSlash(mnistPlace(i)), digits[i%2].name)
	}
	return writeFile(filepath.Join(dir, "labels.csv"), []byte(table.String()))
}

// digitPNG writes a digit by a shaking hand: its places are moved, then the whole is slanted and turned.
func digitPNG(c *canvas, digit int) []byte {
	slant, turn, size := c.between(-.3, .3), c.between(-.2, .2), c.between(.62, .85)
	sin, cos := math.Sincos(turn)
	var xs, ys []float64
	for _, q := range digits[digit].pen {
		x, y := q.x-.5+c.rng.NormFloat64()*.035, q.y-.5+c.rng.NormFloat64()*.035
		x -= slant * y
		xs = append(xs, 14+28*size*(x*cos-y*sin))
		ys = append(ys, 14+28*size*(x*sin+y*cos))
	}
	xs, ys = curveThrough(xs, ys)
	if digit == 1 && c.chance(.15) { // a bar through the stem
		n := len(xs)
		bx, by := xs[n*2/3], ys[n*2/3]
		for t := -3.; t <= 3; t += .2 {
			xs, ys = append(xs, bx+t), append(ys, by+.2*t)
		}
	}
	ink := c.stroke(xs, ys, c.between(.7, 1.5))
	g := image.NewGray(image.Rect(0, 0, 28, 28))
	for i, v := range ink {
		g.Pix[i] = uint8(255 * v)
	}
	var b bytes.Buffer
	_ = png.Encode(&b, g) // a picture of this kind in memory cannot fail
	return b.Bytes()
}

// curveThrough is a smooth line through the places (a Catmull-Rom spline), in steps below half a pixel.
func curveThrough(xs, ys []float64) (cx, cy []float64) {
	n := len(xs)
	at := func(v []float64, i int) float64 { return v[min(max(i, 0), n-1)] }
	spline := func(v []float64, i int, t float64) float64 {
		a, b, c, d := at(v, i-1), at(v, i), at(v, i+1), at(v, i+2)
		return .5 * (2*b + (c-a)*t + (2*a-5*b+4*c-d)*t*t + (3*b-a-3*c+d)*t*t*t)
	}
	const steps = 24
	for i := range n - 1 {
		for k := range steps {
			t := float64(k) / steps
			cx, cy = append(cx, spline(xs, i, t)), append(cy, spline(ys, i, t))
		}
	}
	return append(cx, xs[n-1]), append(cy, ys[n-1])
}

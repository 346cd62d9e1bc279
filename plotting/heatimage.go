package plotting

import (
	"image"
	"image/color"
	"math"
)

// heatStops are colours at equal steps from the least to the greatest: black over violet and orange to a
// light yellow, ever brighter, so that the order shows without colour too.
var heatStops = []color.NRGBA{
	{0, 0, 4, 255},
	{28, 16, 68, 255},
	{79, 18, 123, 255},
	{129, 37, 129, 255},
	{181, 54, 122, 255},
	{229, 80, 100, 255},
	{251, 135, 97, 255},
	{254, 194, 135, 255},
	{252, 253, 191, 255},
}

// HeatImage is a picture of a field of numbers [row][column], a pixel each, of one opacity in [0, 1]: to be
// laid over another picture as a Tile's smooth Overlay. Numbers that are none are clear.
func HeatImage(z [][]float64, alpha float64) image.Image {
	cols := 0
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, row := range z {
		cols = max(cols, len(row))
		for _, v := range row {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	m := image.NewNRGBA(image.Rect(0, 0, cols, len(z)))
	for r, row := range z {
		for c, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			t := 0.0
			if hi > lo {
				t = (v - lo) / (hi - lo)
			}
			k := heatColour(t)
			k.A = uint8(math.Round(255 * min(max(alpha, 0), 1)))
			m.SetNRGBA(c, r, k)
		}
	}
	return m
}

// heatColour is the colour at t in [0, 1].
func heatColour(t float64) color.NRGBA {
	at := t * float64(len(heatStops)-1)
	k := min(int(at), len(heatStops)-2)
	a, b, f := heatStops[k], heatStops[k+1], at-float64(k)
	mix := func(x, y uint8) uint8 { return uint8(math.Round(float64(x) + f*(float64(y)-float64(x)))) }
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

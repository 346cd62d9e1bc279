package plotting

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"
	"unicode/utf8"

	xfont "golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
)

// palette is the order of series colours: distinct in print and on dark and light ground
// (Tableau's ten, matplotlib's default).
var palette = []string{
	"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd",
	"#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
}

var (
	ink   = color.RGBA{0x22, 0x22, 0x22, 0xff}
	faint = color.RGBA{0xe4, 0xe4, 0xe4, 0xff}
	paper = color.RGBA{0xff, 0xff, 0xff, 0xff}
)

// hexColor reads "#rrggbb"; anything else is def.
func hexColor(s string, def color.RGBA) color.RGBA {
	c := color.RGBA{A: 0xff}
	if n, err := fmt.Sscanf(s, "#%02x%02x%02x", &c.R, &c.G, &c.B); err != nil || n != 3 {
		return def
	}
	return c
}

// colorOf is the colour of the k-th series.
func colorOf(s Series, k int) string {
	if s.Color != "" {
		return s.Color
	}
	return palette[k%len(palette)]
}

// maxPixels limits the drawn size of pictures: they are committed with notebooks.
const maxPixels = 0.8e6

// density is how many drawn pixels stand for a nominal one: 2 for small figures, at least 1.
func density(w, h int) float64 {
	return min(2, max(1, math.Sqrt(maxPixels/float64(max(1, w*h)))))
}

// maxSide is the largest figure side in nominal pixels.
const maxSide = 6000

// pixels is a figure size of inches in nominal pixels, at least 16 and at most maxSide.
func pixels(w, h float64) (int, int) {
	lim := func(x float64) int { return int(min(maxSide, max(16, math.Round(x*dpi)))) }
	return lim(w), lim(h)
}

// face is the sans-serif font at size pixels.
func face(size float64) xfont.Face {
	f := plot.DefaultFont
	f.Variant = "Sans"
	fc := font.DefaultCache.Lookup(f, font.Length(size))
	return fc.FontFace(dpi)
}

// textWidth is the width of s in pixels.
func textWidth(f xfont.Face, s string) int { return xfont.MeasureString(f, s).Ceil() }

// drawText writes s with its baseline starting at (x, y).
func drawText(dst *image.RGBA, f xfont.Face, s string, x, y int, c color.Color) {
	d := xfont.Drawer{Dst: dst, Src: image.NewUniform(c), Face: f, Dot: fixed.P(x, y)}
	d.DrawString(s)
}

// wrap breaks s at blanks and after semicolons into at most maxLines lines of at most width pixels;
// what does not fit ends in an ellipsis. Line breaks in s are kept.
func wrap(f xfont.Face, s string, width, maxLines int) []string {
	var lines []string
	for _, para := range strings.Split(s, "\n") {
		cur := ""
		for _, word := range words(para) {
			if cur != "" && textWidth(f, strings.TrimRight(cur+word, " ")) > width {
				lines = append(lines, strings.TrimRight(cur, " "))
				cur = ""
			}
			cur += word
		}
		lines = append(lines, strings.TrimRight(cur, " "))
	}
	if len(lines) > maxLines {
		lines = lines[:maxLines]
		lines[maxLines-1] += "…"
	}
	for i, l := range lines {
		for textWidth(f, l) > width && utf8.RuneCountInString(l) > 2 {
			r := []rune(strings.TrimSuffix(l, "…"))
			l = string(r[:len(r)-1]) + "…"
		}
		lines[i] = l
	}
	return lines
}

// words cuts s after each blank or semicolon, keeping them.
func words(s string) []string {
	var out []string
	start := 0
	for i, r := range s {
		if r == ' ' || r == ';' {
			out = append(out, s[start:i+1])
			start = i + 1
		}
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// textImage is s on a transparent ground of height h.
func textImage(f xfont.Face, s string, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, textWidth(f, s)+2, h))
	drawText(m, f, s, 1, h*3/4, ink)
	return m
}

// turned is m turned left by a quarter, to be read from the right.
func turned(m *image.RGBA) *image.RGBA {
	b := m.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dy(), b.Dx()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.SetRGBA(y, b.Dx()-1-x, m.RGBAAt(x, y))
		}
	}
	return out
}

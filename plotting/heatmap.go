package plotting

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
)

// HeatmapOpts says what a heat map shows.
type HeatmapOpts struct {
	Title          string
	XLabel, YLabel string
	X, Y           []string    // names of columns and rows
	Z              [][]float64 // [row][column]; row 0 is drawn at the top
	Format         string      // fmt verb of the number in each field; default "%.0f"; "-" for none
	W, H           float64     // inches; default grows with the number of fields
}

func (o *HeatmapOpts) defaults() {
	if o.Format == "" {
		o.Format = "%.0f"
	}
	if o.W <= 0 {
		o.W = min(12, 3+.55*float64(len(o.X)))
	}
	if o.H <= 0 {
		o.H = min(12, 2.2+.5*float64(len(o.Y)))
	}
}

// Heatmap draws a table of numbers as fields from white (the least) to blue (the greatest), such as a
// confusion matrix. Rows and names that do not fit each other are an error, reported by the figure's
// Err.
func Heatmap(o HeatmapOpts) *Figure {
	if len(o.Z) == 0 || len(o.Z) != len(o.Y) {
		return failed(fmt.Errorf("fastnb: heat map: %d rows of numbers, %d names of rows", len(o.Z), len(o.Y)))
	}
	for r, row := range o.Z {
		if len(row) != len(o.X) || len(row) == 0 {
			return failed(fmt.Errorf("fastnb: heat map: row %d (%s): %d numbers, %d names of columns", r, o.Y[r], len(row), len(o.X)))
		}
	}
	o.defaults()
	w, h := pixels(o.W, o.H)
	d := heatDrawer{HeatmapOpts: o, scale: density(w, h)}
	d.lo, d.hi = d.span()
	d.dst = image.NewRGBA(image.Rect(0, 0, int(float64(w)*d.scale), int(float64(h)*d.scale)))
	draw.Draw(d.dst, d.dst.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	d.draw()
	return &Figure{img: d.dst, w: w, h: h, opt: heatOption(o, d.lo, d.hi), text: tableText(o.X, d.numbers(), o.Y, nil)}
}

type heatDrawer struct {
	HeatmapOpts
	dst    *image.RGBA
	scale  float64
	lo, hi float64
}

func (d *heatDrawer) px(x float64) int { return int(math.Round(x * d.scale)) }

func (d *heatDrawer) span() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, row := range d.Z {
		for _, z := range row {
			if !math.IsNaN(z) && !math.IsInf(z, 0) {
				lo, hi = min(lo, z), max(hi, z)
			}
		}
	}
	if lo > hi {
		return 0, 1
	}
	return lo, hi
}

// numbers are the fields as text.
func (d *heatDrawer) numbers() [][]string {
	format := d.Format
	if format == "-" {
		format = "%.3g"
	}
	out := make([][]string, len(d.Z))
	for r, row := range d.Z {
		for _, z := range row {
			out[r] = append(out[r], fmt.Sprintf(format, z))
		}
	}
	return out
}

// shade is the colour of z (t in [0,1]) and that of the number upon it.
func (d *heatDrawer) shade(z float64) (ground, number color.RGBA) {
	if math.IsNaN(z) || math.IsInf(z, 0) {
		return faint, ink
	}
	t := 0.0
	if d.hi > d.lo {
		t = (z - d.lo) / (d.hi - d.lo)
	}
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + t*(float64(b)-float64(a)))) }
	ground = color.RGBA{mix(heatLow.R, heatHigh.R), mix(heatLow.G, heatHigh.G), mix(heatLow.B, heatHigh.B), 0xff}
	if t > .5 {
		return ground, paper
	}
	return ground, ink
}

var (
	heatLow  = color.RGBA{0xf3, 0xf7, 0xfc, 0xff}
	heatHigh = color.RGBA{0x08, 0x45, 0x8f, 0xff}
)

func (d *heatDrawer) draw() {
	small, label := face(10*d.scale), face(11*d.scale)
	line := d.px(14)
	left, top, bottom := d.px(8), d.px(10), d.px(10)
	if d.YLabel != "" {
		left += line + d.px(4)
	}
	widest := min(widestOf(small, d.Y), d.dst.Bounds().Dx()/3)
	left += widest + d.px(6)
	if d.Title != "" {
		f := face(13 * d.scale)
		top += line
		drawText(d.dst, f, d.Title, (d.dst.Bounds().Dx()-textWidth(f, d.Title))/2, top, ink)
		top += d.px(8)
	}
	if d.XLabel != "" {
		bottom += line + d.px(4)
	}
	cw := (d.dst.Bounds().Dx() - left - d.px(12)) / len(d.X)
	longest := widestOf(small, d.X)
	upright := longest > cw-d.px(4) // names that do not fit side by side are turned
	longest = min(longest, d.dst.Bounds().Dy()/3)
	if upright {
		bottom += longest + d.px(8)
	} else {
		bottom += line + d.px(4)
	}
	ch := (d.dst.Bounds().Dy() - top - bottom) / len(d.Y)
	if cw < 1 || ch < 1 {
		return
	}
	d.fields(left, top, cw, ch)
	for r, n := range d.Y {
		n = wrap(small, n, widest+1, 1)[0]
		drawText(d.dst, small, n, left-d.px(6)-textWidth(small, n), top+r*ch+ch/2+d.px(3.5), ink)
	}
	foot := top + len(d.Y)*ch
	for c, n := range d.X {
		n = wrap(small, n, max(longest+1, cw), 1)[0]
		mid := left + c*cw + cw/2
		if upright {
			t := turned(textImage(small, n, line))
			d.paste(t, image.Pt(mid-t.Bounds().Dx()/2, foot+d.px(6)))
		} else {
			drawText(d.dst, small, n, mid-textWidth(small, n)/2, foot+line, ink)
		}
	}
	if d.XLabel != "" {
		drawText(d.dst, label, d.XLabel, left+(len(d.X)*cw-textWidth(label, d.XLabel))/2, d.dst.Bounds().Dy()-d.px(8), ink)
	}
	if d.YLabel != "" {
		t := turned(textImage(label, d.YLabel, d.px(15)))
		d.paste(t, image.Pt(d.px(6), top+(len(d.Y)*ch-t.Bounds().Dy())/2))
	}
}

// paste lays a picture with transparency on the chart.
func (d *heatDrawer) paste(m *image.RGBA, at image.Point) {
	draw.Draw(d.dst, m.Bounds().Add(at), m, image.Point{}, draw.Over)
}

// widestOf is the width of the longest name in pixels.
func widestOf(f font.Face, names []string) (w int) {
	for _, n := range names {
		w = max(w, textWidth(f, n))
	}
	return w
}

// fields draws the coloured table with its numbers, where they fit.
func (d *heatDrawer) fields(left, top, cw, ch int) {
	num := face(min(10*d.scale, float64(ch)*.6))
	texts := d.numbers()
	for r, row := range d.Z {
		for c, z := range row {
			box := image.Rect(left+c*cw, top+r*ch, left+(c+1)*cw, top+(r+1)*ch)
			ground, ink := d.shade(z)
			draw.Draw(d.dst, box, image.NewUniform(ground), image.Point{}, draw.Src)
			s := texts[r][c]
			if w := textWidth(num, s); d.Format != "-" && w <= cw && ch >= d.px(8) {
				drawText(d.dst, num, s, box.Min.X+(cw-w)/2, box.Min.Y+ch/2+d.px(3.5), ink)
			}
		}
	}
}

// heatOption is the interactive form of a heat map.
func heatOption(o HeatmapOpts, lo, hi float64) string {
	var data [][3]any
	for r, row := range o.Z {
		for c, z := range row {
			data = append(data, [3]any{c, len(o.Y) - 1 - r, round6(z)})
		}
	}
	names := make([]string, len(o.Y))
	for r, n := range o.Y {
		names[len(names)-1-r] = n
	}
	rotate, gapY := 0, 0
	room := (o.W*dpi - 120) / float64(len(o.X))
	for _, n := range o.X {
		if 6.5*float64(len(n)) > room { // names that do not fit side by side are turned
			rotate = 45
		}
	}
	for _, n := range o.Y {
		gapY = max(gapY, min(158, 24+6*len(n)))
	}
	number := jsFormat(o.Format)
	if number == "" {
		number = "function(z){return +z.toPrecision(3);}"
	}
	axis := func(name string, values []string, gap, rotate int) map[string]any {
		return map[string]any{
			"type": "category", "data": values, "name": name, "nameLocation": "middle", "nameGap": gap,
			"axisLabel": map[string]any{"interval": 0, "rotate": rotate}, "axisTick": map[string]any{"show": false},
		}
	}
	opt := map[string]any{
		"animation": false,
		"tooltip":   map[string]any{"confine": true},
		"grid":      map[string]any{"left": 36, "right": 24, "top": 40, "bottom": 40, "containLabel": true},
		"xAxis":     axis(o.XLabel, o.X, 34+rotate/2, rotate), "yAxis": axis(o.YLabel, names, gapY, 0),
		"visualMap": map[string]any{"show": false, "min": lo, "max": hi, "inRange": map[string]any{"color": []string{hexOf(heatLow), hexOf(heatHigh)}}},
		"series": []any{map[string]any{"type": "heatmap", "data": data, "label": map[string]any{
			"show":      o.Format != "-" && len(o.X) <= 20,
			"formatter": fn("function(p){return (" + number + ")(p.value[2]);}"),
		}}},
	}
	if o.Title != "" {
		opt["title"] = map[string]any{"text": o.Title, "left": "center", "textStyle": map[string]any{"fontSize": 14}}
	}
	return scriptOption(opt)
}

func hexOf(c color.RGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

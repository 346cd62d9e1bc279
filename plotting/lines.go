package plotting

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Series is one curve or set of points of a line chart.
type Series struct {
	Name   string    // shown in the legend; a chart whose series have no names has no legend
	X, Y   []float64 // same length; points with a NaN or infinity are left out
	Points bool      // markers without a line
	Color  string    // "#rrggbb"; default the next of the palette
}

// LineOpts says what a line chart shows.
type LineOpts struct {
	Title          string
	XLabel, YLabel string
	LogX           bool    // logarithmic x axis; points with x <= 0 are left out
	XTick          string  // fmt verb of the x axis' numbers; default "%.0e" with LogX (1e-06), else plain
	W, H           float64 // inches; default 6 x 4
	Series         []Series
	Pick           string // what a click on the interactive chart writes below it, {} being the place on the x axis
}

func (o *LineOpts) defaults() {
	if o.W <= 0 {
		o.W = 6
	}
	if o.H <= 0 {
		o.H = 4
	}
	if o.XTick == "" && o.LogX {
		o.XTick = "%.0e"
	}
}

// Lines draws curves over common axes. A series whose X and Y differ in length is an error, reported
// by the figure's Err.
func Lines(o LineOpts) *Figure {
	o.defaults()
	for _, s := range o.Series {
		if len(s.X) != len(s.Y) {
			return failed(fmt.Errorf("fastnb: line chart: series %q: %d x values, %d y values", s.Name, len(s.X), len(s.Y)))
		}
	}
	p := newPlot(o.Title, o.XLabel, o.YLabel)
	empty := true
	for k, s := range o.Series {
		pts := finite(s, o.LogX)
		if len(pts) == 0 {
			continue
		}
		empty = false
		thumb, err := addSeries(p, s, pts, hexColor(colorOf(s, k), ink))
		if err != nil {
			return failed(fmt.Errorf("fastnb: line chart: series %q: %w", s.Name, err))
		}
		if s.Name != "" {
			p.Legend.Add(s.Name, thumb)
		}
	}
	if empty {
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	}
	scaleX(p, o, empty)
	placeLegend(p, o)
	w, h := pixels(o.W, o.H)
	f := &Figure{img: paint(p, w, h), w: w, h: h, opt: linesOption(o), text: linesText(o)}
	if o.Pick != "" {
		f.after = pickScript(o.Pick)
	}
	return f
}

// Axes cannot show what lies beyond: sums of such numbers overflow, logarithms lose their digits.
const (
	maxNumber = 1e300
	minLogX   = 1e-290
)

// finite are the points of s that can be drawn.
func finite(s Series, logX bool) plotter.XYs {
	var pts plotter.XYs
	for i, x := range s.X {
		y := s.Y[i]
		if math.IsNaN(x+y) || math.IsInf(x, 0) || math.IsInf(y, 0) || logX && x < minLogX || math.Abs(x) > maxNumber || math.Abs(y) > maxNumber {
			continue
		}
		pts = append(pts, plotter.XY{X: x, Y: y})
	}
	return pts
}

func addSeries(p *plot.Plot, s Series, pts plotter.XYs, c color.Color) (plot.Thumbnailer, error) {
	if s.Points || len(pts) == 1 {
		sc, err := plotter.NewScatter(pts)
		if err != nil {
			return nil, err
		}
		sc.GlyphStyle = draw.GlyphStyle{Color: c, Radius: vg.Points(3), Shape: draw.CircleGlyph{}}
		p.Add(sc)
		return sc, nil
	}
	l, err := plotter.NewLine(pts)
	if err != nil {
		return nil, err
	}
	l.Color = c
	l.Width = vg.Points(1.5)
	p.Add(l)
	return l, nil
}

// newPlot is an empty chart in our style: light grid, thin axes, sans-serif text.
func newPlot(title, xLabel, yLabel string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = paper
	sans := func(f *font.Font, size float64) { f.Variant = "Sans"; f.Size = vg.Points(size) }
	p.Title.Text = title
	p.Title.Padding = vg.Points(6)
	sans(&p.Title.TextStyle.Font, 12)
	p.Title.TextStyle.Font.Weight = xfont.WeightBold // as ECharts has it
	sans(&p.Legend.TextStyle.Font, 10)
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(3)
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(-6), vg.Points(-6)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle.Width = vg.Points(.6)
		a.Tick.LineStyle.Width = vg.Points(.6)
		a.Tick.Length = vg.Points(4)
		a.Padding = vg.Points(4)
		a.Label.Padding = vg.Points(3)
		sans(&a.Label.TextStyle.Font, 11)
		sans(&a.Tick.Label.Font, 9)
		a.Color, a.Label.TextStyle.Color, a.Tick.Label.Color, a.Tick.LineStyle.Color = ink, ink, ink, ink
	}
	p.X.Label.Text, p.Y.Label.Text = xLabel, yLabel
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = faint, faint
	grid.Horizontal.Width, grid.Vertical.Width = vg.Points(.6), vg.Points(.6)
	p.Add(grid)
	return p
}

// scaleX sets the x axis' scale and numbers, and a margin around the data.
func scaleX(p *plot.Plot, o LineOpts, empty bool) {
	margin := func(lo, hi *float64) {
		d := (*hi - *lo) * .03
		if d == 0 {
			d = max(math.Abs(*lo)*.05, 1e-9)
		}
		*lo, *hi = *lo-d, *hi+d
	}
	margin(&p.Y.Min, &p.Y.Max)
	p.Y.Tick.Marker = ticker("", yParts)
	if o.LogX && !empty {
		a, b := math.Log10(p.X.Min), math.Log10(p.X.Max)
		margin(&a, &b)
		const lim = 300 // decades a float64 has, and some room
		p.X.Min, p.X.Max = math.Pow(10, max(a, -lim)), math.Pow(10, min(b, lim))
		p.X.Scale = plot.LogScale{}
		p.X.Tick.Marker = plot.TickerFunc(func(lo, hi float64) []plot.Tick { return logTicks(lo, hi, o.XTick) })
		return
	}
	margin(&p.X.Min, &p.X.Max)
	p.X.Tick.Marker = ticker(o.XTick, xParts)
}

// placeLegend moves the legend to the corner with the fewest points.
func placeLegend(p *plot.Plot, o LineOpts) {
	var inCorner [4]int
	for _, s := range o.Series {
		pts := finite(s, o.LogX)
		for i, pt := range pts {
			near := pts[max(0, i-1)] // a long stroke crosses corners without a point in them
			for _, t := range []float64{0, .25, .5, .75} {
				k, in := corner(p.X.Norm(pt.X)*(1-t)+p.X.Norm(near.X)*t, p.Y.Norm(pt.Y)*(1-t)+p.Y.Norm(near.Y)*t)
				if in {
					inCorner[k]++
				}
			}
		}
	}
	best := 0
	for k, n := range inCorner {
		if n < inCorner[best] {
			best = k
		}
	}
	p.Legend.Left, p.Legend.Top = best&1 != 0, best&2 == 0
	if p.Legend.Left {
		p.Legend.XOffs = -p.Legend.XOffs
	}
	if !p.Legend.Top {
		p.Legend.YOffs = -p.Legend.YOffs
	}
}

// corner is the corner of the chart next to a place in [0,1] x [0,1] (bit 0: left, bit 1: bottom), and
// whether a legend there would cover it.
func corner(x, y float64) (k int, in bool) {
	const wide, high = .35, .25
	if x < .5 {
		k, x = 1, 1-x
	}
	if y < .5 {
		k, y = k+2, 1-y
	}
	return k, x > 1-wide && y > 1-high
}

// paint draws p as a picture of w x h nominal pixels.
func paint(p *plot.Plot, w, h int) image.Image {
	c := vgimg.NewWith(
		vgimg.UseWH(vg.Points(float64(w)), vg.Points(float64(h))),
		vgimg.UseDPI(int(math.Round(dpi*density(w, h)))),
		vgimg.UseBackgroundColor(paper))
	dc := draw.New(c)
	p.Draw(draw.Crop(dc, vg.Points(4), -vg.Points(8), vg.Points(4), -vg.Points(6)))
	return c.Image()
}

// linesText tells the chart in a line: axes, series, their number of points and last values.
func linesText(o LineOpts) string {
	var parts []string
	for _, s := range o.Series {
		name := s.Name
		if name == "" {
			name = "values"
		}
		t := fmt.Sprintf("%s (%d)", name, len(s.Y))
		if n := len(s.Y); n > 0 {
			t += fmt.Sprintf(" %.6g … %.6g", s.Y[0], s.Y[n-1])
		}
		parts = append(parts, t)
	}
	head := o.Title
	if head == "" {
		head = strings.Trim(o.YLabel+" over "+o.XLabel, " ")
	}
	if head == "over" {
		head = "chart"
	}
	return "Figure: " + head + ": " + strings.Join(parts, "; ")
}

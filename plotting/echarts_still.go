package plotting

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
)

// chartOpts is what our own drawing can show of a go-echarts chart.
type chartOpts struct {
	LineOpts
	bars []bool // which series are bars
}

// readChart reads the option of a line, scatter or bar chart, with the names of the x axis' categories.
func readChart(opt map[string]any) (o chartOpts, categories []string, ok bool) {
	x := firstAxis(opt["xAxis"])
	o.Title = chartTitle(opt)
	o.XLabel, _ = x["name"].(string)
	o.YLabel, _ = firstAxis(opt["yAxis"])["name"].(string)
	o.LogX = x["type"] == "log"
	names, _ := x["data"].([]any)
	for _, n := range names {
		s, _ := n.(string)
		categories = append(categories, s)
	}
	list, _ := opt["series"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		kind, _ := m["type"].(string)
		switch kind {
		case "line", "scatter", "effectScatter", "bar":
		default:
			return o, nil, false
		}
		s := Series{Points: kind != "line"}
		s.Name, _ = m["name"].(string)
		data, _ := m["data"].([]any)
		for i, d := range data {
			if px, py, ok := point(d, i); ok {
				s.X, s.Y = append(s.X, px), append(s.Y, py)
			}
		}
		o.Series = append(o.Series, s)
		o.bars = append(o.bars, kind == "bar")
	}
	o.defaults()
	return o, categories, len(o.Series) > 0
}

// still draws the static picture. Series that it cannot draw are left out and told.
func still(o chartOpts, categories []string, w, h int) (image.Image, error) {
	p := newPlot(o.Title, o.XLabel, o.YLabel)
	nBars, k, empty := 0, 0, true
	var missing []error
	for _, b := range o.bars {
		if b {
			nBars++
		}
	}
	for i, s := range o.Series {
		pts := finite(s, o.LogX)
		if len(pts) == 0 {
			continue
		}
		c := hexColor(colorOf(s, i), ink)
		var thumb plot.Thumbnailer
		var err error
		if o.bars[i] {
			width := .8 / float64(nBars)
			var bars *plotter.Polygon
			if bars, err = barPolygon(pts, -.4+width*float64(k), width*.92, c); err == nil {
				p.Add(bars)
				thumb = bars
			}
			k++
		} else {
			thumb, err = addSeries(p, s, pts, c)
		}
		if err != nil {
			missing = append(missing, fmt.Errorf("series %q is not in the picture: %w", s.Name, err)) // the interactive chart shows it all the same
			continue
		}
		empty = false
		if s.Name != "" {
			p.Legend.Add(s.Name, thumb)
		}
	}
	if empty {
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	}
	scaleX(p, o.LineOpts, empty)
	if len(categories) > 0 {
		p.X.Min, p.X.Max = min(p.X.Min, -.5), max(p.X.Max, float64(len(categories))-.5)
		p.X.Tick.Marker = categoryTicks(categories, w)
	}
	placeLegend(p, o.LineOpts)
	return paint(p, w, h), errors.Join(missing...)
}

// categoryTicks names as many categories as there is room for.
func categoryTicks(names []string, w int) plot.Ticker {
	longest := 1
	for _, n := range names {
		longest = max(longest, len(n))
	}
	every := max(1, int(math.Ceil(float64(len(names)*(longest*6+8))/float64(w))))
	var ticks plot.ConstantTicks
	for i, n := range names {
		if i%every == 0 {
			ticks = append(ticks, plot.Tick{Value: float64(i), Label: n})
		}
	}
	return ticks
}

// barPolygon is bars from zero, each from its place plus from, as one shape.
func barPolygon(pts plotter.XYs, from, width float64, c color.Color) (*plotter.Polygon, error) {
	bars := make([]plotter.XYer, len(pts))
	for i, p := range pts {
		l, r := p.X+from, p.X+from+width
		bars[i] = plotter.XYs{{X: l}, {X: l, Y: p.Y}, {X: r, Y: p.Y}, {X: r}}
	}
	poly, err := plotter.NewPolygon(bars...)
	if err != nil {
		return nil, err
	}
	poly.Color, poly.LineStyle.Width = c, 0
	return poly, nil
}

// firstAxis is the first axis of a list, or the axis itself.
func firstAxis(v any) map[string]any {
	if l, ok := v.([]any); ok && len(l) > 0 {
		v = l[0]
	}
	m, _ := v.(map[string]any)
	return m
}

// point reads a datum: a number (at place i), a pair, or an object with a value of these.
func point(d any, i int) (x, y float64, ok bool) {
	switch v := d.(type) {
	case float64:
		return float64(i), v, true
	case []any:
		if len(v) < 2 {
			return 0, 0, false
		}
		y, okY := v[1].(float64)
		x, okX := v[0].(float64)
		if !okX {
			x = float64(i)
		}
		return x, y, okY
	case map[string]any:
		return point(v["value"], i)
	}
	return 0, 0, false
}

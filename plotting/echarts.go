package plotting

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-echarts/go-echarts/v2/opts"
	"github.com/go-echarts/go-echarts/v2/render"
)

// goChart is what go-echarts' charts have in common; its pages of several charts lack Type.
type goChart interface {
	Validate()
	Type() string
	JSON() map[string]any
	RenderSnippet() render.ChartSnippet
}

// FromEcharts is the figure of a chart made with go-echarts, and whether v is one. It shows in the
// cell like our own charts. The static picture is drawn for line and scatter charts; other kinds are
// interactive only. Ask this before any other way of showing a value: each go-echarts chart also has
// a JSON method, and would show as its options.
func FromEcharts(v any) (*Figure, bool) {
	c, ok := v.(goChart)
	if !ok {
		return nil, false
	}
	return fromChart(c), true
}

func fromChart(c goChart) (f *Figure) {
	defer func() { // go-echarts panics on charts it cannot render
		if r := recover(); r != nil {
			f = failed(fmt.Errorf("fastnb: go-echarts chart: %T: %v", c, r))
		}
	}()
	c.Validate()
	snippet := c.RenderSnippet()
	f = &Figure{opt: jsOption(snippet.Option)}
	f.w, f.h = chartSize(snippet.Element)
	if a, ok := c.(interface{ GetAssets() opts.Assets }); ok {
		for _, lib := range a.GetAssets().JSAssets.Values {
			if !strings.HasSuffix(lib, "/"+opts.EchartsJS) {
				f.libs = append(f.libs, lib)
			}
		}
	}
	plain := plainJSON(c.JSON())
	f.text = "Figure: " + c.Type() + " chart " + chartTitle(plain)
	if o, ok := plainLines(plain); ok {
		o.W, o.H = float64(f.w)/dpi, float64(f.h)/dpi
		if still := Lines(o); still.err == nil {
			f.img, f.text = still.img, still.text
		}
	}
	return f
}

// jsOption makes go-echarts' option text fit a function's return: without its semicolon, and unable
// to end the script element.
func jsOption(s string) string {
	return strings.ReplaceAll(strings.TrimRight(strings.TrimSpace(s), ";"), "</", `<\/`)
}

// plainJSON turns go-echarts' option structs into maps, lists and numbers.
func plainJSON(opt map[string]any) map[string]any {
	var out map[string]any
	if t, err := json.Marshal(opt); err == nil {
		_ = json.Unmarshal(t, &out)
	}
	return out
}

// chartSize reads the canvas size in pixels from the chart's element; what is not given in pixels
// gets go-echarts' default of 900 x 500.
func chartSize(element string) (w, h int) {
	read := func(key string, def int) int {
		_, after, _ := strings.Cut(element, key)
		t, _, ok := strings.Cut(after, "px")
		n, err := strconv.Atoi(strings.TrimSpace(t))
		if !ok || err != nil || n < 50 || n > maxSide {
			return def
		}
		return n
	}
	return read("width:", 900), read("height:", 500)
}

// chartTitle is the title's text of an option.
func chartTitle(opt map[string]any) string {
	t, _ := opt["title"].(map[string]any)
	s, _ := t["text"].(string)
	return s
}

// plainLines reads the option of a line or scatter chart as far as our own line chart can draw it.
func plainLines(opt map[string]any) (LineOpts, bool) {
	o := LineOpts{Title: chartTitle(opt)}
	x := firstAxis(opt["xAxis"])
	o.XLabel, _ = x["name"].(string)
	o.YLabel, _ = firstAxis(opt["yAxis"])["name"].(string)
	o.LogX = x["type"] == "log"
	list, _ := opt["series"].([]any)
	for _, one := range list {
		m, _ := one.(map[string]any)
		kind, _ := m["type"].(string)
		if kind != "line" && kind != "scatter" && kind != "effectScatter" {
			return o, false
		}
		s := Series{Points: kind != "line"}
		s.Name, _ = m["name"].(string)
		data, _ := m["data"].([]any)
		for i, d := range data {
			px, py, ok := point(d, i)
			if !ok {
				continue
			}
			s.X, s.Y = append(s.X, px), append(s.Y, py)
		}
		o.Series = append(o.Series, s)
	}
	return o, len(o.Series) > 0
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

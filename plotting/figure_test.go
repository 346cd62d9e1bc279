package plotting

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// flat is a picture of one colour.
func flat(w, h int, c color.Color) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, c)
		}
	}
	return m
}

// decode reads a figure's PNG.
func decode(t testing.TB, f *Figure) image.Image {
	t.Helper()
	if f.Err() != nil {
		t.Fatal(f.Err())
	}
	m, err := png.Decode(bytes.NewReader(f.PNG()))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// count is how many pixels have colour c.
func count(m image.Image, c color.RGBA) (n int) {
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.RGBAModel.Convert(m.At(x, y)) == c {
				n++
			}
		}
	}
	return n
}

func TestGridDrawsTilesInPlace(t *testing.T) {
	red, blue := color.RGBA{200, 0, 0, 255}, color.RGBA{0, 0, 200, 255}
	f := Grid([]Tile{{Image: flat(20, 20, red), Title: "a;b"}, {Image: flat(40, 10, blue)}}, GridOpts{Rows: 1, Cols: 2, W: 4, H: 2})
	m := decode(t, f)
	if got, want := m.Bounds().Size(), image.Pt(576, 288); got != want { // 4x2 inches of 72, density 2
		t.Fatalf("size %v, want %v", got, want)
	}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(m.At(x, y)).(color.RGBA) }
	if at(144, 160) != red || at(432, 160) != blue {
		t.Errorf("centres of the tiles: %v, %v", at(144, 160), at(432, 160))
	}
	if at(432, 60) != paper { // the wide tile keeps its proportions
		t.Errorf("above the wide tile: %v", at(432, 60))
	}
	if n, want := count(m, blue), 272*68; math.Abs(float64(n-want)) > 300 {
		t.Errorf("wide tile covers %d pixels, want about %d", n, want)
	}
	r := f.Render()
	if r.Data["text/html"] != nil || r.Data["image/png"] == nil || !strings.Contains(r.Data["text/plain"].(string), "2 pictures") {
		t.Errorf("bundle: %v", r.Data["text/plain"])
	}
	if w := r.Metadata["image/png"].(mimeMap)["width"]; w != 288 {
		t.Errorf("shown width %v, want 288", w)
	}
}

func TestGridOverlayAndDots(t *testing.T) {
	mask := image.NewRGBA(image.Rect(0, 0, 2, 1))
	mask.SetRGBA(0, 0, color.RGBA{0, 255, 0, 255})
	f := Grid([]Tile{{Image: flat(100, 100, color.Black), Overlay: mask, Dots: [][2]float64{{75, 50}, {-20, 4}, {math.NaN(), 1}}}}, GridOpts{W: 2, H: 2})
	m := decode(t, f)
	green, red := color.RGBA{0, 255, 0, 255}, color.RGBA{0xd6, 0x27, 0x28, 0xff}
	b := m.Bounds()
	if got := color.RGBAModel.Convert(m.At(b.Dx()/4, b.Dy()/2)); got != green {
		t.Errorf("under the mask: %v", got)
	}
	if n := count(m, red); n < 80 || n > 250 { // one disc of radius 7
		t.Errorf("%d dot pixels", n)
	}
}

func TestGridErrors(t *testing.T) {
	for name, tile := range map[string]Tile{"none": {}, "empty": {Image: image.NewRGBA(image.Rect(0, 0, 0, 4))}} {
		if err := Grid([]Tile{tile}, GridOpts{}).Err(); err == nil || !strings.Contains(err.Error(), "tile 0") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f := Grid(nil, GridOpts{}); f.Err() != nil || f.PNG() == nil {
		t.Error("an empty grid is an empty picture", f.Err())
	}
	if f := Grid(nil, GridOpts{W: 1e9, H: math.Inf(1)}); f.Err() != nil {
		t.Error(f.Err())
	}
}

func TestWrap(t *testing.T) {
	f := face(11)
	lines := wrap(f, "agriculture;clear;cultivation;primary", 120, 3)
	if len(lines) != 2 || lines[0] != "agriculture;clear;" {
		t.Errorf("%q", lines)
	}
	for _, l := range wrap(f, strings.Repeat("x", 400)+" y z\nw", 50, 2) {
		if textWidth(f, l) > 50 {
			t.Errorf("%q is wider than 50", l)
		}
	}
}

var curve = LineOpts{
	XLabel: "Learning Rate", YLabel: "Loss", LogX: true,
	Series: []Series{{X: []float64{1e-6, 1e-4, 1e-2, 0, math.NaN()}, Y: []float64{.8, .7, .9, 1, 2}}},
}

func TestLinesForms(t *testing.T) {
	defer SetStatic(false)
	SetStatic(false)
	f := Lines(curve)
	m := decode(t, f)
	if got, want := m.Bounds().Size(), image.Pt(864, 576); got != want {
		t.Errorf("size %v, want %v", got, want)
	}
	if n := count(m, hexColor(palette[0], ink)); n < 300 {
		t.Errorf("the curve covers %d pixels", n)
	}
	first := f.Render().Data["text/html"].(string)
	second := f.Render().Data["text/html"].(string)
	for k, h := range []string{first, second} {
		if !strings.Contains(h, `<img width="432" height="288"`) || !strings.Contains(h, "data:image/png;base64,") {
			t.Errorf("render %d lacks the picture", k)
		}
		if !strings.Contains(h, "__fastnb_echarts") || !strings.Contains(h, `[1e-06,0.8]`) && !strings.Contains(h, `[0.000001,0.8]`) {
			t.Errorf("render %d lacks the chart", k)
		}
	}
	if len(first) > 100_000 || len(second) > 100_000 {
		t.Errorf("the library is in an output: %d and %d bytes", len(first), len(second))
	}
	if src := Script(); src != nil && (!strings.Contains(ScriptElement(), "window.__fastnb_echarts=module.exports") || strings.Contains(string(src), "</script")) {
		t.Error("the library's element")
	}
	if h, ok := LiveLines(curve); !ok || strings.Contains(h, "<img") || !strings.Contains(h, "__fastnb_echarts") {
		t.Error("the live form is the chart without its picture")
	}
	SetStatic(true)
	if b := f.Render(); b.Data["text/html"] != nil || b.Data["image/png"] == nil {
		t.Error("a static chart is its picture, once")
	}
	if h := f.Picture().Render().Data["text/html"]; h != nil {
		t.Error("Picture has no HTML form")
	}
}

func TestLinesEdges(t *testing.T) {
	cases := map[string]LineOpts{
		"no series":   {},
		"no points":   {LogX: true, Series: []Series{{X: []float64{-1}, Y: []float64{1}}}},
		"one point":   {LogX: true, Series: []Series{{X: []float64{1e-3}, Y: []float64{1}}}},
		"flat":        {Series: []Series{{Name: "<b>", X: []float64{0, 1}, Y: []float64{3, 3}}}},
		"huge":        {Series: []Series{{X: []float64{0, 1}, Y: []float64{-1e300, 1e300}}}},
		"tiny x":      {Series: []Series{{X: []float64{1e-300, 2e-300}, Y: []float64{1, 2}}}},
		"wide decade": {LogX: true, Series: []Series{{X: []float64{1e-300, 1e300}, Y: []float64{1, 2}}}},
		"infinite":    {Series: []Series{{X: []float64{0, 1, 2}, Y: []float64{1, math.Inf(1), 2}}}},
	}
	for name, o := range cases {
		t.Run(name, func(t *testing.T) { decode(t, Lines(o)) })
	}
	if err := Lines(LineOpts{Series: []Series{{Name: "s", X: []float64{1}}}}).Err(); err == nil || !strings.Contains(err.Error(), `"s": 1 x values, 0 y values`) {
		t.Error(err)
	}
}

func TestLogTicks(t *testing.T) {
	var labels []string
	for _, k := range logTicks(6.3e-7, .9, "%.0e") {
		if k.Label != "" {
			labels = append(labels, k.Label)
		}
	}
	if got := strings.Join(labels, " "); got != "1e-06 1e-05 1e-04 1e-03 1e-02 1e-01" {
		t.Error(got)
	}
}

func TestHeatmap(t *testing.T) {
	o := HeatmapOpts{X: []string{"a", "b"}, Y: []string{"a", "b"}, Z: [][]float64{{9, 1}, {math.NaN(), 5}}}
	f := Heatmap(o)
	m := decode(t, f)
	if count(m, heatHigh) == 0 || count(m, heatLow) == 0 {
		t.Error("the greatest and the least field are not there")
	}
	if !strings.Contains(f.String(), "9") {
		t.Error(f.String())
	}
	o.Y = o.Y[:1]
	if Heatmap(o).Err() == nil {
		t.Error("rows without names must be an error")
	}
}

func TestTable(t *testing.T) {
	f := HTMLTable([]string{"image_name", "tags"}, [][]string{{"train_0", "<haze>"}, {"train_10"}}, "0", "1")
	h := f.Render().Data["text/html"].(string)
	if !strings.Contains(h, `class="dataframe"`) || !strings.Contains(h, ">&lt;haze&gt;</td>") || !strings.Contains(h, "<th>1</th>") {
		t.Error(h)
	}
	const want = "   image_name  tags\n0  train_0     <haze>\n1  train_10"
	if f.String() != want {
		t.Errorf("%q", f.String())
	}
}

// Texts stand on the left and numbers on the right; the text form is never wider than 50 characters a column.
func TestTableLooks(t *testing.T) {
	long := strings.Repeat("word ", 200)
	f := HTMLTable([]string{"n", "text"}, [][]string{{"1", "short"}, {"...", long}, {"1,200", "two\nlines"}})
	lines := strings.Split(f.String(), "\n")
	want := []string{"    n  text", "    1  short", "  ...  " + long[:47] + "...", "1,200  two\\nlines"}
	if !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
	h := f.Render().Data["text/html"].(string)
	for _, part := range []string{"<td>1,200</td>", `<td style="text-align: left;">short</td>`, `<th style="text-align: left;">text</th>`, long} {
		if !strings.Contains(h, part) {
			t.Errorf("no %q in %s", part, h)
		}
	}
}

func TestFromEcharts(t *testing.T) {
	for _, v := range []any{nil, 3, "x", (*charts.Line)(nil), Figure{}} {
		if _, ok := FromEcharts(v); ok {
			t.Errorf("%T is no go-echarts chart", v)
		}
	}
	line := charts.NewLine()
	line.SetGlobalOptions(charts.WithTitleOpts(opts.Title{Title: "a </script> b"}),
		charts.WithYAxisOpts(opts.YAxis{AxisLabel: &opts.AxisLabel{Formatter: opts.FuncOpts(`function(v){return v+"\n";}`)}}))
	line.SetXAxis([]string{"p", "q"}).AddSeries("s", []opts.LineData{{Value: 1}, {Value: 2.5}})
	f, ok := FromEcharts(line)
	if !ok {
		t.Fatal("a line chart is one")
	}
	decode(t, f)
	h := f.Render().Data["text/html"].(string)
	opt := h[strings.LastIndex(h, "<script>"):]
	if !strings.Contains(opt, `function(v){return v+"\n";}`) || strings.Contains(opt, "__f__") {
		t.Error("the formatter is not a function")
	}
	if strings.Count(h, "</script>") != strings.Count(h, "<script>") {
		t.Error("the title ends the script")
	}
	bar := charts.NewBar()
	bar.SetXAxis([]string{"p", "q"}).AddSeries("s", []opts.BarData{{Value: 1}, {Value: -2}}).AddSeries("t", []opts.BarData{{Value: 2}, {Value: 2}})
	f, ok = FromEcharts(bar)
	if !ok {
		t.Fatal("a bar chart is one")
	}
	m := decode(t, f)
	if a, b := count(m, hexColor(palette[0], ink)), count(m, hexColor(palette[1], ink)); a < 9000 || b < a {
		t.Errorf("bars cover %d and %d pixels", a, b)
	}
	pie := charts.NewPie()
	pie.AddSeries("s", []opts.PieData{{Name: "p", Value: 1}})
	if f, ok := FromEcharts(pie); !ok || f.Err() != nil || f.PNG() != nil || !strings.Contains(f.Render().Data["text/html"].(string), "pie chart") {
		t.Error("a pie chart is interactive only")
	}
	if out := os.Getenv("FASTNB_TEST_PICTURES"); out != "" {
		if err := os.WriteFile(filepath.Join(out, "bar.png"), f.PNG(), 0o666); err != nil {
			t.Error(err)
		}
	}
}

// TestPhotosAreJPEG keeps large grids of photographs as JPEG, and what is small or flat as PNG.
func TestPhotosAreJPEG(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 160, 160))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(i*i*31>>7) | 1
		if i%4 == 3 {
			noise.Pix[i] = 255
		}
	}
	grid := func(m image.Image, inches float64) *Figure {
		return Grid([]Tile{{Image: m, Title: "a title"}}, GridOpts{W: inches, H: inches})
	}
	f := grid(noise, 5)
	r := f.Render()
	file, ok := r.Data["image/jpeg"].([]byte)
	if !ok || r.Data["image/png"] != nil || len(file)*2 > len(f.PNG()) {
		t.Fatalf("a photograph of %d bytes as PNG: %d as JPEG", len(f.PNG()), len(file))
	}
	m, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil || m.Bounds() != f.Image().Bounds() {
		t.Errorf("%v, %v", m.Bounds(), err)
	}
	if w := r.Metadata["image/jpeg"].(mimeMap)["width"]; w != 360 {
		t.Errorf("shown width %v, want 360", w)
	}
	for what, f := range map[string]*Figure{"a flat picture": grid(flat(160, 160, color.RGBA{9, 9, 99, 255}), 5), "a small one": grid(noise, .5)} {
		if r := f.Render(); r.Data["image/png"] == nil || r.Data["image/jpeg"] != nil {
			t.Errorf("%s is not kept as PNG", what)
		}
	}
}

package display

import (
	"image"
	"reflect"

	"github.com/fastnb/go/plotting"
)

// Forms collects what a value gives of itself; ok is false if it has no form but plain text. A chart of
// go-echarts is drawn, data are themselves, a picture is a PNG.
func Forms(v any) (d Data, ok bool) {
	d.Data, d.Metadata = MIMEMap{}, MIMEMap{}
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
		return d, false
	}
	if f, isChart := plotting.FromEcharts(v); isChart {
		return f.Render(), true // every chart is a JSONer too, and would show as its options
	}
	if x, is := v.(Data); is {
		return x, true
	}
	add := func(mime string, x any) { d.Data[mime], ok = x, true }
	if x, is := v.(Renderer); is {
		r := x.Render()
		for k, y := range r.Data {
			add(k, y)
		}
		for k, y := range r.Metadata {
			d.Metadata[k] = y
		}
		return d, ok
	}
	if x, is := v.(SimpleRenderer); is {
		for k, y := range x.SimpleRender() {
			add(k, y)
		}
	}
	if x, is := v.(HTMLer); is {
		add("text/html", x.HTML())
	}
	if x, is := v.(JavaScripter); is {
		add("application/javascript", x.JavaScript())
	}
	if x, is := v.(JPEGer); is {
		add("image/jpeg", x.JPEG())
	}
	if x, is := v.(JSONer); is {
		add("application/json", x.JSON())
	}
	if x, is := v.(Latexer); is {
		add("text/latex", x.Latex())
	}
	if x, is := v.(Markdowner); is {
		add("text/markdown", x.Markdown())
	}
	if x, is := v.(PNGer); is {
		add("image/png", x.PNG())
	}
	if x, is := v.(PDFer); is {
		add("application/pdf", x.PDF())
	}
	if x, is := v.(SVGer); is {
		add("image/svg+xml", x.SVG())
	}
	if x, is := v.(image.Image); is && !ok {
		return Image(x), true
	}
	return d, ok
}

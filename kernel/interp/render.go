package interp

import (
	"bytes"
	"fmt"
	"image"
	"reflect"
	"strings"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/plotting"
)

// render gives the forms of a cell's last values: those of the one value that shows itself, else
// plain text; nil if all are nil.
func render(vals []any) (data, meta cell.Bundle) {
	var one any
	n := 0
	for _, v := range vals {
		if v != nil {
			one = v
			n++
		}
	}
	if n == 0 {
		return nil, nil
	}
	if n == 1 {
		if d, ok := forms(one); ok {
			if d.Data == nil {
				d.Data = cell.Bundle{}
			}
			if _, ok := d.Data["text/plain"]; !ok {
				d.Data["text/plain"] = text(one)
			}
			return d.Data, d.Metadata
		}
	}
	var parts []string
	for _, v := range vals {
		parts = append(parts, text(v))
	}
	return cell.Bundle{"text/plain": strings.Join(parts, " ")}, nil
}

// forms collects what a value gives of itself.
func forms(v any) (d bind.Data, ok bool) {
	d.Data, d.Metadata = cell.Bundle{}, cell.Bundle{}
	if p := reflect.ValueOf(v); p.Kind() == reflect.Pointer && p.IsNil() {
		return d, false
	}
	if x, is := v.(cellValue); is {
		return x.forms()
	}
	if f, isChart := plotting.FromEcharts(v); isChart {
		return f.Render(), true // every chart is a JSONer too, and would show as its options
	}
	if x, is := v.(bind.Data); is {
		return x, true
	}
	add := func(mime string, x any) { d.Data[mime], ok = x, true }
	if x, is := v.(bind.Renderer); is {
		r := x.Render()
		for k, y := range r.Data {
			add(k, y)
		}
		for k, y := range r.Metadata {
			d.Metadata[k] = y
		}
		return d, ok
	}
	if x, is := v.(bind.SimpleRenderer); is {
		for k, y := range x.SimpleRender() {
			add(k, y)
		}
	}
	if x, is := v.(bind.HTMLer); is {
		add("text/html", x.HTML())
	}
	if x, is := v.(bind.JavaScripter); is {
		add("application/javascript", x.JavaScript())
	}
	if x, is := v.(bind.JPEGer); is {
		add("image/jpeg", x.JPEG())
	}
	if x, is := v.(bind.JSONer); is {
		add("application/json", x.JSON())
	}
	if x, is := v.(bind.Latexer); is {
		add("text/latex", x.Latex())
	}
	if x, is := v.(bind.Markdowner); is {
		add("text/markdown", x.Markdown())
	}
	if x, is := v.(bind.PNGer); is {
		add("image/png", x.PNG())
	}
	if x, is := v.(bind.PDFer); is {
		add("application/pdf", x.PDF())
	}
	if x, is := v.(bind.SVGer); is {
		add("image/svg+xml", x.SVG())
	}
	if x, is := v.(image.Image); is && !ok {
		return bind.Image(x), true
	}
	return d, ok
}

// text is a value as plain text, without a panic of its String method ending the cell.
func text(v any) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = fmt.Sprintf("%T (its String method panicked: %v)", v, r)
		}
	}()
	if x, is := v.(cellValue); is {
		return x.text()
	}
	if b, ok := v.([]byte); ok && len(b) > 1<<16 {
		return fmt.Sprintf("[]byte of %d", len(b))
	}
	var b bytes.Buffer
	fmt.Fprint(&b, v)
	return b.String()
}

package plotting

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/jpeg"
	"image/png"
)

// dpi is the nominal number of pixels in an inch of figure size, as in the lesson's notebooks.
const dpi = 72

// mimeMap and bundle are gophernotes' MIMEMap and Data: aliases, so that Render satisfies its
// Renderer interface without an import.
type (
	mimeMap = map[string]any
	bundle  = struct{ Data, Metadata, Transient mimeMap }
)

// Figure is something to show: a chart, a grid of pictures, a table or a text. The zero Figure shows
// nothing.
type Figure struct {
	err  error
	text string
	html string      // whole HTML form; empty for charts and pictures
	img  image.Image // static picture, drawn with density(w, h) pixels a nominal one
	w, h int         // nominal pixels of img
	// photo: img is made of photographs. Notebooks keep such a picture as JPEG where that is much smaller.
	photo bool

	// Interactive charts only.
	opt   string   // ECharts option as JavaScript
	theme string   // of ECharts; default light or dark as the page is
	after string   // JavaScript that runs with the finished chart
	libs  []string // further scripts the chart needs, by address
}

// failed is a figure that only reports err.
func failed(err error) *Figure { return &Figure{err: err, text: err.Error()} }

// Failed is a figure that only reports err: what a Show that cannot return an error gives.
func Failed(err error) *Figure { return failed(err) }

// Err is what went wrong while the figure was made, or nil. A cell whose last value is a figure with
// an error fails with it.
func (f *Figure) Err() error { return f.err }

// String is the figure's text form.
func (f *Figure) String() string { return f.text }

// Image is the static picture, or nil for tables and texts.
func (f *Figure) Image() image.Image { return f.img }

// PNG is the static picture as a PNG file, or nil for tables and texts.
func (f *Figure) PNG() []byte {
	if f.img == nil {
		return nil
	}
	var b bytes.Buffer
	// The best compression would take 4 to 10 times as long and make a chart 4 % smaller.
	enc := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := enc.Encode(&b, f.img); err != nil {
		return nil
	}
	return b.Bytes()
}

// Render gives the figure in all its forms (gophernotes' Renderer): its static picture as image/png, or as
// image/jpeg where it is made of photographs and much smaller so.
func (f *Figure) Render() bundle {
	if f == nil {
		return bundle{Data: mimeMap{"text/plain": ""}}
	}
	out := bundle{Data: mimeMap{"text/plain": f.text}, Metadata: mimeMap{}, Transient: mimeMap{}}
	file := f.PNG()
	if file != nil {
		kind, shown := "image/png", file
		if small := f.jpeg(len(file)); small != nil {
			kind, shown = "image/jpeg", small
		}
		out.Data[kind] = shown
		out.Metadata[kind] = mimeMap{"width": f.w, "height": f.h}
	}
	switch {
	case f.html != "":
		out.Data["text/html"] = f.html
	case f.opt != "" && (!staticOnly.Load() || file == nil): // a picture need not be kept twice
		out.Data["text/html"] = chartHTML(f, file)
	}
	return out
}

// When a picture of photographs is kept as JPEG: where its PNG file is larger than smallFile bytes and the
// JPEG file at most half of that. The quality is one at which edges of masks and letters stay clean.
const (
	smallFile   = 48 << 10
	jpegQuality = 85
)

// jpeg is a photo as a JPEG file, or nil where its PNG file of so many bytes does as well.
func (f *Figure) jpeg(png int) []byte {
	if !f.photo || png <= smallFile {
		return nil
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, f.img, &jpeg.Options{Quality: jpegQuality}); err != nil || b.Len() > png/2 {
		return nil
	}
	return b.Bytes()
}

// imgTag is the static picture as an HTML element, shown at its nominal size.
func (f *Figure) imgTag(file []byte) string {
	return fmt.Sprintf(`<img width="%d" height="%d" style="max-width:100%%;height:auto" alt="%s" src="data:image/png;base64,%s">`,
		f.w, f.h, html.EscapeString(f.text), base64.StdEncoding.EncodeToString(file))
}

// TextFigure shows s as it is.
func TextFigure(s string) *Figure { return &Figure{text: s} }

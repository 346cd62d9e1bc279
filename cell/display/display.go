package display

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"strings"
)

// MIMEMap is data by MIME type.
type MIMEMap = map[string]any

// Data is something to show, as gophernotes has it: the forms, their metadata, and what is not kept
// in the notebook (such as the display_id). Being an alias, it lets libraries make it without
// importing the kernel.
type Data = struct{ Data, Metadata, Transient MIMEMap }

// The interfaces by which a value shows itself, gophernotes' names.
//
//nolint:revive // the group's comment says what there is to say
type (
	Renderer       = interface{ Render() Data }
	SimpleRenderer = interface{ SimpleRender() MIMEMap }
	HTMLer         = interface{ HTML() string }
	JavaScripter   = interface{ JavaScript() string }
	JPEGer         = interface{ JPEG() []byte }
	JSONer         = interface{ JSON() map[string]any }
	Latexer        = interface{ Latex() string }
	Markdowner     = interface{ Markdown() string }
	PNGer          = interface{ PNG() []byte }
	PDFer          = interface{ PDF() []byte }
	SVGer          = interface{ SVG() string }
)

// MIME types of the display functions.
const (
	MIMETypeHTML       = "text/html"
	MIMETypeJavaScript = "application/javascript"
	MIMETypeJPEG       = "image/jpeg"
	MIMETypeJSON       = "application/json"
	MIMETypeLatex      = "text/latex"
	MIMETypeMarkdown   = "text/markdown"
	MIMETypePNG        = "image/png"
	MIMETypePDF        = "application/pdf"
	MIMETypeSVG        = "image/svg+xml"

	mimeText = "text/plain"
)

var show = func(Data) error {
	return errors.New("cannot display: connection with Jupyter not available")
}

// SetDisplay says where Display leads.
func SetDisplay(f func(Data) error) { show = f }

// Display shows data in the running cell.
func Display(d Data) error { return show(d) }

// MakeData is data in one form, with a plain text beside it.
func MakeData(mime string, x any) Data {
	d := Data{Data: MIMEMap{mime: x}}
	if mime != mimeText {
		d.Data[mimeText] = fmt.Sprint(x)
	}
	return d
}

// MakeData3 is data in one form and a plain text.
func MakeData3(mime, plain string, x any) Data {
	return Data{Data: MIMEMap{mimeText: plain, mime: x}}
}

// MIME is data in several forms.
func MIME(data, metadata MIMEMap) Data { return Data{Data: data, Metadata: metadata} }

func bytesOf(x any) ([]byte, error) {
	switch x := x.(type) {
	case string:
		return []byte(x), nil
	case []byte:
		return x, nil
	case io.WriterTo:
		var b bytes.Buffer
		_, err := x.WriteTo(&b)
		return b.Bytes(), err
	case io.Reader:
		return io.ReadAll(x)
	}
	return nil, fmt.Errorf("unsupported type, cannot render: %T", x)
}

// Any is data of a MIME type from text, bytes or a reader; with no type it is sniffed.
func Any(mime string, x any) Data {
	b, err := bytesOf(x)
	if err != nil {
		panic(err.Error())
	}
	if mime == "" {
		mime, _, _ = strings.Cut(http.DetectContentType(b), ";")
	}
	if strings.HasPrefix(mime, "text/") || mime == MIMETypeSVG || mime == MIMETypeJavaScript {
		return MakeData(mime, string(b))
	}
	return MakeData3(mime, mime, b)
}

// File is data from a file; with no type it is sniffed.
func File(mime, path string) Data {
	b, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return Any(mime, b)
}

// Image is a picture as PNG, with its size.
func Image(img image.Image) Data {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return failed(err)
	}
	s := img.Bounds().Size()
	return Data{
		Data:     MIMEMap{MIMETypePNG: b.Bytes(), mimeText: fmt.Sprintf("image %dx%d", s.X, s.Y)},
		Metadata: MIMEMap{MIMETypePNG: MIMEMap{"width": s.X, "height": s.Y}},
	}
}

func failed(err error) Data {
	return Data{Data: MIMEMap{"ename": "ERROR", "evalue": err.Error(), "traceback": nil, "status": "error"}}
}

func latex(s string, delimiter string) Data {
	return MakeData3(MIMETypeLatex, s, delimiter+strings.Trim(s, "$")+delimiter)
}

// Auto is data of a sniffed type from text, bytes or a reader.
func Auto(x any) Data { return Any("", x) }

// HTML is a piece of a page.
func HTML(s string) Data { return MakeData(MIMETypeHTML, s) }

// JavaScript is a script that the page runs.
func JavaScript(s string) Data { return MakeData(MIMETypeJavaScript, s) }

// Markdown is text in Markdown.
func Markdown(s string) Data { return MakeData(MIMETypeMarkdown, s) }

// SVG is a vector picture.
func SVG(s string) Data { return MakeData(MIMETypeSVG, s) }

// JPEG is a picture file.
func JPEG(b []byte) Data { return raw(MIMETypeJPEG, b) }

// PNG is a picture file.
func PNG(b []byte) Data { return raw(MIMETypePNG, b) }

// PDF is a document file.
func PDF(b []byte) Data { return raw(MIMETypePDF, b) }

// JSON is an object that the page shows as a tree.
func JSON(x map[string]any) Data { return MakeData(MIMETypeJSON, x) }

// Latex is a formula within a line; dollar signs around s are optional.
func Latex(s string) Data { return latex(s, "$") }

// Math is a formula on a line of its own; dollar signs around s are optional.
func Math(s string) Data { return latex(s, "$$") }

func raw(mime string, b []byte) Data {
	return MakeData3(mime, fmt.Sprintf("%s, %d bytes", mime, len(b)), b)
}

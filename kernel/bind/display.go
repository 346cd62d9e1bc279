package bind

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	r "reflect"
	"strings"

	"github.com/cosmos72/gomacro/imports"
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
	mimeHTML, mimeJavaScript, mimeJPEG, mimeJSON, mimeLatex = "text/html", "application/javascript", "image/jpeg", "application/json", "text/latex"
	mimeMarkdown, mimePNG, mimePDF, mimeSVG, mimeText       = "text/markdown", "image/png", "application/pdf", "image/svg+xml", "text/plain"
)

var display = func(Data) error {
	return errors.New("cannot display: connection with Jupyter not available")
}

// SetDisplay says where Display leads.
func SetDisplay(f func(Data) error) { display = f }

// Display shows data in the running cell.
func Display(d Data) error { return display(d) }

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
		mime = http.DetectContentType(b)
	}
	if strings.HasPrefix(mime, "text/") || mime == mimeSVG || mime == mimeJavaScript {
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
		Data:     MIMEMap{mimePNG: b.Bytes(), mimeText: fmt.Sprintf("image %dx%d", s.X, s.Y)},
		Metadata: MIMEMap{mimePNG: MIMEMap{"width": s.X, "height": s.Y}},
	}
}

func failed(err error) Data {
	return Data{Data: MIMEMap{"ename": "ERROR", "evalue": err.Error(), "traceback": nil, "status": "error"}}
}

func latex(s string, delimiter string) Data {
	s = strings.Trim(s, "$")
	return MakeData3(mimeLatex, s, delimiter+s+delimiter)
}

func init() {
	text := func(mime string) func(string) Data { return func(s string) Data { return MakeData(mime, s) } }
	raw := func(mime string) func([]byte) Data {
		return func(b []byte) Data { return MakeData3(mime, fmt.Sprintf("%s, %d bytes", mime, len(b)), b) }
	}
	p := imports.Package{
		Name: "display",
		Binds: map[string]r.Value{
			"Any": r.ValueOf(Any), "Auto": r.ValueOf(func(x any) Data { return Any("", x) }), "File": r.ValueOf(File), "Display": r.ValueOf(Display),
			"HTML": r.ValueOf(text(mimeHTML)), "JavaScript": r.ValueOf(text(mimeJavaScript)), "Markdown": r.ValueOf(text(mimeMarkdown)), "SVG": r.ValueOf(text(mimeSVG)),
			"JPEG": r.ValueOf(raw(mimeJPEG)), "PNG": r.ValueOf(raw(mimePNG)), "PDF": r.ValueOf(raw(mimePDF)), "Image": r.ValueOf(Image),
			"JSON":     r.ValueOf(func(x map[string]any) Data { return MakeData(mimeJSON, x) }),
			"Latex":    r.ValueOf(func(s string) Data { return latex(s, "$") }),
			"Math":     r.ValueOf(func(s string) Data { return latex(s, "$$") }),
			"MakeData": r.ValueOf(MakeData), "MakeData3": r.ValueOf(MakeData3), "MIME": r.ValueOf(MIME),
			"MIMETypeHTML": r.ValueOf(mimeHTML), "MIMETypeJavaScript": r.ValueOf(mimeJavaScript), "MIMETypeJPEG": r.ValueOf(mimeJPEG),
			"MIMETypeJSON": r.ValueOf(mimeJSON), "MIMETypeLatex": r.ValueOf(mimeLatex), "MIMETypeMarkdown": r.ValueOf(mimeMarkdown),
			"MIMETypePNG": r.ValueOf(mimePNG), "MIMETypePDF": r.ValueOf(mimePDF), "MIMETypeSVG": r.ValueOf(mimeSVG),
		},
		Types: map[string]r.Type{
			"Data": r.TypeFor[Data](), "MIMEMap": r.TypeFor[MIMEMap](),
		},
	}
	imports.Packages["display"] = p
	imports.Packages["github.com/gopherdata/gophernotes"] = p
}

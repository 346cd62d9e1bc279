package bind

import (
	r "reflect"

	"github.com/cosmos72/gomacro/imports"

	"github.com/fastnb/go/cell/display"
)

// The display package stands under gophernotes' two names.
func init() {
	p := imports.Package{
		Name: "display",
		Binds: map[string]r.Value{
			"Any": r.ValueOf(display.Any), "Auto": r.ValueOf(display.Auto), "File": r.ValueOf(display.File), "Display": r.ValueOf(display.Display),
			"HTML": r.ValueOf(display.HTML), "JavaScript": r.ValueOf(display.JavaScript), "Markdown": r.ValueOf(display.Markdown), "SVG": r.ValueOf(display.SVG),
			"JPEG": r.ValueOf(display.JPEG), "PNG": r.ValueOf(display.PNG), "PDF": r.ValueOf(display.PDF), "Image": r.ValueOf(display.Image),
			"JSON": r.ValueOf(display.JSON), "Latex": r.ValueOf(display.Latex), "Math": r.ValueOf(display.Math),
			"MakeData": r.ValueOf(display.MakeData), "MakeData3": r.ValueOf(display.MakeData3), "MIME": r.ValueOf(display.MIME),
			"MIMETypeHTML": r.ValueOf(display.MIMETypeHTML), "MIMETypeJavaScript": r.ValueOf(display.MIMETypeJavaScript), "MIMETypeJPEG": r.ValueOf(display.MIMETypeJPEG),
			"MIMETypeJSON": r.ValueOf(display.MIMETypeJSON), "MIMETypeLatex": r.ValueOf(display.MIMETypeLatex), "MIMETypeMarkdown": r.ValueOf(display.MIMETypeMarkdown),
			"MIMETypePNG": r.ValueOf(display.MIMETypePNG), "MIMETypePDF": r.ValueOf(display.MIMETypePDF), "MIMETypeSVG": r.ValueOf(display.MIMETypeSVG),
		},
		Types: map[string]r.Type{
			"Data": r.TypeFor[display.Data](), "MIMEMap": r.TypeFor[display.MIMEMap](),
		},
	}
	imports.Packages["display"] = p
	p.Name = "gophernotes"
	imports.Packages["github.com/gopherdata/gophernotes"] = p
}

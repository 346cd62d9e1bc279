package display

import (
	"image"
	"strings"
	"testing"
)

func TestAny(t *testing.T) {
	for _, c := range []struct {
		mime string
		in   any
		want string // the type it came to
	}{
		{"", "plain words", "text/plain"},
		{"", []byte("\x89PNG\r\n\x1a\n"), "image/png"},
		{"", strings.NewReader("<html></html>"), "text/html"},
		{"text/html", strings.NewReader("<b>x</b>"), "text/html"},
	} {
		d := Any(c.mime, c.in)
		if _, ok := d.Data[c.want]; !ok || d.Data["text/plain"] == nil {
			t.Errorf("Any(%q, %v) = %v, want a %s", c.mime, c.in, d.Data, c.want)
		}
	}
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), "unsupported type, cannot render: int") {
			t.Errorf("a number: %v", r)
		}
	}()
	Any("", 7)
}

func TestFormulas(t *testing.T) {
	if d := Latex("$x^2$"); d.Data["text/latex"] != "$x^2$" || d.Data["text/plain"] != "$x^2$" {
		t.Error(d)
	}
	if d := Math("x^2"); d.Data["text/latex"] != "$$x^2$$" {
		t.Error(d)
	}
}

type both struct{}

func (both) HTML() string { return "<i>x</i>" }
func (both) SVG() string  { return "<svg/>" }

func TestForms(t *testing.T) {
	d, ok := Forms(both{})
	if !ok || d.Data["text/html"] != "<i>x</i>" || d.Data["image/svg+xml"] != "<svg/>" {
		t.Error(d, ok)
	}
	d, ok = Forms(image.NewGray(image.Rect(0, 0, 3, 2)))
	if size, _ := d.Metadata["image/png"].(MIMEMap); !ok || size["width"] != 3 || size["height"] != 2 {
		t.Error(d.Metadata, ok)
	}
	if _, ok := Forms(7); ok {
		t.Error("a number has no forms")
	}
	if _, ok := Forms((*both)(nil)); ok {
		t.Error("a nil pointer has no forms")
	}
}

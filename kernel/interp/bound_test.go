package interp

import (
	"context"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/bind"
)

// TestEveryBoundPackageImports imports all of them: the interpreter checks proxies only then.
func TestEveryBoundPackageImports(t *testing.T) {
	s := session(t)
	for _, p := range append([]string{"display", "github.com/gopherdata/gophernotes", "fastnb", "vision"}, bind.Available()...) {
		if r := s.Run(context.Background(), "import \""+p+"\"", RunOptions{}, &recorder{}); r.Err != nil {
			t.Errorf("%s: %v", p, r.Err)
		}
	}
}

func TestGophernotesDisplay(t *testing.T) {
	s := session(t)
	for code, mime := range map[string]string{
		`import "display"` + "\n" + `Display(display.HTML("<b>x</b>"))`:                           "text/html",
		`import notes "github.com/gopherdata/gophernotes"` + "\n" + `Display(notes.Math("x^2"))`:  "text/latex",
		`import "image"` + "\n" + `Display(display.Image(image.NewRGBA(image.Rect(0, 0, 2, 2))))`: "image/png",
	} {
		var out recorder
		r := s.Run(context.Background(), code, RunOptions{}, &out)
		if r.Err != nil || len(out.displays) != 1 || out.displays[0][mime] == nil {
			t.Errorf("%s: error %v, displays %v", code, r.Err, out.displays)
		}
	}
	r := s.Run(context.Background(), "import \"github.com/go-echarts/go-echarts/v2/charts\"\ncharts.NewBar()", RunOptions{}, &recorder{})
	if r.Err != nil || r.Data["text/html"] == nil {
		t.Errorf("a chart shows as %v, error %v", r.Data, r.Err)
	}
}

func TestLibrariesShow(t *testing.T) {
	s := session(t)
	for code, want := range map[string]string{
		"import \"gonum.org/v1/plot\"\nplot.New()":                                                                          "image/png",
		"import \"image\"\nimage.NewRGBA(image.Rect(0, 0, 2, 2))":                                                           "image/png",
		"import (\"image\"; \"github.com/disintegration/imaging\")\nimaging.Blur(image.NewGray(image.Rect(0, 0, 4, 4)), 1)": "image/png",
		"import G \"gorgonia.org/gorgonia\"\ng := G.NewGraph()\nG.NewScalar(g, G.Float64, G.WithName(\"xs\"))\ng":           "text/plain xs",
		"import ts \"gorgonia.org/tensor\"\nts.New(ts.WithShape(2, 3), ts.Of(ts.Float64))":                                  "text/plain [2 3] of float64",
	} {
		r := s.Run(context.Background(), code, RunOptions{}, &recorder{})
		mime, text, _ := strings.Cut(want, " ")
		if r.Err != nil || r.Data[mime] == nil || !strings.Contains(format(r.Data[mime]), text) {
			t.Errorf("%s: error %v, shows %.200v", code, r.Err, r.Data)
		}
	}
}

package plotting

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The script that pages may fetch is the one that builds hold: its version is that of the Makefile, its sum that of the
// packed file, where there is one; and a chart's page asks for the sum.
func TestChartScriptHasItsSum(t *testing.T) {
	make, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^ECHARTS += (\S+)$`).FindSubmatch(make)
	if version == nil || !strings.Contains(cdn, "/echarts@"+string(version[1])+"/") {
		t.Errorf("%s is not of version %s", cdn, version)
	}
	html := chartHTML(&Figure{opt: "{}"}, []byte{})
	if !strings.Contains(html, "s.integrity=sum") || !strings.Contains(html, integrity) || !strings.Contains(html, `crossOrigin="anonymous"`) || strings.Contains(html, "%!") {
		t.Errorf("the page asks for no sum: %s", html)
	}
	packed, err := assets.ReadFile("assets/echarts.min.js.gz")
	if err != nil {
		t.Skip("this build holds no script")
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	src, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha512.Sum384(src); "sha384-"+base64.StdEncoding.EncodeToString(sum[:]) != integrity {
		t.Errorf("the packed script has the sum %x", sum)
	}
}

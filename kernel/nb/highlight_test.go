package nb

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

var tags = regexp.MustCompile(`<[^>]*>`)

func TestHighlightMarksTokensAndLosesNothing(t *testing.T) {
	code := "%time\n$ echo it's <b>\nfunc f(s string) int { // a & b\n\treturn len(s) + 0x1F\n}\nx := \"<a>\" + `raw\n` + \"open\n\xff"
	got := string(highlight(code))
	for _, want := range []string{
		`<span class="k">func</span>`, `<span class="b">string</span>`, `<span class="c">// a &amp; b</span>`,
		`<span class="n">0x1F</span>`, `<span class="s">&#34;&lt;a&gt;&#34;</span>`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	for _, c := range []string{code, "", "a := `x\r\ny`\r\nb", "\ufeffx", "/* open", "'", "é := 1\x00"} {
		if back := html.UnescapeString(tags.ReplaceAllString(string(highlight(c)), "")); back != c {
			t.Errorf("%q came back as %q", c, back)
		}
	}
}

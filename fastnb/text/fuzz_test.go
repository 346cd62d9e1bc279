package text

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fastnb/go/fastnb/data"
)

func FuzzTokenizer(f *testing.F) {
	for _, s := range []string{
		"", " ", "I'm so excited!!!!!!!!", "no no no no no!", "U.S.A. (2008's) 5p.m. 100km² e.g. <br /><br />x", "a--b…c——d 1+2 a.B 'tis",
		"http://a.bc/d?e john@x.org 10.0.0.1:80 1.2.3.4", "\xff\xfe caf\xe9\x00", "xxbos xxmaj ĳ İ ǅ ŉ ß", "&#0;&amp;&#x110000;\\n\\", "\u00a0\u2028\x1c.", "éééé\U0001F600\U0001F600\U0001F600\U0001F600",
	} {
		f.Add(s)
	}
	tok := NewTokenizer()
	f.Fuzz(func(t *testing.T, s string) {
		clean := tok.Clean(s)
		if !utf8.ValidString(clean) {
			t.Fatalf("%q cleaned is not UTF-8: %q", s, clean)
		}
		// Cutting takes blanks away and nothing else.
		cut := tok.Cut(clean)
		none := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if got := none(strings.Join(cut, "")); got != none(clean) {
			t.Fatalf("%q cut: %q", clean, cut)
		}
		if slices.Contains(cut, "") {
			t.Fatalf("%q has an empty token: %q", clean, cut)
		}
		one := tok.Process(s)
		all, err := tok.ProcessAll([]string{s, s})
		if err != nil || !slices.Equal(one, all[0]) || !slices.Equal(one, all[1]) {
			t.Fatalf("%q: %q alone, %q among others (%v)", s, one, all, err)
		}
		_ = DecodeSpecTokens(one)
	})
}

func FuzzUnpack(f *testing.F) {
	c := newConfig()
	c.vocab = data.NewVocab([]string{"a", "b", "c"})
	f.Add([]byte{2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 2, 0, 0, 0}, 2)
	f.Add([]byte{255, 255, 255, 255}, 1)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 0 {
			return
		}
		items, _, err := c.Unpack(b, n)
		if err == nil && len(items) != n {
			t.Fatalf("%d items of %d", len(items), n)
		}
		for _, x := range items {
			_ = x.String()
		}
	})
}

// However long a text without blanks is, it takes time in proportion: a megabyte of anything is cut in a
// second on a quiet machine.
func TestTokenizerIsLinear(t *testing.T) {
	tok := NewTokenizer()
	for _, unit := range []string{
		":)", "(", ")", ".", "...a", "a.", "a@", "@a.", "://", "a://", "-", "--", "a-", "A-a", "US$", "$", "km", "1km", "1+", "'s", "a's", "…", "😀", "é", "É.",
		"\\", "&amp;", "#39;", "amp;", "<br />", "a ", " ", "\n", "no ", "no,", "ab ab ", "<unk>", "x/", "#", "A", "Aa", "ÀB", "://a.b/", "1.2.3.4:", "\xff", "é́", "~", "\u00a0", "a\u00a0", "0", "1a", "''", "\"", "%", "=", "_",
	} {
		for _, ends := range []string{"", "x", " )"} {
			const size = 1 << 18
			s := strings.Repeat(unit, size/len(unit)) + ends
			start := time.Now()
			tok.Process(s)
			if d := time.Since(start); d > 5*time.Second { // a quarter of a second on a quiet machine
				t.Errorf("%d KB of %q: %v", len(s)>>10, unit+ends, d)
			}
		}
	}
}

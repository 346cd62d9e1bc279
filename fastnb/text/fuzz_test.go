package text

import (
	"runtime"
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
			if g := growth(1<<18, func(n int) { tok.Process(strings.Repeat(unit, n/len(unit)) + ends) }); g > mostGrowth {
				t.Errorf("%q: sixteen times the length takes %.0f times the time", unit+ends, g)
			}
		}
	}
}

// mostGrowth lies between what is linear (16) and what is quadratic (256).
const mostGrowth = 80

// growth is how many times longer f(n) takes than f(n/16): of a few attempts the least of each, while it seems to be
// too much, since other work on the machine can only add to them.
func growth(n int, f func(n int)) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	small, large := time.Hour, time.Hour
	for range 5 {
		start := threadTime()
		f(n / 16)
		small = min(small, max(threadTime()-start, 50*time.Microsecond))
		start = threadTime()
		f(n)
		if large = min(large, threadTime()-start); float64(large) < mostGrowth*float64(small) {
			break
		}
	}
	return float64(large) / float64(small)
}

// What grows with the square of the length is found.
func TestGrowth(t *testing.T) {
	sum := 0
	linear := func(n int) {
		for i := range 100 * n {
			sum += i & 3
		}
	}
	if g := growth(1<<14, linear); g > mostGrowth {
		t.Errorf("linear work grows by %.0f", g)
	}
	if g := growth(1<<14, func(n int) { linear(n * n / 200) }); g < mostGrowth {
		t.Errorf("quadratic work grows by %.0f", g)
	}
}

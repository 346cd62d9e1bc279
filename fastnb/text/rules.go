package text

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fastnb/go/fastnb/data"
)

// Rule changes a text before it is cut into tokens.
type Rule struct {
	Name string // in exports: the rules of this package, and those given to RegisterRule
	Text func(string) string
}

// TokenRule changes the tokens of a text.
type TokenRule struct {
	Name   string
	Tokens func([]string) []string
}

// DefaultRules are the rules before the cutting, in their order (fastai's defaults.text_pre_rules).
func DefaultRules() []Rule {
	return []Rule{
		{"fix_html", FixHTML},
		{"replace_rep", ReplaceRep},
		{"replace_wrep", ReplaceWRep},
		{"spec_add_spaces", SpecAddSpaces},
		{"rm_useless_spaces", RmUselessSpaces},
	}
}

// DefaultTokenRules are the rules after the cutting (fastai's defaults.text_post_rules).
func DefaultTokenRules() []TokenRule {
	return []TokenRule{{"replace_all_caps", ReplaceAllCaps}, {"deal_caps", DealCaps}}
}

// htmlFixes are applied one after the other. Those of entities lack the ampersand, so that a well-formed
// one leaves its behind; models trained with fastai know texts like that.
var htmlFixes = [][2]string{
	{"#39;", "'"},
	{"amp;", "&"},
	{"#146;", "'"},
	{"nbsp;", " "},
	{"#36;", "$"},
	{`\n`, "\n"},
	{"quot;", "'"},
	{"<br />", "\n"},
	{`\"`, `"`},
	{"<unk>", data.UNK},
	{" @.@ ", "."},
	{" @-@ ", "-"},
	{" @,@ ", ","},
	{`\`, ` \ `},
}

// FixHTML undoes what is left of HTML in a text: "<br />" becomes an end of line, entities characters.
func FixHTML(s string) string {
	if strings.ContainsAny(s, ";<\\@&") {
		for _, f := range htmlFixes {
			s = strings.ReplaceAll(s, f[0], f[1])
		}
		s = html.UnescapeString(s)
	}
	return RmUselessSpaces(s)
}

// RmUselessSpaces makes one blank of several.
func RmUselessSpaces(s string) string {
	at := strings.Index(s, "  ")
	if at < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for at >= 0 {
		b = append(b, s[:at+1]...)
		s = strings.TrimLeft(s[at:], " ")
		at = strings.Index(s, "  ")
	}
	return string(append(b, s...))
}

// SpecAddSpaces puts blanks around "/", "#" and ends of lines.
func SpecAddSpaces(s string) string {
	const special = "/#\n"
	at := strings.IndexAny(s, special)
	if at < 0 {
		return s
	}
	b := make([]byte, 0, len(s)+len(s)/16)
	for at >= 0 {
		b = append(append(b, s[:at]...), ' ', s[at], ' ')
		s = s[at+1:]
		at = strings.IndexAny(s, special)
	}
	return string(append(b, s...))
}

// repeats is how often something must stand to be replaced by its number.
const repeats = 4

// ReplaceRep writes a character that stands four or more times as " xxrep n c ".
func ReplaceRep(s string) string {
	var b []byte
	done := 0 // written up to here
	for at := 0; at < len(s); {
		n, size := run(s, at)
		if n < repeats || isSpaceAt(s, at) {
			at += n * size
			continue
		}
		b = append(append(b, s[done:at]...), ' ')
		b = append(append(b, data.TKRep...), ' ')
		b = append(strconv.AppendInt(b, int64(n), 10), ' ')
		b = append(append(b, s[at:at+size]...), ' ')
		at += n * size
		done = at
	}
	if b == nil {
		return s
	}
	return string(append(b, s[done:]...))
}

// run counts how often the character at a place stands there, and its bytes.
func run(s string, at int) (n, size int) {
	c := s[at]
	if c < utf8.RuneSelf {
		end := at + 1
		for end < len(s) && s[end] == c {
			end++
		}
		return end - at, 1
	}
	_, size = utf8.DecodeRuneInString(s[at:])
	for n, end := 1, at+size; ; n, end = n+1, end+size {
		if !strings.HasPrefix(s[end:], s[at:at+size]) {
			return n, size
		}
	}
}

// ReplaceWRep writes a word that stands four or more times, with the same characters behind it each time,
// as " xxwrep n word "; behind the last one more may stand. n is counted in words between blanks, as fastai
// does: "no,no,no,no," has 2.
func ReplaceWRep(s string) string {
	var b []byte
	done := 0 // written up to here
	for at := 0; at < len(s); {
		word := skip(s, at, true)
		end := skip(s, word, false)
		if word == at { // what stands before the first word
			at = end
			continue
		}
		unit := s[at:end]
		n := 1
		for end > word && strings.HasPrefix(s[at+n*len(unit):], unit) {
			n++
		}
		if n < repeats {
			at = end
			continue
		}
		again := s[end : at+n*len(unit)]
		b = append(append(b, s[done:at]...), ' ')
		b = append(append(b, data.TKWRep...), ' ')
		b = append(strconv.AppendInt(b, int64(len(fields(again))+1), 10), ' ')
		b = append(append(b, unit...), ' ')
		done = at + n*len(unit)
		at = done
	}
	if b == nil {
		return s
	}
	return string(append(b, s[done:]...))
}

// skip is the end of the run of word characters, or of others, from at on.
func skip(s string, at int, word bool) int {
	for at < len(s) {
		r, size := rune(s[at]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[at:])
		}
		if isWord(r) != word {
			break
		}
		at += size
	}
	return at
}

// isWord is Python's \w.
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

// isSpace is Python's str.isspace: Go's, and four separators.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

func isSpaceAt(s string, at int) bool {
	r, _ := utf8.DecodeRuneInString(s[at:])
	return isSpace(r)
}

func fields(s string) []string { return strings.FieldsFunc(s, isSpace) }

// ReplaceAllCaps writes a token in capitals, of two characters or more, as xxup and the small letters.
func ReplaceAllCaps(tokens []string) []string {
	out := make([]string, 0, len(tokens))
	for _, t := range tokens {
		if allCaps(t) {
			out = append(out, data.TKUp, strings.ToLower(t))
		} else {
			out = append(out, t)
		}
	}
	return out
}

// DealCaps writes a token with a capital and small letters behind it as xxmaj and small letters; all
// others get small letters. Empty tokens are left out.
func DealCaps(tokens []string) []string {
	out := make([]string, 0, len(tokens))
	for _, t := range tokens {
		if t == "" {
			continue
		}
		if capital(t) {
			out = append(out, data.TKMaj)
		}
		out = append(out, strings.ToLower(t))
	}
	return out
}

func isUpper(r rune) bool { return unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r) }
func isLower(r rune) bool { return unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r) }

// allCaps is Python's str.isupper, for more than one character.
func allCaps(t string) bool {
	n, some := 0, false
	for _, r := range t {
		n++
		if isLower(r) || unicode.IsTitle(r) {
			return false
		}
		some = some || isUpper(r)
	}
	return some && n > 1
}

// capital reports an upper-case character with small ones behind it.
func capital(t string) bool {
	r, size := utf8.DecodeRuneInString(t)
	if !isUpper(r) {
		return false
	}
	some := false
	for _, r := range t[size:] {
		if isUpper(r) || unicode.IsTitle(r) {
			return false
		}
		some = some || isLower(r)
	}
	return some
}

// mostRepeats bounds what DecodeSpecTokens repeats: models may write any number.
const mostRepeats = 1000

// DecodeSpecTokens undoes xxmaj, xxup, xxrep and xxwrep for a reader. A number is used once; in fastai
// 1.0.61 it stayed in force for all words after it. Where no number follows, the mark is dropped.
func DecodeSpecTokens(tokens []string) []string {
	out := make([]string, 0, len(tokens))
	mark, n := "", 0
	for _, t := range tokens {
		switch t {
		case data.TKMaj, data.TKUp, data.TKRep, data.TKWRep:
			mark, n = t, 0
			continue
		}
		switch {
		case mark == data.TKMaj:
			_, size := utf8.DecodeRuneInString(t)
			t = strings.ToUpper(t[:size]) + strings.ToLower(t[size:])
		case mark == data.TKUp:
			t = strings.ToUpper(t)
		case mark != "" && n == 0:
			k, err := strconv.Atoi(t)
			if err == nil && k > 0 {
				n = min(k, mostRepeats)
				continue
			}
		case mark == data.TKRep:
			t = strings.Repeat(t, n)
		case mark == data.TKWRep:
			for range n - 1 {
				out = append(out, t)
			}
		}
		out, mark, n = append(out, t), "", 0
	}
	return out
}

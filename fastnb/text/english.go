package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// english cuts texts into words and signs as spaCy 2.3's tokenizer for English does: a text is cut at
// blanks; from each piece signs are taken off in front and behind until an exception or nothing more is
// found; what is left is cut at signs between letters.
type english struct {
	whole   map[string][]string
	longest int // of whole, in bytes
}

func newEnglish(special []string) *english {
	e := &english{whole: exceptions()}
	for _, s := range special {
		e.whole[s] = []string{s}
	}
	for s := range e.whole {
		e.longest = max(e.longest, len(s))
	}
	return e
}

// exception gives the tokens of a piece that is one. Long pieces are not looked up: that would take time
// with their length, for each sign that is taken off.
func (e *english) exception(s string) ([]string, bool) {
	if len(s) > e.longest {
		return nil, false
	}
	parts, ok := e.whole[s]
	return parts, ok
}

// pieces calls f with the pieces of a text: what is between blanks, and blanks other than the one that
// separates. Blanks in front of all are a piece whole.
func pieces(s string, f func(piece string)) {
	for at := 0; at < len(s); {
		blank := isSpaceAt(s, at)
		end := at
		for end < len(s) {
			c, size := s[end], 1
			is := c == ' ' || c >= '\t' && c <= '\r' || c >= 0x1c && c <= 0x1f
			if c >= utf8.RuneSelf {
				var r rune
				r, size = utf8.DecodeRuneInString(s[end:])
				is = isSpace(r)
			}
			if is != blank {
				break
			}
			end += size
		}
		start := at
		if blank && at > 0 && s[at] == ' ' {
			start++
		}
		if start < end {
			f(s[start:end])
		}
		at = end
	}
}

// cut appends the tokens of a piece without blanks.
func (e *english) cut(out []string, s string) []string {
	var behind []string
	for last := -1; s != "" && len(s) != last; {
		if _, ok := e.exception(s); ok {
			break
		}
		last = len(s)
		pre := prefix(s)
		if rest := s[pre:]; pre > 0 && rest != "" {
			if _, ok := e.exception(rest); ok {
				out, s = append(out, s[:pre]), rest
				break
			}
		}
		suf := suffix(s)
		if rest := s[:len(s)-suf]; suf > 0 && rest != "" {
			if _, ok := e.exception(rest); ok {
				behind, s = append(behind, s[len(rest):]), rest
				break
			}
		}
		if pre+suf > len(s) {
			suf = 0 // they overlap: the one in front goes first
		}
		if pre > 0 {
			out = append(out, s[:pre])
		}
		if suf > 0 {
			behind = append(behind, s[len(s)-suf:])
		}
		s = s[pre : len(s)-suf]
	}
	out = e.middle(out, s)
	for k := len(behind) - 1; k >= 0; k-- {
		out = append(out, behind[k])
	}
	return out
}

// middle appends the tokens of what signs were taken off.
func (e *english) middle(out []string, s string) []string {
	if s == "" {
		return out
	}
	if parts, ok := e.exception(s); ok {
		return append(out, parts...)
	}
	if isURL(s) {
		return append(out, s)
	}
	start := 0
	for at := 0; at < len(s); {
		n := infix(s, at)
		if n == 0 {
			_, size := utf8.DecodeRuneInString(s[at:])
			at += size
			continue
		}
		if at > 0 { // a sign in front belongs to the word
			if at > start {
				out = append(out, s[start:at])
			}
			out = append(out, s[at:at+n])
			start = at + n
		}
		at += n
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// Signs that stand alone in front of a word and behind it.
const (
	quotes     = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉"
	punct      = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
	currencies = "$£€¥฿₽﷼₴"
)

// prefix is the length of the sign that s begins with, or 0.
func prefix(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == '+':
		if len(s) > 1 && isDigit(s[1]) {
			return 0
		}
		return 1
	case r == '.':
		if n := dots(s); n > 1 {
			return n
		}
		return 0
	case strings.HasPrefix(s, "US$"):
		return 3
	case strings.HasPrefix(s, "C$"), strings.HasPrefix(s, "A$"):
		return 2
	case r < utf8.RuneSelf && isWord(r) && r != '_':
		return 0
	case strings.ContainsRune("§%=—–"+punct+quotes+currencies, r), isIcon(r):
		return size
	}
	return 0
}

func dots(s string) int { return len(s) - len(strings.TrimLeft(s, ".")) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isIcon reports pictures and such: Unicode's other symbols.
func isIcon(r rune) bool { return r >= utf8.RuneSelf && unicode.Is(unicode.So, r) }

// units follow a number without a blank.
var units = unitTable(`km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa
	Pa mbar mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с км/ч кПа Па
	мбар Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ كوب اكواب
	$ £ € ¥ ฿ US$ C$ A$ ₽ ﷼ ₴ +`)

// unitTable has the units by their last byte.
func unitTable(s string) (t [256][]string) {
	for _, u := range words(s) {
		t[u[len(u)-1]] = append(t[u[len(u)-1]], u)
	}
	return t
}

// suffix is the length of the sign or unit that s ends in, the longest there is, or 0.
func suffix(s string) int {
	r, size := utf8.DecodeLastRuneInString(s)
	n := 0
	switch {
	case r == '.':
		n = suffixDots(s)
	case r == 's' || r == 'S':
		if q, k := utf8.DecodeLastRuneInString(s[:len(s)-1]); q == '\'' || q == '’' {
			return 1 + k
		}
	case r == '…' && strings.HasSuffix(s, "……"):
		n = 2 * size
	case r < utf8.RuneSelf && isWord(r) && r != '_':
	case strings.ContainsRune(punct+quotes+"—–", r), isIcon(r):
		n = size
	}
	for _, u := range units[s[len(s)-1]] {
		if k := len(s) - len(u); len(u) > n && k > 0 && isDigit(s[k-1]) && s[k:] == u {
			n = len(u)
		}
	}
	return n
}

// suffixDots tells how many of the dots behind s come off: all of several, and a single one unless it
// belongs to an abbreviation, which is a capital alone.
func suffixDots(s string) int {
	word := strings.TrimRight(s, ".")
	if n := len(s) - len(word); n > 1 {
		return n
	}
	r, size := utf8.DecodeLastRuneInString(word)
	if word == "" {
		return 0
	}
	if isDigitRune(r) || smallLetter(r) || strings.ContainsRune("%²-+|(?:"+punct+quotes, r) {
		return 1
	}
	before, _ := utf8.DecodeLastRuneInString(word[:len(word)-size])
	if len(word) > size && (bigLetter(r) && bigLetter(before) || before == '°' && strings.ContainsRune("FfCcKk", r)) {
		return 1
	}
	return 0
}

func isDigitRune(r rune) bool { return r >= '0' && r <= '9' }

// smallLetter reports lower-case letters and those of scripts without case; bigLetter the other way.
func smallLetter(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z'
	}
	return unicode.IsLetter(r) && !unicode.IsUpper(r)
}

func bigLetter(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'A' && r <= 'Z'
	}
	return unicode.IsLetter(r) && !unicode.IsLower(r)
}

func letter(r rune) bool { return smallLetter(r) || bigLetter(r) }

// hyphens join words; longer ones first where one begins like another.
var hyphens = []string{"---", "--", "-", "——", "—", "–", "~"}

// infix is the length of the sign at a place inside s that words are cut at, or 0.
func infix(s string, at int) int {
	c := s[at]
	if c < utf8.RuneSelf && isWord(rune(c)) {
		return 0
	}
	if c == '.' {
		if n := dots(s[at:]); n > 1 {
			return n
		}
	}
	r, size := utf8.DecodeRuneInString(s[at:])
	if r == '…' || isIcon(r) {
		return size
	}
	if at == 0 || at+size == len(s) {
		return 0
	}
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	after, _ := utf8.DecodeRuneInString(s[at+size:])
	if cutBetween(before, r, after) {
		return 1
	}
	if letter(before) {
		return hyphen(s, at)
	}
	return 0
}

// cutBetween reports whether words are cut at a sign between two others.
func cutBetween(before, sign, after rune) bool {
	switch sign {
	case '+', '-', '*', '^':
		return isDigitRune(before) && (isDigitRune(after) || after == '-')
	case '.':
		return (smallLetter(before) || strings.ContainsRune(quotes, before)) && (bigLetter(after) || strings.ContainsRune(quotes, after))
	case ',':
		return letter(before) && letter(after)
	case ':', '<', '>', '=', '/':
		return (letter(before) || isDigitRune(before)) && letter(after)
	}
	return false
}

// hyphen is the length of the hyphen at a place inside s that a letter follows, or 0.
func hyphen(s string, at int) int {
	for _, h := range hyphens {
		if strings.HasPrefix(s[at:], h) {
			if next, _ := utf8.DecodeRuneInString(s[at+len(h):]); letter(next) {
				return len(h)
			}
		}
	}
	return 0
}

package data

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"github.com/fastnb/go/datasets"
)

// EncodingOption is what Encoding gives.
type EncodingOption struct{ name string }

func (o EncodingOption) applyCSV(c *csvConfig)   { c.encoding = o.name }
func (o EncodingOption) applyFrom(c *fromConfig) { c.csv.encoding = o.name }
func (o EncodingOption) applyLines(name *string) { *name = o.name }
func (o EncodingOption) String() string          { return o.name }

func (o EncodingOption) applyFactory(c *Factory) {
	c.From = append(c.From, o)
	c.Note("Encoding", FactoryOfLists)
}

// Encoding names how the characters of a text file are written, such as "latin1", "windows-1252", "utf-16le",
// "gbk" or "shift_jis" (default UTF-8, or what a byte-order mark says).
func Encoding(name string) EncodingOption { return EncodingOption{name} }

// LinesOption is an option of LoadStrings: Encoding.
type LinesOption interface{ applyLines(encoding *string) }

// EncodedKind is a Kind whose items are text files: Encoding says how they are written.
type EncodedKind interface {
	Kind
	WithEncoding(name string) Kind
}

// ReadText reads a text file: UTF-8, or UTF-16 with a byte-order mark, or what enc names ("" for none of
// them). A byte-order mark is no part of the text. Bytes that are no characters are an error that names
// their line.
func ReadText(file, enc string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	return decodeText(b, enc)
}

// The byte-order marks.
var (
	markUTF8    = []byte("\xef\xbb\xbf")
	markUTF16LE = []byte("\xff\xfe")
	markUTF16BE = []byte("\xfe\xff")
)

// decodeText is ReadText for a file's bytes.
func decodeText(b []byte, enc string) (string, error) {
	e, err := encodingOf(enc)
	switch {
	case err != nil:
		return "", err
	case bytes.HasPrefix(b, markUTF16LE), bytes.HasPrefix(b, markUTF16BE):
		e = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case bytes.HasPrefix(b, markUTF8):
		b, e = b[len(markUTF8):], nil
	}
	if e != nil {
		return decodeAs(b, e)
	}
	if at := bytes.IndexByte(b, 0); at >= 0 {
		return "", fmt.Errorf(`line %d: there is a NUL, so this is no text in UTF-8 (try Encoding("utf-16le"), or "utf-16be")`, 1+bytes.Count(b[:at], []byte("\n")))
	}
	if !utf8.Valid(b) {
		return "", notUTF8(b, enc)
	}
	return string(b), nil
}

// decodeAs decodes; what the encoding does not have is an error.
func decodeAs(b []byte, e encoding.Encoding) (string, error) {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", err
	}
	if at := bytes.IndexRune(out, utf8.RuneError); at >= 0 {
		return "", fmt.Errorf("line %d: there are bytes that are no characters of this encoding", 1+bytes.Count(out[:at], []byte("\n")))
	}
	return string(out), nil
}

// notUTF8 names the first line that is not UTF-8.
func notUTF8(b []byte, enc string) error {
	line := 1
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		b = b[n:]
	}
	hint := `try Encoding("latin1") or another, or save the file as UTF-8`
	if enc != "" {
		hint = "try another Encoding"
	}
	return fmt.Errorf("line %d: the byte %#x is not UTF-8 (%s)", line, b[0], hint)
}

// encodingOf finds an encoding by name, nil for UTF-8. Names are those of the web, but that "latin1" is
// Latin-1, as Python has it, and not Windows' extension of it.
func encodingOf(name string) (encoding.Encoding, error) {
	switch strings.ToLower(strings.ReplaceAll(name, "_", "-")) {
	case "", "utf-8", "utf8", "utf-8-sig", "ascii":
		return nil, nil
	case "latin1", "latin-1", "iso-8859-1", "iso8859-1", "l1":
		return charmap.ISO8859_1, nil
	case "utf-16-le", "utf-16-be":
		name = "utf-16" + strings.ToLower(name[len(name)-2:])
	case "utf-16", "utf16":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	case "cp1252":
		name = "windows-1252"
	}
	e, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("Encoding(%q): there is no such encoding (try utf-8, utf-16le, utf-16be, latin1, windows-1252, gbk, shift_jis or another of the web)", name)
	}
	return e, nil
}

// plainLines makes "\n" of all ends of lines.
func plainLines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// csvLines makes "\n" of ends of lines that are a "\r" alone, but not inside quotes, where they are text.
func csvLines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	out, quoted := []byte(s), false
	for i, c := range out {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\r' && !quoted && (i+1 == len(out) || out[i+1] != '\n'):
			out[i] = '\n'
		}
	}
	return string(out)
}

// line is a line of a text file.
type line struct {
	at   int // from 1
	text string
}

// readLines gives the lines of a text file, trimmed, without empty ones.
func readLines(file, enc string) ([]line, error) {
	s, err := ReadText(file, enc)
	if err != nil {
		return nil, err
	}
	var out []line
	at := 0
	for l := range strings.Lines(plainLines(s)) {
		at++
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, line{at, l})
		}
	}
	return out, nil
}

// LoadStrings reads the lines of a text file, without blanks around them; empty lines are left out. Option:
// Encoding (UTF-8, or what a byte-order mark says).
func LoadStrings(path datasets.Path, opts ...LinesOption) ([]string, error) {
	var enc string
	for _, o := range opts {
		o.applyLines(&enc)
	}
	lines, err := readLines(path.String(), enc)
	if err != nil {
		return nil, fmt.Errorf("fastnb: load strings: %s: %w", path, reason(err))
	}
	s := make([]string, len(lines))
	for i, l := range lines {
		s[i] = l.text
	}
	return s, nil
}

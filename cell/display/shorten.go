package display

import (
	"fmt"
	"unicode/utf8"
)

// A result's plain text of more than longest characters is shown by its first and last ones: a notebook that
// keeps hundreds of thousands of numbers is of no use, and pages take seconds to show them.
const (
	longest   = 10_000
	fromStart = 2_000
	fromEnd   = 400
)

// Shorten is s, or where it is very long its beginning, what is left out, and its end. Print what is wanted
// whole: printed text is not shortened.
func Shorten(s string) string {
	n := utf8.RuneCountInString(s)
	if n <= longest {
		return s
	}
	r := []rune(s)
	return fmt.Sprintf("%s … (%d characters left out; print it to see all) … %s", string(r[:fromStart]), n-fromStart-fromEnd, string(r[n-fromEnd:]))
}

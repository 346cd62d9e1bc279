package text

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// isURL reports whether all of s is an address: an optional scheme, an optional user with "@", a host
// with a domain in small letters or a public IPv4 number, an optional port, path or query. It keeps
// addresses in one piece, so it is as generous as spaCy is.
func isURL(s string) bool {
	if strings.IndexByte(s, '.') < 0 {
		return false
	}
	if isLocation(s) {
		return true
	}
	if scheme, rest, ok := strings.Cut(s, "://"); ok && isScheme(scheme) && isLocation(rest) {
		return true
	}
	for at := 1; at < len(s); at++ {
		if s[at] == '@' && isLocation(s[at+1:]) {
			return true
		}
	}
	return false
}

func isScheme(s string) bool {
	n := 0
	for _, r := range s {
		if !isWord(r) && !strings.ContainsRune("+-.", r) {
			return false
		}
		n++
	}
	return n >= 2
}

// isLocation is the part of an address from the host on.
func isLocation(s string) bool {
	end := strings.IndexFunc(s, func(r rune) bool { return !isHostRune(r) && r != '.' && r != '_' && r != '-' })
	if end < 0 {
		end = len(s)
	}
	return isPortAndPath(s[end:]) && (isDomain(s[:end]) || isPublicIP(s[:end]))
}

func isPortAndPath(s string) bool {
	if strings.HasPrefix(s, ":") {
		n := 1
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		if n < 3 || n > 6 { // two to five digits
			return false
		}
		s = s[n:]
	}
	return s == "" || strings.ContainsRune("/?#", rune(s[0]))
}

func isHostRune(r rune) bool {
	return r < utf8.RuneSelf && isWord(r) && r != '_' || r >= 0xa1 && r <= 0xffff
}

// The longest labels of a domain, in characters.
const (
	longestLabel = 64
	longestTop   = 63
)

func isDomain(s string) bool {
	labels := strings.Split(s, ".")
	top := labels[len(labels)-1]
	if n := utf8.RuneCountInString(top); len(labels) < 2 || n < 2 || n > longestTop {
		return false
	}
	for _, r := range top {
		if !smallLetter(r) {
			return false
		}
	}
	for _, l := range labels[:len(labels)-1] {
		first, _ := utf8.DecodeRuneInString(l)
		last, _ := utf8.DecodeLastRuneInString(l)
		if l == "" || utf8.RuneCountInString(l) > longestLabel || !isHostRune(first) || !isHostRune(last) {
			return false
		}
	}
	return true
}

// isPublicIP reports IPv4 numbers outside the private and special ranges.
func isPublicIP(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return false
	}
	var n [4]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || len(p) > 3 || v > 255 || (i == 0 || i == 3) && p[0] == '0' {
			return false
		}
		n[i] = v
	}
	switch {
	case n[0] == 0 || n[0] > 223 || n[3] == 0 || n[3] > 254,
		n[0] == 10, n[0] == 127, n[0] == 169 && n[1] == 254, n[0] == 192 && n[1] == 168,
		n[0] == 172 && n[1] >= 16 && n[1] <= 31:
		return false
	}
	return true
}

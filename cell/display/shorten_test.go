package display

import (
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	whole := strings.Repeat("é", longest)
	if Shorten(whole) != whole {
		t.Error("a text that fits was changed")
	}
	s := Shorten("a" + whole + "z")
	if len([]rune(s)) > 3000 || !strings.HasPrefix(s, "aé") || !strings.HasSuffix(s, "éz") || !strings.Contains(s, "(7602 characters left out") {
		t.Errorf("%.80s … %s", s, s[len(s)-60:])
	}
}

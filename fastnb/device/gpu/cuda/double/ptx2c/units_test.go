package main

import (
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device/gpu/cuda/ptx"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
)

// entries cuts a module's text into what one entry needs.
func entries(text string) []string {
	var outside strings.Builder
	var found []string
	for text != "" {
		at := strings.Index(text, ".visible .entry")
		if at < 0 {
			outside.WriteString(text)
			break
		}
		outside.WriteString(text[:at])
		text = text[at:]
		depth, end := 0, 0
		for i, c := range text {
			if c == '{' {
				depth++
			}
			if c == '}' {
				if depth--; depth == 0 {
					end = i + 1
					break
				}
			}
		}
		found = append(found, text[:end])
		text = text[end:]
	}
	for i := range found {
		found[i] = outside.String() + found[i]
	}
	return found
}

// Every kernel there is can be translated.
func TestEveryUnit(t *testing.T) {
	n := 0
	for _, u := range kernels.Units() {
		text, err := ptx.Text(u.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, e := range entries(text) {
			n++
			m, err := parse(e)
			if err == nil {
				_, err = translate(m)
			}
			if err != nil {
				t.Errorf("%s: %v", u.Name, err)
			}
		}
	}
	t.Logf("%d entries", n)
}

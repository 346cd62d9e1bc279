package serve

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/text"
)

// word is a word of a text, and how much it weighs in the answer: the weightiest 1.
type word struct {
	Text   string  `json:"text"`
	Weight float64 `json:"weight"`
}

// mostWeighed bounds the texts whose words are weighed, in bytes: derivatives take memory for each word.
const mostWeighed = 20_000

// weigh tells which words of a text the class goes by; nothing for models and texts of which it cannot be told.
func weigh(ctx context.Context, m *fastnb.Model, s string, class int) ([]word, error) {
	if a := m.Arch(); len(s) > mostWeighed || a == nil || a.Kind != "text classifier" {
		return nil, nil
	}
	x, weights, err := text.Attention(ctx, m, s, class)
	if err != nil {
		return nil, err
	}
	return readable(x.Tokens(), weights), nil
}

// readable is tokens as a reader writes them: what the tokenizer marks by tokens of their own, such as capitals, is
// part of the next word, with the larger weight of both.
func readable(tokens []string, weights []float64) []word {
	var out []word
	mark, of := "", 0.0
	for i, t := range tokens {
		if t == "xxbos" { // the text's beginning is no part of its first word
			continue
		}
		if strings.HasPrefix(t, "xx") && t != "xxunk" {
			mark, of = t, max(of, weights[i])
			continue
		}
		switch mark {
		case "xxmaj":
			r, n := utf8.DecodeRuneInString(t)
			t = string(unicode.ToUpper(r)) + t[n:]
		case "xxup":
			t = strings.ToUpper(t)
		}
		if t == "xxunk" {
			t = "?"
		}
		out = append(out, word{t, max(weights[i], of)})
		mark, of = "", 0
	}
	return out
}

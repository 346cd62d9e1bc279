package data

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The tokens that every vocabulary starts with, at these numbers (fastai/text/transform.py).
const (
	UNK     = "xxunk"  // 0: any word that the vocabulary lacks
	PAD     = "xxpad"  // 1: fills the shorter texts of a batch
	BOS     = "xxbos"  // 2: start of a text
	EOS     = "xxeos"  // 3: end of a text, where it is asked for
	FLD     = "xxfld"  // 4: start of a field, its number follows
	TKMaj   = "xxmaj"  // 5: the next word had a capital
	TKUp    = "xxup"   // 6: the next word was in capitals
	TKRep   = "xxrep"  // 7: a number and a character follow that stood so many times
	TKWRep  = "xxwrep" // 8: a number and a word follow that stood so many times
	padFake = "xxfake" // fills a vocabulary up
)

// PadID is the number of the padding token.
const PadID = 1

// SpecialTokens are the tokens that every vocabulary starts with.
func SpecialTokens() []string { return []string{UNK, PAD, BOS, EOS, FLD, TKMaj, TKUp, TKRep, TKWRep} }

// Vocab numbers words. It is not changed after it was made.
type Vocab struct {
	Itos []string       // word of each number
	Stoi map[string]int // number of each word
}

// NewVocab is the vocabulary of the given words, in their order. A word that stands twice has its last
// number, as in fastai.
func NewVocab(itos []string) *Vocab {
	v := &Vocab{Itos: slices.Clone(itos), Stoi: make(map[string]int, len(itos))}
	for k, w := range v.Itos {
		v.Stoi[w] = k
	}
	return v
}

// VocabFromCounts makes the vocabulary of counted words: the most frequent of those seen at least
// minFreq times, at most most with the special tokens, equally frequent ones in the order given. A
// vocabulary below most words is filled up with xxfake to a multiple of 8, which keeps the sizes of
// matrices even (fastai's Vocab.create).
func VocabFromCounts(words []string, counts []int, most, minFreq int) *Vocab {
	order := make([]int, len(words))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return counts[b] - counts[a] })
	itos := SpecialTokens()
	special := map[string]bool{}
	for _, s := range itos {
		special[s] = true
	}
	for _, k := range order[:min(len(order), max(most, 0))] {
		if counts[k] >= minFreq && !special[words[k]] {
			itos = append(itos, words[k])
		}
	}
	itos = itos[:min(len(itos), max(most, 0))]
	const even = 8
	for len(itos) < most && len(itos)%even != 0 {
		itos = append(itos, padFake)
	}
	return NewVocab(itos)
}

// Len is the number of words.
func (v *Vocab) Len() int { return len(v.Itos) }

// Numericalize gives the numbers of tokens; those that the vocabulary lacks are 0 (xxunk).
func (v *Vocab) Numericalize(tokens []string) []int64 {
	ids := make([]int64, len(tokens))
	for k, t := range tokens {
		ids[k] = int64(v.Stoi[t])
	}
	return ids
}

// Textify joins the words of numbers with blanks, or with another separator. A number that is out of
// range reads as xxunk.
func (v *Vocab) Textify(ids []int64, sep ...string) string {
	s := " "
	if len(sep) > 0 {
		s = sep[0]
	}
	return strings.Join(v.Words(ids), s)
}

// Words are the words of numbers.
func (v *Vocab) Words(ids []int64) []string {
	w := make([]string, len(ids))
	for k, id := range ids {
		w[k] = UNK
		if id >= 0 && int(id) < len(v.Itos) {
			w[k] = v.Itos[id]
		}
	}
	return w
}

// Equal reports whether both number the same words alike.
func (v *Vocab) Equal(o *Vocab) bool {
	return v == o || v != nil && o != nil && slices.Equal(v.Itos, o.Itos) && maps.Equal(v.Stoi, o.Stoi)
}

// String tells how many words there are, and the first.
func (v *Vocab) String() string {
	const first = 12
	return fmt.Sprintf("Vocab (%d words)\n%s", len(v.Itos), quoted(v.Itos[:min(first, len(v.Itos))]))
}

package text

import (
	"fmt"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// option makes an option of lists that changes the config.
func option(name string, set func(*config) error) data.FromOption {
	return data.ForKind(func(k data.Kind) (data.Kind, error) {
		t, ok := k.(textual)
		if !ok {
			return k, fmt.Errorf("option %s is for lists of texts, not of %s (try it with TextListFromFolder and the like)", name, k.Name())
		}
		c := t.conf()
		if err := set(&c); err != nil {
			return k, fmt.Errorf("%s: %w", name, err)
		}
		return t.with(c), nil
	})
}

// WithVocab numbers the words by a given vocabulary, as dataLM.Vocab.Itos, instead of making one; words it
// lacks are xxunk.
func WithVocab(itos []string) data.FromOption {
	return option("WithVocab", func(c *config) error {
		if len(itos) == 0 {
			return fmt.Errorf("the vocabulary is empty")
		}
		c.vocab = data.NewVocab(itos)
		return c.one()
	})
}

// MaxVocab is how many words a vocabulary has at most (default 60,000).
func MaxVocab(n int) data.FromOption {
	return option("MaxVocab", func(c *config) error {
		if least := len(data.SpecialTokens()) + 1; n < least {
			return fmt.Errorf("%d words: there must be at least %d", n, least)
		}
		c.most, c.sized = n, "MaxVocab"
		return c.one()
	})
}

// MinFreq is how often a word must stand in the training texts to get into the vocabulary (default 3; 2
// for the one-line factories, as in fastai).
func MinFreq(n int) data.FromOption {
	return option("MinFreq", func(c *config) error {
		c.minFreq, c.sized = n, "MinFreq"
		return c.one()
	})
}

// usualFreq is MinFreq as a factory's default, which nobody asked for.
func usualFreq(n int) data.FromOption {
	return option("MinFreq", func(c *config) error { c.minFreq = n; return nil })
}

// one is an error where a vocabulary is given and how to make one too.
func (c *config) one() error {
	if c.vocab != nil && c.sized != "" {
		return fmt.Errorf("%s has no effect beside WithVocab, whose words are settled (try one of them)", c.sized)
	}
	return nil
}

// MarkFields puts xxfld and its number before each field of a text (default false).
func MarkFields(on bool) data.FromOption {
	return option("MarkFields", func(c *config) error { c.marks = on; return nil })
}

// IncludeBOS puts xxbos before each text (default true).
func IncludeBOS(on bool) data.FromOption {
	return option("IncludeBOS", func(c *config) error { c.bos = on; return nil })
}

// IncludeEOS puts xxeos behind each text (default false).
func IncludeEOS(on bool) data.FromOption {
	return option("IncludeEOS", func(c *config) error { c.eos = on; return nil })
}

// WithTokenizer cuts texts by a tokenizer with rules of the reader's own.
func WithTokenizer(t *Tokenizer) data.FromOption {
	return option("WithTokenizer", func(c *config) error {
		if t == nil {
			return fmt.Errorf("no tokenizer given")
		}
		c.tok = t
		return nil
	})
}

// TextListFromCSV is a list of the texts in the columns of the table path/name. Options: Cols (0),
// WithVocab, MaxVocab (60,000), MinFreq (3), MarkFields (false), IncludeBOS (true), IncludeEOS (false),
// WithTokenizer; data's Delimiter, Header.
func TextListFromCSV(path datasets.Path, name string, o ...data.FromOption) *data.ItemList {
	return data.ListFromCSV(textKind{newConfig()}, path, name, o...)
}

// TextListFromTable is TextListFromCSV for a table in memory.
func TextListFromTable(path datasets.Path, t *data.Table, o ...data.FromOption) *data.ItemList {
	return data.ListFromTable(textKind{newConfig()}, path, t, o...)
}

// TextListFromFolder is a list of the texts in the files below path that end in .txt (UTF-8). Options as
// TextListFromCSV and data's Recurse (true), Include, Exclude, Extensions.
func TextListFromFolder(path datasets.Path, o ...data.FromOption) *data.ItemList {
	return data.ListFromFolder(fileKind{config: newConfig()}, path, o...)
}

package text

import (
	"strings"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// Text is one text: the numbers of its tokens, or, before its list was labelled, the text itself.
type Text struct {
	ids   []int32
	vocab *data.Vocab
	raw   string
}

// NewText is the text of given numbers. A number that the vocabulary lacks is read as xxunk.
func NewText(ids []int64, v *data.Vocab) *Text {
	t := &Text{ids: make([]int32, len(ids)), vocab: v}
	for k, id := range ids {
		if id >= 0 && int(id) < v.Len() {
			t.ids[k] = int32(id)
		}
	}
	return t
}

// Len is the number of tokens.
func (t *Text) Len() int { return len(t.ids) }

// Data is the numbers of the tokens.
func (t *Text) Data() []int64 {
	ids := make([]int64, len(t.ids))
	for k, id := range t.ids {
		ids[k] = int64(id)
	}
	return ids
}

// Tokens are the words of the numbers.
func (t *Text) Tokens() []string {
	w := make([]string, len(t.ids))
	for k, id := range t.ids {
		w[k] = t.vocab.Itos[id]
	}
	return w
}

// Tensor is the numbers, int64 [n].
func (t *Text) Tensor() *tensor.Tensor { return tensor.FromInt64(t.Data(), len(t.ids)) }

// String is the tokens with blanks between.
func (t *Text) String() string {
	if t.vocab == nil {
		return t.raw
	}
	return strings.Join(t.Tokens(), " ")
}

// Show shows the text.
func (t *Text) Show(o ...data.ShowOption) *plotting.Figure {
	if err := data.NewShowConfig(data.Train, o...).Refuse("show", "Text.Show"); err != nil {
		return plotting.Failed(err)
	}
	return plotting.TextFigure(t.String())
}

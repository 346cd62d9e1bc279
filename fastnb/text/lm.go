package text

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// lmKind is the target of a language model: each text one token further on.
type lmKind struct{ vocab *data.Vocab }

func (lmKind) Name() string                        { return "lm" }
func (k lmKind) Fit([]any) (data.LabelKind, error) { return k, nil }
func (lmKind) Encode(any) (any, error)             { return nil, nil }
func (lmKind) Open(any) (data.Item, error)         { return data.EmptyLabel{}, nil }
func (lmKind) Classes() []string                   { return nil }
func (lmKind) Loss() nn.Loss                       { return nn.CrossEntropyFlat }

// C is the number of words.
func (k lmKind) C() int {
	if k.vocab == nil {
		return 0
	}
	return k.vocab.Len()
}

// Decode makes the most likely words of predictions [T, V].
func (k lmKind) Decode(pred *tensor.Tensor, _ data.DecodeArgs) (data.Item, error) {
	s := pred.Shape()
	if len(s) != 2 || k.vocab == nil || s[1] != k.vocab.Len() {
		return nil, fmt.Errorf("fastnb: decode: predictions of shape %v for a vocabulary of %d words", s, k.C())
	}
	best := pred.ArgMax(1)
	if err := best.Err(); err != nil {
		return nil, err
	}
	return NewText(best.Int64s(), k.vocab), nil
}

// State is the vocabulary.
func (k lmKind) State() (json.RawMessage, error) {
	if k.vocab == nil {
		return json.Marshal([]string{})
	}
	return json.Marshal(k.vocab.Itos)
}

func init() {
	data.RegisterLabelKind("lm", func(raw json.RawMessage) (data.LabelKind, error) {
		var itos []string
		if err := json.Unmarshal(raw, &itos); err != nil {
			return nil, err
		}
		return lmKind{data.NewVocab(itos)}, nil
	})
}

// Batches reads the texts as one long circle.
func (k lmKind) Batches(items []data.Item, p data.Plan) (data.BatchSource, error) {
	s := &stream{bs: p.BS, bptt: p.BPTT, backwards: p.Backwards}
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	if p.Train {
		order = p.Perm(len(items))
	}
	if s.backwards {
		slices.Reverse(order)
	}
	docs := make([][]int32, len(items))
	for i, x := range order {
		docs[i] = items[x].(*Text).ids
	}
	return s, s.lay(docs)
}

// stream is texts one behind the other in a circle, read by rows that start evenly spaced (fastai's
// LanguageModelPreLoader).
type stream struct {
	bs, bptt  int
	backwards bool
	docs      [][]int32 // in the order they are read; backwards each from its end
	ends      []int     // position behind each
}

func (s *stream) lay(docs [][]int32) error {
	total := 0
	s.docs, s.ends = docs, make([]int, len(docs))
	for k, d := range docs {
		total += len(d)
		s.ends[k] = total
	}
	if total == 0 {
		return fmt.Errorf("fastnb: language model data: there is no token in %d texts", len(docs))
	}
	return nil
}

func (s *stream) total() int { return s.ends[len(s.ends)-1] }

// Len is the number of batches that read every token at least once.
func (s *stream) Len() int {
	n := s.bs * s.bptt
	return (s.total() + n - 1) / n
}

// Batch fills batch i.
func (s *stream) Batch(i int) (*data.Batch, error) {
	x, y := tensor.New(tensor.Int64, s.bs, s.bptt), tensor.New(tensor.Int64, s.bs, s.bptt)
	row := make([]int64, s.bptt+1)
	step := float64(s.total()) / float64(s.bs)
	for j := range s.bs {
		s.read(row, int(step*float64(j))+i*s.bptt)
		copy(x.Int64s()[j*s.bptt:], row[:s.bptt])
		copy(y.Int64s()[j*s.bptt:], row[1:])
	}
	return &data.Batch{X: []*tensor.Tensor{x}, Y: []*tensor.Tensor{y}, N: s.bs}, nil
}

// read fills row with the tokens from position at on.
func (s *stream) read(row []int64, at int) {
	at %= s.total()
	d := sort.SearchInts(s.ends, at+1)
	off := at - (s.ends[d] - len(s.docs[d]))
	for n := 0; n < len(row); d, off = (d+1)%len(s.docs), 0 {
		doc := s.docs[d]
		for k := off; k < len(doc) && n < len(row); k++ {
			id := doc[k]
			if s.backwards {
				id = doc[len(doc)-1-k]
			}
			row[n] = int64(id)
			n++
		}
	}
}

// ShowBatch shows the first rows of a batch.
func (lmKind) ShowBatch(k data.Kind, b *data.Batch, c data.ShowConfig) *plotting.Figure {
	v := k.(textual).conf().vocab
	n := min(c.Rows, b.N)
	rows := make([][]string, n)
	for i := range rows {
		rows[i] = []string{fmt.Sprint(i), cut(v.Textify(b.X[0].At(i).Int64s()))}
	}
	return plotting.HTMLTable([]string{"idx", "text"}, rows)
}

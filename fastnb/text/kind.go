package text

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// config is how texts become numbers.
type config struct {
	tok     *Tokenizer
	vocab   *data.Vocab // nil: made of the training texts
	most    int         // words of a vocabulary
	minFreq int         // how often a word must be there
	sized   string      // the option that a user gave of these two
	marks   bool        // xxfld and a number before each field
	bos     bool        // xxbos in front
	eos     bool        // xxeos behind
}

// fastai's defaults of its processors; the one-line factories take words seen twice.
const (
	defaultMaxVocab = 60000
	defaultMinFreq  = 3
	factoryMinFreq  = 2
)

func newConfig() config {
	return config{tok: NewTokenizer(), most: defaultMaxVocab, minFreq: defaultMinFreq, bos: true}
}

// textKind is texts given as they are, such as fields of a table.
type textKind struct{ config }

// fileKind is texts in files.
type fileKind struct {
	config
	encoding string // "": UTF-8, or what a byte-order mark says
}

// textual is what both kinds are for the functions that treat them alike.
type textual interface {
	data.Preparer
	conf() config
	with(config) textual
}

func (c config) conf() config                    { return c }
func (k textKind) with(c config) textual         { return textKind{c} }
func (k fileKind) with(c config) textual         { return fileKind{c, k.encoding} }
func (textKind) Name() string                    { return "text" }
func (fileKind) Name() string                    { return "text_file" }
func (c config) Vocabulary() *data.Vocab         { return c.vocab }
func (c config) LMKind() data.LabelKind          { return lmKind{c.vocab} }
func (fileKind) Extensions() []string            { return []string{".txt"} }
func (k textKind) read(r string) (string, error) { return r, nil }

func (k fileKind) read(ref string) (string, error) {
	s, err := data.ReadText(ref, k.encoding)
	if err != nil && !strings.Contains(err.Error(), ref) {
		err = fmt.Errorf("%s: %w", ref, err)
	}
	if err != nil {
		return "", err
	}
	return newlines(s), nil
}

// WithEncoding says how the characters of the files are written.
func (k fileKind) WithEncoding(name string) data.Kind {
	k.encoding = name
	return k
}

// newlines makes "\n" of all ends of lines, as Python's text files do.
func newlines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// Ref joins the fields of a row.
func (k textKind) Ref(fields []string) string {
	if !k.marks {
		return strings.Join(fields, " ")
	}
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s %d %s", data.FLD, i+1, f)
	}
	return b.String()
}

// frame puts the marks around a text that its tokens shall have.
func (c config) frame(s string) string {
	if c.marks && !strings.HasPrefix(s, data.FLD+" ") {
		s = data.FLD + " 1 " + s
	}
	if c.bos {
		s = data.BOS + " " + s
	}
	if c.eos {
		s += " " + data.EOS
	}
	return s
}

// text makes a Text of a text.
func (c config) text(s string) *Text {
	if c.vocab == nil {
		return &Text{raw: s}
	}
	tokens := c.tok.Process(c.frame(s))
	t := &Text{ids: make([]int32, len(tokens)), vocab: c.vocab}
	for k, w := range tokens {
		t.ids[k] = int32(c.vocab.Stoi[w])
	}
	return t
}

func (k textKind) Open(ref string) (data.Item, error) { return k.text(ref), nil }

func (k fileKind) Open(ref string) (data.Item, error) {
	s, err := k.read(ref)
	if err != nil {
		return nil, err
	}
	return k.text(s), nil
}

func (k textKind) Prepare(refs []string, fit bool) (data.Preparer, []data.Item, error) {
	return prepare(k, refs, k.read, fit)
}

func (k fileKind) Prepare(refs []string, fit bool) (data.Preparer, []data.Item, error) {
	return prepare(k, refs, k.read, fit)
}

// OpenText makes an item of a text that is in no list.
func (c config) OpenText(s string) (data.Item, error) {
	if c.vocab == nil {
		return nil, fmt.Errorf("the data has no vocabulary")
	}
	return c.text(s), nil
}

func (c config) Show(xs, ys []data.Item, s data.ShowConfig) *plotting.Figure {
	return showTexts(xs, ys, s)
}

// CollateFor fills up the shorter texts of a batch: int64 [N, T].
func (c config) CollateFor(items []data.Item, d *data.DataBunch) ([]*tensor.Tensor, error) {
	return collate(items, d.PadFirst, d.Backwards)
}

func (c config) Order(items []data.Item, p data.Plan) []int {
	n := make([]int, len(items))
	for k, x := range items {
		n[k] = x.(*Text).Len()
	}
	if p.Train {
		return sortishOrder(n, p.BS, p.Perm)
	}
	return sortedOrder(n)
}

// Pack writes texts: their lengths, then their numbers, in two bytes each if the vocabulary allows, else
// in four.
func (c config) Pack(w io.Writer, items []data.Item) error {
	wide := c.vocab.Len() > 1<<16
	var b []byte
	for _, x := range items {
		b = binary.LittleEndian.AppendUint32(b, uint32(x.(*Text).Len()))
	}
	for _, x := range items {
		for _, id := range x.(*Text).ids {
			if wide {
				b = binary.LittleEndian.AppendUint32(b, uint32(id))
			} else {
				b = binary.LittleEndian.AppendUint16(b, uint16(id))
			}
		}
		const much = 1 << 20
		if len(b) > much {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(b)
	return err
}

var errCutOff = errors.New("the texts are cut off")

// Unpack reads what Pack wrote.
func (c config) Unpack(b []byte, n int) ([]data.Item, []byte, error) {
	if c.vocab == nil || c.vocab.Len() == 0 {
		return nil, nil, errors.New("the texts have no vocabulary")
	}
	const lengthSize = 4
	if len(b)/lengthSize < n {
		return nil, nil, errCutOff
	}
	lengths, b := b[:n*lengthSize], b[n*lengthSize:]
	size, known := 2, uint32(c.vocab.Len())
	if known > 1<<16 {
		size = 4
	}
	items := make([]data.Item, n)
	for k := range items {
		long := int(binary.LittleEndian.Uint32(lengths[k*lengthSize:]))
		if len(b)/size < long {
			return nil, nil, errCutOff
		}
		t := &Text{ids: make([]int32, long), vocab: c.vocab}
		for i := range t.ids {
			var id uint32
			if size == 4 {
				id = binary.LittleEndian.Uint32(b[4*i:])
			} else {
				id = uint32(binary.LittleEndian.Uint16(b[2*i:]))
			}
			if id >= known {
				return nil, nil, fmt.Errorf("text %d has word %d of %d", k, id, known)
			}
			t.ids[i] = int32(id)
		}
		items[k], b = t, b[long*size:]
	}
	return items, b, nil
}

// ItemOf makes an item of a text that is in no list, by the tokenizer and the vocabulary of d.
func ItemOf(d *data.DataBunch, s string) (*Text, error) {
	k, ok := d.Kind().(textual)
	if !ok {
		return nil, fmt.Errorf("fastnb: text: the data is of kind %s", d.Kind().Name())
	}
	if k.conf().vocab == nil {
		return nil, fmt.Errorf("fastnb: text: the data has no vocabulary")
	}
	return k.conf().text(s), nil
}

// state is what an export keeps.
type state struct {
	Itos      []string        `json:"itos"`
	MaxVocab  int             `json:"max_vocab"`
	MinFreq   int             `json:"min_freq"`
	Marks     bool            `json:"mark_fields"`
	BOS       bool            `json:"include_bos"`
	EOS       bool            `json:"include_eos"`
	Tokenizer json.RawMessage `json:"tokenizer"`
}

// State is the vocabulary, the tokenizer's rules and the options.
func (c config) State() (json.RawMessage, error) {
	tok, err := c.tok.state()
	if err != nil {
		return nil, err
	}
	s := state{MaxVocab: c.most, MinFreq: c.minFreq, Marks: c.marks, BOS: c.bos, EOS: c.eos, Tokenizer: tok}
	if c.vocab != nil {
		s.Itos = c.vocab.Itos
	}
	return json.Marshal(s)
}

func loadConfig(raw json.RawMessage) (config, error) {
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return config{}, err
	}
	tok, err := loadTokenizer(s.Tokenizer)
	c := config{tok: tok, most: s.MaxVocab, minFreq: s.MinFreq, marks: s.Marks, bos: s.BOS, eos: s.EOS}
	if s.Itos != nil {
		c.vocab = data.NewVocab(s.Itos)
	}
	return c, err
}

func init() {
	data.RegisterKind("text", func(raw json.RawMessage) (data.Kind, error) {
		c, err := loadConfig(raw)
		return textKind{c}, err
	})
	data.RegisterKind("text_file", func(raw json.RawMessage) (data.Kind, error) {
		c, err := loadConfig(raw)
		return fileKind{config: c}, err
	})
}

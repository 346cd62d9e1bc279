package data

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/internal/whole"
)

// Packer is a Preparer whose items can be written with the data, so that they need not be prepared again.
type Packer interface {
	Pack(w io.Writer, items []Item) error
	// Unpack takes the n items from the front of b and gives what follows. b is checked already, but
	// what Unpack makes of it it checks itself.
	Unpack(b []byte, n int) (items []Item, rest []byte, err error)
}

// A file of saved data is savedMagic, the length of the header (8 bytes, little endian), the header as
// JSON, the packed items of each list, and the SHA-256 sum of all that.
const (
	savedMagic   = "fastnb data\n"
	savedVersion = 1
	savedExt     = ".fastnb"
	savedDefault = "data_save"
)

// savedHeader describes the lists.
type savedHeader struct {
	Version int         `json:"version"`
	State   State       `json:"state"`
	Lists   []savedList `json:"lists"` // training, validation, and test if there are any
}

// savedList is a list of items with their targets.
type savedList struct {
	Refs   []string        `json:"refs"`  // files below the path with forward slashes, or where an item was
	Files  bool            `json:"files"` // refs are files
	Ready  bool            `json:"ready"` // the items are in the file
	Labels json.RawMessage `json:"labels,omitempty"`
	Type   string          `json:"type"` // of labels: see packLabels
}

// savedPath is the file that name stands for.
func savedPath(dir datasets.Path, name []string) (string, error) {
	n := savedDefault
	if len(name) > 0 {
		n = name[0]
	}
	if n == "" || len(name) > 1 {
		return "", errors.New("there must be one name")
	}
	if filepath.Ext(n) == "" {
		n += savedExt
	}
	if filepath.IsAbs(n) {
		return n, nil
	}
	return dir.Join(n).String(), nil
}

// Save writes the data as it is after its preparation, such as texts as numbers with their vocabulary, to
// Path/name, "data_save" if no name is given; ".fastnb" is added to a name without an ending. LoadData
// reads it. Items that are files, such as pictures, stay where they are. The table that the items came
// from is not kept.
func (d *DataBunch) Save(name ...string) error {
	file, err := savedPath(d.Path, name)
	if err == nil {
		err = d.place(file)
	}
	if err == nil {
		err = whole.Write(file, d.write)
	}
	if err != nil {
		return fmt.Errorf("fastnb: save data: %s: %w", file, reason(err))
	}
	return nil
}

// place fails when a link leads from below the data's folder out of it: what is named below a folder is
// written there.
func (d *DataBunch) place(file string) error {
	rel, err := filepath.Rel(d.Path.String(), file)
	if err != nil {
		rel = file
	}
	_, err = whole.Inside(d.Path.String(), rel)
	return err
}

func (d *DataBunch) write(out io.Writer) error {
	h := savedHeader{Version: savedVersion}
	var err error
	if h.State, err = d.State(); err != nil {
		return err
	}
	lists := []*LabelList{d.TrainDS.list, d.ValidDS.list}
	if d.TestDS != nil {
		lists = append(lists, d.TestDS.list)
	}
	for _, l := range lists {
		s, err := l.saved(d.Path)
		if err != nil {
			return err
		}
		h.Lists = append(h.Lists, s)
	}
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	sum := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(out, sum), 1<<20)
	_, _ = w.WriteString(savedMagic) // errors of a bufio.Writer come with Flush
	_ = binary.Write(w, binary.LittleEndian, uint64(len(head)))
	_, _ = w.Write(head)
	for _, l := range lists {
		if l.ready == nil {
			continue
		}
		if err := l.kind.(Packer).Pack(w, l.ready); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = out.Write(sum.Sum(nil))
	return err
}

// saved describes a list.
func (l *LabelList) saved(path datasets.Path) (savedList, error) {
	s := savedList{Refs: make([]string, len(l.refs)), Ready: l.ready != nil}
	_, s.Files = l.kind.(FileKind)
	if _, ok := l.kind.(Packer); s.Ready && !ok {
		return s, fmt.Errorf("items of kind %s cannot be saved", l.kind.Name())
	}
	for i, r := range l.refs {
		switch {
		case s.Files:
			if rel, err := filepath.Rel(path.String(), r); err == nil {
				r = filepath.ToSlash(rel)
			}
			s.Refs[i] = r
		case s.Ready:
			s.Refs[i] = l.place(i) // the item itself is in the file
		default:
			s.Refs[i] = r
		}
	}
	var err error
	s.Type, s.Labels, err = packLabels(l.y)
	return s, err
}

// packLabels writes encoded labels of one of the sorts that label kinds use.
func packLabels(ys []any) (sort string, raw json.RawMessage, err error) {
	var v any
	i := slices.IndexFunc(ys, func(y any) bool { return y != nil })
	if i < 0 {
		return "none", nil, nil
	}
	switch ys[i].(type) {
	case int:
		sort, v = "int", typed[int](ys)
	case []int:
		sort, v = "ints", typed[[]int](ys)
	case []float32:
		sort, v = "floats", typed[[]float32](ys)
	case string:
		sort, v = "text", typed[string](ys)
	default:
		return "", nil, fmt.Errorf("labels of type %T cannot be saved", ys[i])
	}
	raw, err = json.Marshal(v)
	return sort, raw, err
}

func typed[T any](ys []any) []T {
	out := make([]T, len(ys))
	for i, y := range ys {
		out[i], _ = y.(T) // one kind of label encodes all alike
	}
	return out
}

func unpackLabels(sort string, raw json.RawMessage, n int) ([]any, error) {
	switch sort {
	case "none":
		return make([]any, n), nil
	case "int":
		return untyped[int](raw, n)
	case "ints":
		return untyped[[]int](raw, n)
	case "floats":
		return untyped[[]float32](raw, n)
	case "text":
		return untyped[string](raw, n)
	}
	return nil, fmt.Errorf("labels of sort %q", sort)
}

func untyped[T any](raw json.RawMessage, n int) ([]any, error) {
	var v []T
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	if len(v) != n {
		return nil, fmt.Errorf("%d labels of %d items", len(v), n)
	}
	ys := make([]any, n)
	for i, y := range v {
		ys[i] = y
	}
	return ys, nil
}

// LoadData reads what DataBunch.Save wrote to path/name ("data_save" if name is ""). Options are those of
// DataBunch: batch sizes and workers are chosen anew, BPTT, Backwards, PadFirst and SkipBroken are as they were
// unless an option says otherwise. The kinds of items and labels in the file must be
// known, as for exports. A file that is damaged, or of a later version, is an error.
func LoadData(path datasets.Path, name string, opts ...BunchOption) (*DataBunch, error) {
	var names []string
	if name != "" {
		names = []string{name}
	}
	file, err := savedPath(path, names)
	var d *DataBunch
	if err == nil {
		d, err = loadData(path, file, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("fastnb: load data: %s: %w", file, reason(err))
	}
	return d, nil
}

func loadData(path datasets.Path, file string, opts []BunchOption) (*DataBunch, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	h, b, err := openSaved(b)
	if err != nil {
		return nil, err
	}
	l, err := h.State.lists(path)
	if err != nil {
		return nil, err
	}
	parts := []**LabelList{&l.Train, &l.Valid, &l.Test}
	if len(h.Lists) < 2 || len(h.Lists) > len(parts) {
		return nil, fmt.Errorf("%d lists", len(h.Lists))
	}
	for i, s := range h.Lists {
		k := l.kind
		if i == 2 {
			k = EmptyKind()
		}
		if *parts[i], b, err = s.open(l.Train.kind, k, path, b); err != nil {
			return nil, err
		}
	}
	return l.DataBunch(append(h.State.options(), opts...)...)
}

// openSaved checks a file and gives its header and what follows.
func openSaved(b []byte) (h savedHeader, rest []byte, err error) {
	const lengthSize = 8
	if !bytes.HasPrefix(b, []byte(savedMagic)) {
		return h, nil, errors.New("it was not written by Save")
	}
	start := len(savedMagic) + lengthSize
	if len(b) < start+sha256.Size {
		return h, nil, errors.New("it is cut off")
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return h, nil, errors.New("it is damaged: its checksum is wrong (try Save again)")
	}
	n := binary.LittleEndian.Uint64(body[len(savedMagic):])
	if n > uint64(len(body)-start) {
		return h, nil, errors.New("its header is longer than the file")
	}
	head := body[start : start+int(n)]
	var v struct{ Version int }
	if err := json.Unmarshal(head, &v); err != nil {
		return h, nil, err
	}
	if v.Version != savedVersion {
		return h, nil, fmt.Errorf("it has version %d, this program reads version %d (try Save again)", v.Version, savedVersion)
	}
	return h, body[start+int(n):], json.Unmarshal(head, &h)
}

// open makes a list again.
func (s savedList) open(k Kind, lk LabelKind, path datasets.Path, b []byte) (*LabelList, []byte, error) {
	l := &LabelList{ItemList: &ItemList{Path: path, kind: k, refs: s.Refs}}
	if s.Files {
		for i, r := range l.refs {
			if r = filepath.FromSlash(r); !filepath.IsAbs(r) {
				r = path.Join(r).String()
			}
			l.refs[i] = r
		}
	}
	var err error
	if l.y, err = unpackLabels(s.Type, s.Labels, len(s.Refs)); err != nil {
		return nil, nil, err
	}
	for i, y := range l.y {
		if err := validLabel(lk, y); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", s.Refs[i], err)
		}
	}
	if !s.Ready {
		return l, b, nil
	}
	p, ok := k.(Packer)
	if !ok {
		return nil, nil, fmt.Errorf("items of kind %s cannot be read from a file", k.Name())
	}
	l.ready, b, err = p.Unpack(b, len(s.Refs))
	return l, b, err
}

// validLabel refuses numbers of classes that are not there.
func validLabel(k LabelKind, y any) error {
	n := len(k.Classes())
	ok := true
	switch v := y.(type) {
	case int:
		ok = v >= 0 && v < n
	case []int:
		ok = !slices.ContainsFunc(v, func(i int) bool { return i < 0 || i >= n })
	case nil:
		_, category := k.(categoryKind)
		ok = !category
	}
	if !ok {
		return fmt.Errorf("label %v of %d classes", y, n)
	}
	return nil
}

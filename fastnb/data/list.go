package data

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fastnb/go/datasets"
)

// ItemList is what a data set is made of before it is split: references to items (files, or rows of
// text), the kind that opens them, the folder all belongs to, and the table they came from if any.
// Methods give new lists.
type ItemList struct {
	Path datasets.Path // data folder: where checkpoints and exports of a learner go by default

	kind  Kind
	refs  []string
	table *Table // a row for each item, or nil
	ready []Item // the items, where their kind prepares them all at once; else nil
	label func(classes []string) LabelKind
	err   error
}

// NewItemList is a list of given references, in their order.
func NewItemList(k Kind, path datasets.Path, refs []string) *ItemList {
	return &ItemList{Path: path, kind: k, refs: slices.Clone(refs)}
}

// failedList is a list that only carries an error.
func failedList(k Kind, path datasets.Path, format string, a ...any) *ItemList {
	return &ItemList{Path: path, kind: k, err: fmt.Errorf("fastnb: item list: "+format, a...)}
}

// Err is the first error of the chain so far, or nil.
func (l *ItemList) Err() error { return l.err }

// Kind is what opens the items.
func (l *ItemList) Kind() Kind { return l.kind }

// Len is the number of items.
func (l *ItemList) Len() int { return len(l.refs) }

// Ref is what item i is opened from: a file's path, or its text.
func (l *ItemList) Ref(i int) string { return l.refs[i] }

// Refs is a copy of all references.
func (l *ItemList) Refs() []string { return slices.Clone(l.refs) }

// Items are the references as paths.
func (l *ItemList) Items() []datasets.Path {
	p := make([]datasets.Path, len(l.refs))
	for k, r := range l.refs {
		p[k] = datasets.NewPath(r)
	}
	return p
}

// Table is the table the items came from, a row for each, or nil.
func (l *ItemList) Table() *Table { return l.table }

// Get opens item i; a negative i counts from the end.
func (l *ItemList) Get(i int) (Item, error) {
	if l.err != nil {
		return nil, l.err
	}
	if i < 0 {
		i += len(l.refs)
	}
	if i < 0 || i >= len(l.refs) {
		return nil, fmt.Errorf("fastnb: item list: item %d of %d", i, len(l.refs))
	}
	return l.open(i)
}

// open gives item i, opened now or before.
func (l *ItemList) open(i int) (Item, error) {
	if l.ready != nil {
		return l.ready[i], nil
	}
	return openItem(l.kind, l.refs[i])
}

// openItem opens under recover, so that a broken file never ends the program.
func openItem(k Kind, ref string) (x Item, err error) {
	defer func() {
		if r := recover(); r != nil {
			x, err = nil, fmt.Errorf("fastnb: open item: %s: %v", ref, r)
		}
	}()
	x, err = k.Open(ref)
	if err != nil {
		return nil, fmt.Errorf("fastnb: open item: %s: %w", ref, err)
	}
	return x, nil
}

// LabelsAs sets the kind of label this list gets where LabelFrom… is not told another, as lists for
// segmentation have masks. classes is what the Classes option said, or nil.
func (l *ItemList) LabelsAs(f func(classes []string) LabelKind) *ItemList {
	n := *l
	n.label = f
	return &n
}

// pick is the list of the given items.
func (l *ItemList) pick(ix []int) *ItemList {
	n := *l
	n.refs = make([]string, len(ix))
	for k, i := range ix {
		n.refs[k] = l.refs[i]
	}
	if l.table != nil {
		n.table = l.table.pick(ix)
	}
	if l.ready != nil {
		n.ready = make([]Item, len(ix))
		for k, i := range ix {
			n.ready[k] = l.ready[i]
		}
	}
	return &n
}

func (l *ItemList) fail(format string, a ...any) *ItemList {
	n := *l
	n.err = fmt.Errorf("fastnb: item list: "+format, a...)
	return &n
}

// Add appends the items of another list. Tables are joined if both have one with the same columns,
// else dropped.
func (l *ItemList) Add(other *ItemList) *ItemList {
	switch {
	case l.err != nil:
		return l
	case other == nil:
		return l.fail("add: no list given")
	case other.err != nil:
		return l.fail("add: %w", other.err)
	case l.kind.Name() != other.kind.Name():
		return l.fail("add: a list of %s to one of %s", other.kind.Name(), l.kind.Name())
	}
	n := *l
	n.refs, n.table, n.ready = slices.Concat(l.refs, other.refs), nil, nil
	if a, b := l.table, other.table; a != nil && b != nil && slices.Equal(a.cols, b.cols) {
		n.table = &Table{name: a.name, cols: a.cols, rows: slices.Concat(a.rows, b.rows), index: slices.Concat(a.index, b.index)}
	}
	return &n
}

// FilterByFunc keeps the items for which keep is true.
func (l *ItemList) FilterByFunc(keep func(datasets.Path) bool) *ItemList {
	if l.err != nil {
		return l
	}
	ix, err := l.where("filter function", keep)
	if err != nil {
		return l.fail("%w", err)
	}
	return l.pick(ix)
}

// where gives the items for which f is true. f comes from a cell: its panic becomes an error.
func (l *ItemList) where(what string, f func(datasets.Path) bool) (ix []int, err error) {
	at := 0
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %s: %v", what, l.refs[at], r)
		}
	}()
	for at = range l.refs {
		if f(datasets.NewPath(l.refs[at])) {
			ix = append(ix, at)
		}
	}
	return ix, nil
}

// FilterByFolder keeps the items whose first folder below Path is one of names.
func (l *ItemList) FilterByFolder(names ...string) *ItemList {
	if l.err != nil {
		return l
	}
	n := l.keep(func(i int) bool { return slices.Contains(names, l.topFolder(i)) })
	if n.Len() == 0 {
		return l.fail("filter by folder: no item lies in %s below %s (the folders are %s)", quoted(names), l.Path, quoted(l.topFolders()))
	}
	return n
}

// ExcludeFolder drops the items whose first folder below Path is one of names.
func (l *ItemList) ExcludeFolder(names ...string) *ItemList {
	if l.err != nil {
		return l
	}
	return l.keep(func(i int) bool { return !slices.Contains(names, l.topFolder(i)) })
}

func (l *ItemList) keep(f func(i int) bool) *ItemList {
	var ix []int
	for i := range l.refs {
		if f(i) {
			ix = append(ix, i)
		}
	}
	return l.pick(ix)
}

// topFolder is the first folder below Path that item i lies in, or "".
func (l *ItemList) topFolder(i int) string {
	rel, err := filepath.Rel(l.Path.String(), l.refs[i])
	if err != nil {
		return ""
	}
	first, _, ok := strings.Cut(rel, string(filepath.Separator))
	if !ok {
		return ""
	}
	return first
}

func (l *ItemList) topFolders() []string {
	seen := map[string]bool{}
	for i := range l.refs {
		seen[l.topFolder(i)] = true
	}
	return sortClasses(seen)
}

// SampleOption is an option of random choices: SplitSeed.
type SampleOption interface {
	FactoryOption
	applySample(*sampleConfig)
}

type sampleConfig struct{ seed *int }

// SeedOption is what SplitSeed gives.
type SeedOption struct{ n int }

func (o SeedOption) applySample(c *sampleConfig) { c.seed = &o.n }

// SplitSeed seeds the global generator of splits before it is used; without, it goes on from where it
// is (see Seed).
func SplitSeed(n int) SeedOption { return SeedOption{n} }

func sampleSeed(opts []SampleOption) *int {
	var c sampleConfig
	for _, o := range opts {
		o.applySample(&c)
	}
	return c.seed
}

// FilterByRand keeps each item with probability p.
func (l *ItemList) FilterByRand(p float64, opts ...SampleOption) *ItemList {
	if l.err != nil {
		return l
	}
	n := l
	withNumpy(sampleSeed(opts), func(g *mt19937) {
		n = l.keep(func(int) bool { return g.float64() < p })
	})
	return n
}

// UsePartialData keeps a random part of the items, pct of 0 to 1, in random order.
func (l *ItemList) UsePartialData(pct float64, opts ...SampleOption) *ItemList {
	if l.err != nil {
		return l
	}
	if !(pct > 0 && pct <= 1) {
		return l.fail("use partial data: part %v is not in (0, 1]", pct)
	}
	return l.sample(int(pct*float64(len(l.refs))), opts)
}

// UseItems keeps n random items, in random order; 0, or more than there are, keeps the list as it is.
func (l *ItemList) UseItems(n int, opts ...SampleOption) *ItemList {
	switch {
	case l.err != nil:
		return l
	case n < 0:
		return l.fail("use items: %d", n)
	case n == 0 || n >= len(l.refs):
		return l
	}
	return l.sample(n, opts)
}

func (l *ItemList) sample(n int, opts []SampleOption) *ItemList {
	var ix []int
	withNumpy(sampleSeed(opts), func(g *mt19937) { ix = g.permutation(len(l.refs))[:n] })
	return l.pick(ix)
}

// String is the number of items, the first five, and the path.
func (l *ItemList) String() string {
	if l.err != nil {
		return l.err.Error()
	}
	const first = 5
	var b strings.Builder
	fmt.Fprintf(&b, "%s list (%d items)\n", l.kind.Name(), len(l.refs))
	for k, r := range l.refs[:min(first, len(l.refs))] {
		if k > 0 {
			b.WriteString(", ")
		}
		if rel, err := filepath.Rel(l.Path.String(), r); err == nil && !strings.HasPrefix(rel, "..") {
			r = rel
		}
		if l.ready != nil {
			r = l.ready[k].String()
		}
		b.WriteString(shortened(r))
	}
	if len(l.refs) > first {
		b.WriteString(", …")
	}
	fmt.Fprintf(&b, "\nPath: %s", l.Path)
	return b.String()
}

// shortened is the start of a long text, its ends of lines as blanks.
func shortened(s string) string {
	const most = 100
	s = strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// isDir explains what is wrong with a folder, or gives nil.
func isDir(p string) error {
	st, err := os.Stat(p)
	switch {
	case err != nil && os.IsNotExist(err):
		return fmt.Errorf("%s: there is no such folder", p)
	case err != nil:
		return fmt.Errorf("%s: %w", p, reason(err))
	case !st.IsDir():
		return fmt.Errorf("%s: is a file, not a folder", p)
	}
	return nil
}

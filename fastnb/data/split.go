package data

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fastnb/go/datasets"
)

// SplitList is a list split into training and validation items, not labelled yet.
type SplitList struct {
	Train, Valid *ItemList

	err error
}

// Err is the first error of the chain so far, or nil.
func (s *SplitList) Err() error { return s.err }

// String describes both parts.
func (s *SplitList) String() string {
	if s.err != nil {
		return s.err.Error()
	}
	return "Train: " + s.Train.String() + "\n\nValid: " + s.Valid.String()
}

func (l *ItemList) failSplit(format string, a ...any) *SplitList {
	return &SplitList{Train: l, Valid: l.pick(nil), err: fmt.Errorf("fastnb: split: "+format, a...)}
}

// split makes the two parts. An empty validation part is an error unless it was asked for.
func (l *ItemList) split(train, valid []int, emptyOK bool) *SplitList {
	if l.err != nil {
		return &SplitList{Train: l, Valid: l, err: l.err}
	}
	if len(train) == 0 {
		return l.failSplit("none of %d items is left for training (%d for validation)", len(l.refs), len(valid))
	}
	if len(valid) == 0 && !emptyOK {
		return l.failSplit("none of %d items is for validation (try SplitNone if that is meant)", len(l.refs))
	}
	return &SplitList{Train: l.pick(train), Valid: l.pick(valid)}
}

// SplitByRandPct takes a random part, pct of 0 to 1, for validation: the first int(pct·n) of a random
// permutation, in its order; training items stay in list order. The permutation is NumPy's for the same
// seed, so the split equals fastai's. pct 0 means no validation. Option: SplitSeed.
func (l *ItemList) SplitByRandPct(pct float64, opts ...SampleOption) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	if !(pct >= 0 && pct < 1) {
		return l.failSplit("by random part: %v is not in [0, 1)", pct)
	}
	if pct == 0 {
		return l.SplitNone()
	}
	var perm []int
	withNumpy(sampleSeed(opts), func(g *mt19937) { perm = g.permutation(len(l.refs)) })
	cut := int(pct * float64(len(perm)))
	return l.split(rest(len(perm), perm[:cut]), perm[:cut], false)
}

// rest is 0..n-1 without those in out, ascending.
func rest(n int, out []int) []int {
	gone := make([]bool, n)
	for _, i := range out {
		gone[i] = true
	}
	r := make([]int, 0, n)
	for i := range gone {
		if !gone[i] {
			r = append(r, i)
		}
	}
	return r
}

// SplitSubsets takes the first part of a random permutation for training and the last part for
// validation; the parts are of 0 to 1 and together at most 1. Items between are dropped.
func (l *ItemList) SplitSubsets(train, valid float64, opts ...SampleOption) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	if !(train > 0 && valid > 0 && train+valid <= 1) {
		return l.failSplit("subsets: parts %v and %v are not positive with a sum of at most 1", train, valid)
	}
	var perm []int
	withNumpy(sampleSeed(opts), func(g *mt19937) { perm = g.permutation(len(l.refs)) })
	n := float64(len(perm))
	return l.split(perm[:int(n*train)], perm[len(perm)-int(n*valid):], false)
}

// SplitNone uses every item for training.
func (l *ItemList) SplitNone() *SplitList {
	return l.split(rest(len(l.refs), nil), nil, true)
}

// SplitByIdx takes the items with these numbers for validation, in the order given.
func (l *ItemList) SplitByIdx(valid []int) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	for _, i := range valid {
		if i < 0 || i >= len(l.refs) {
			return l.failSplit("by index: item %d of %d", i, len(l.refs))
		}
	}
	return l.split(rest(len(l.refs), valid), valid, false)
}

// SplitByIdxs takes the items with the first numbers for training and those with the second for
// validation; all others are dropped.
func (l *ItemList) SplitByIdxs(train, valid []int) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	for _, i := range slices.Concat(train, valid) {
		if i < 0 || i >= len(l.refs) {
			return l.failSplit("by index: item %d of %d", i, len(l.refs))
		}
	}
	trains := make(map[int]bool, len(train))
	for _, i := range train {
		trains[i] = true
	}
	for _, i := range valid {
		if trains[i] {
			return l.failSplit("by index: item %d (%s) is both for training and for validation", i, shortened(l.refs[i]))
		}
	}
	return l.split(train, valid, false)
}

// SplitByFolder takes items by the first folder below Path; items of other folders are dropped. names
// are the training folder's and the validation folder's, "train" and "valid" if there are none.
func (l *ItemList) SplitByFolder(names ...string) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	if len(names) == 0 {
		names = []string{"train", "valid"}
	}
	if len(names) != 2 {
		return l.failSplit("by folder: %s (give two names, the training folder's and the validation folder's)", quoted(names))
	}
	train, valid := names[0], names[1]
	var t, v []int
	for i := range l.refs {
		switch l.topFolder(i) {
		case train:
			t = append(t, i)
		case valid:
			v = append(v, i)
		}
	}
	for name, part := range map[string][]int{train: t, valid: v} {
		if len(part) == 0 {
			return l.failSplit("by folder: no item lies in %s (the folders there are %s)", l.Path.Join(name), quoted(l.topFolders()))
		}
	}
	return l.split(t, v, false)
}

// SplitByValidFunc takes the items for which valid is true for validation.
func (l *ItemList) SplitByValidFunc(valid func(datasets.Path) bool) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	v, err := l.where("validation function", valid)
	if err != nil {
		return l.failSplit("%w", err)
	}
	return l.split(rest(len(l.refs), v), v, false)
}

// SplitByFiles takes the items with these file names (without folders) for validation.
func (l *ItemList) SplitByFiles(names []string) *SplitList {
	lines := make([]line, len(names))
	for i, n := range names {
		lines[i] = line{text: n}
	}
	return l.splitByNames(lines, fmt.Sprintf("%d names", len(names)))
}

// SplitByFnameFile takes the items for validation whose file names (without folders) are the lines of a
// text file. A relative name is below the list's Path, as in "../valid.txt".
func (l *ItemList) SplitByFnameFile(name string) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	file := name
	if !filepath.IsAbs(name) {
		file = l.Path.Join(name).String()
	}
	lines, err := readLines(file, "")
	if err != nil {
		return l.failSplit("by file of names: %s: %w", file, reason(err))
	}
	return l.splitByNames(lines, file)
}

func (l *ItemList) splitByNames(names []line, source string) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	found := make(map[string]bool, len(names))
	for _, n := range names {
		found[n.text] = false
	}
	var v []int
	for i, r := range l.refs {
		name := filepath.Base(r)
		if _, ok := found[name]; ok {
			found[name] = true
			v = append(v, i)
		}
	}
	if len(v) == 0 {
		return l.failSplit("by names: %s: none of %d names is among the %d items (names have no folders, but an extension, as %q)",
			source, len(names), len(l.refs), l.firstName())
	}
	l.tellUnfound(names, found, source)
	return l.split(rest(len(l.refs), v), v, false)
}

// tellUnfound says which names are those of no item.
func (l *ItemList) tellUnfound(names []line, found map[string]bool, source string) {
	n, first := 0, line{}
	for _, s := range names {
		if !found[s.text] {
			if n++; n == 1 {
				first = s
			}
		}
	}
	if n == 0 {
		return
	}
	where := ""
	if first.at > 0 {
		where = fmt.Sprintf(" in line %d", first.at)
	}
	warn("split: by names: %s: %d of %d names are those of no item, the first is %q%s (items have names such as %q)", source, n, len(names), first.text, where, l.firstName())
}

func (l *ItemList) firstName() string {
	if len(l.refs) == 0 {
		return ""
	}
	return filepath.Base(l.refs[0])
}

// SplitFromTable takes the rows for validation whose field in a column (by name or number, default 2) is
// true: not empty, 0, or false.
func (l *ItemList) SplitFromTable(col ...any) *SplitList {
	if l.err != nil {
		return l.split(nil, nil, true)
	}
	if l.table == nil {
		return l.failSplit("from table: the list was not made of a table")
	}
	var c any = 2
	if len(col) > 0 {
		c = col[0]
	}
	k, err := l.table.column(c)
	if err != nil {
		return l.failSplit("from table: %w", err)
	}
	var v []int
	for i, row := range l.table.rows {
		switch strings.ToLower(strings.TrimSpace(row[k])) {
		case "", "0", "0.0", "false", "f", "no", "nan":
		default:
			v = append(v, i)
		}
	}
	return l.split(rest(len(l.refs), v), v, false)
}

package data

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fastnb/go/datasets"
)

// encode gives the items their targets. Items whose label is not among the classes are left out, and so are
// such labels of items that may have several; which they were is told.
func encode(l *ItemList, k LabelKind, raw []any, set string) (*LabelList, error) {
	var keep []int
	var ys []any
	items, tags := unknownLabels{}, unknownLabels{}
	for i, r := range raw {
		y, err := k.Encode(r)
		var part *partlyKnownError
		switch {
		case errors.As(err, &part):
			for _, s := range part.unknown {
				tags.add(s, l, i)
			}
			y = part.encoded
		case errors.Is(err, ErrUnknownLabel):
			items.add(fmt.Sprint(r), l, i)
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", l.place(i), err)
		}
		keep, ys = append(keep, i), append(ys, y)
	}
	if n := len(raw) - len(keep); n > 0 {
		if len(keep) == 0 && set == "training" {
			return nil, fmt.Errorf("none of the %d %s items has a label that is among the classes %s: %s", n, set, quoted(k.Classes()), items.String())
		}
		hint := ""
		if wholeNumbers(k.Classes()) {
			hint = " (try LabelAs(FloatKind()) if they are amounts)"
		}
		warn("label: %d of %d %s items are left out, as their label is not among the classes: %s%s", n, len(raw), set, items.String(), hint)
		l = l.pick(keep)
	}
	if len(tags.names) > 0 {
		warn("label: labels of %s items that are not among the classes are left out: %s", set, tags.String())
	}
	return &LabelList{l, ys}, nil
}

// unknownLabels counts labels that are not among the classes, with the place of the first of each.
type unknownLabels struct {
	names []string
	count map[string]int
	place map[string]string
}

func (u *unknownLabels) add(name string, l *ItemList, i int) {
	if u.count == nil {
		u.count, u.place = map[string]int{}, map[string]string{}
	}
	if u.count[name] == 0 {
		u.names, u.place[name] = append(u.names, name), l.place(i)
	}
	u.count[name]++
}

// String names the first few.
func (u *unknownLabels) String() string {
	const most = 5
	var s []string
	for k, n := range u.names {
		if k == most {
			s = append(s, fmt.Sprintf("… %d in all", len(u.names)))
			break
		}
		s = append(s, fmt.Sprintf("%q (%d times, first %s)", n, u.count[n], u.place[n]))
	}
	return strings.Join(s, ", ")
}

// splitRaw splits a label that is a text.
func splitRaw(v any, delim string) (any, error) {
	switch v := v.(type) {
	case string:
		return splitLabels(v, delim)
	case datasets.Path:
		return splitLabels(v.String(), delim)
	case []string:
		return v, nil
	}
	return nil, fmt.Errorf("option LabelDelim: the label is a %T, not a text to be split", v)
}

// tellNumbers says so where what may be amounts has become classes: many different whole numbers for few
// items.
func tellNumbers(how string, k LabelKind, items int) {
	const many, share = 10, 4
	if n := len(k.Classes()); n > many && n*share > items && wholeNumbers(k.Classes()) {
		warn("label: %s: the labels are %d different whole numbers, taken for classes (try LabelAs(FloatKind()) if they are amounts)", how, n)
	}
}

func wholeNumbers(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(s string) bool { _, err := strconv.Atoi(s); return err != nil })
}

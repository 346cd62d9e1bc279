// Package opt keeps account of the options that a call was given, so that none is accepted and then ignored:
// an option says which calls look at it, and a call refuses those that do not name it.
//
// It is a leaf below all packages that have options.
package opt

import (
	"fmt"
	"slices"
	"strings"
)

// Given are the options that a call was given, in order. It is part of what options change.
type Given struct{ notes []note }

type note struct {
	option string
	takers []string
}

// Note is called by an option as it is applied: its name, as a user writes it, and what takes it. A taker is
// a call, such as "FitOneCycle", or a kind of thing, such as "lists from tables".
func (g *Given) Note(option string, takers ...string) {
	g.notes = append(g.notes, note{option, takers})
}

// Names are the options given, in order.
func (g Given) Names() []string {
	names := make([]string, len(g.notes))
	for k, n := range g.notes {
		names[k] = n.option
	}
	return names
}

// Has says whether an option was given.
func (g Given) Has(option string) bool {
	return slices.ContainsFunc(g.notes, func(n note) bool { return n.option == option })
}

// Refuse is the error of the first option that none of these takers looks at. The first taker is what the
// user called; doing says for the message what failed, as in "fit".
func (g Given) Refuse(doing string, takers ...string) error {
	for _, n := range g.notes {
		if !slices.ContainsFunc(n.takers, func(t string) bool { return slices.Contains(takers, t) }) {
			return fmt.Errorf("fastnb: %s: option %s has no effect on %s (try it with %s)", doing, n.option, takers[0], strings.Join(n.takers, " or "))
		}
	}
	return nil
}

package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// TableRow is a row of a table, for Filter.
type TableRow struct {
	t *Table
	r int
}

// Col is the row's text in a column, by name or number. A column that is not there ends the Filter with an
// error.
func (r TableRow) Col(c any) string {
	k, err := r.t.column(c)
	if err != nil {
		panic(err)
	}
	return r.t.rows[r.r][k]
}

// Float is the row's number in a column. A text that is no number ends the Filter with an error.
func (r TableRow) Float(c any) float64 {
	s := r.Col(c)
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		panic(fmt.Errorf("column %v: %q is not a number", c, s))
	}
	return v
}

// Missing says whether the row's field in a column is empty or stands for a missing value, such as "NaN".
func (r TableRow) Missing(c any) bool { return isMissing(r.Col(c)) }

// Filter gives the rows for which keep is true. A panic of keep becomes an error that names the row.
func (t *Table) Filter(keep func(TableRow) bool) (out *Table, err error) {
	at := 0
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, fmt.Errorf("fastnb: filter table: %s: %v", t.place(at), r)
		}
	}()
	var rows []int
	for at = range t.rows {
		if keep(TableRow{t, at}) {
			rows = append(rows, at)
		}
	}
	return t.pick(rows), nil
}

// DropNA gives the rows that have all values: no field of the columns named (by name or number; default all)
// is empty or stands for a missing value as pandas reads tables, such as "NaN", "NA" or "null".
func (t *Table) DropNA(cols ...any) (*Table, error) {
	if len(cols) == 0 {
		for k := range t.cols {
			cols = append(cols, k)
		}
	}
	ks, err := t.columns(cols)
	if err != nil {
		return nil, fmt.Errorf("fastnb: drop rows of a table: %w", err)
	}
	var rows []int
	for r := range t.rows {
		if !slices.ContainsFunc(ks, func(k int) bool { return isMissing(t.rows[r][k]) }) {
			rows = append(rows, r)
		}
	}
	return t.pick(rows), nil
}

// missingTexts are the texts that pandas 1.x takes for missing values.
var missingTexts = strings.Fields("#N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN n/a nan null")

// isMissing reports whether a field holds no value.
func isMissing(s string) bool {
	s = strings.TrimSpace(s)
	return s == "" || slices.Contains(missingTexts, s)
}

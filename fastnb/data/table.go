package data

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/internal/whole"
	"github.com/fastnb/go/plotting"
)

// Table is rows of text under named columns: a CSV file, or columns made in a cell. In a notebook it
// shows itself as data frames do. It is not changed after it was made.
type Table struct {
	name  string // where it came from, for errors
	cols  []string
	rows  [][]string // each as long as cols
	index []string   // what stands before each row
	lines []int      // of the file, per row; nil for tables made in a cell
}

// CSVOption is an option of reading a CSV file.
type CSVOption interface{ applyCSV(*csvConfig) }

type csvConfig struct {
	comma    rune
	header   bool
	encoding string
}

// CSVFormatOption is an option of reading CSV files, alone or as the source of a list.
type CSVFormatOption struct {
	name string
	set  func(*csvConfig)
}

func (o CSVFormatOption) applyCSV(c *csvConfig) { o.set(c) }
func (o CSVFormatOption) applyFrom(c *fromConfig) {
	o.set(&c.csv)
	c.given.Note(o.name, ofCSV)
}

// Delimiter is what stands between fields; default ",". It is one character.
func Delimiter(s string) CSVFormatOption {
	return CSVFormatOption{"Delimiter", func(c *csvConfig) {
		c.comma = utf8.RuneError
		if utf8.RuneCountInString(s) == 1 {
			c.comma, _ = utf8.DecodeRuneInString(s)
		}
	}}
}

// Header says whether the first line names the columns (default true); without, they are called 0, 1, ….
func Header(has bool) CSVFormatOption {
	return CSVFormatOption{"Header", func(c *csvConfig) { c.header = has }}
}

// ReadCSV reads a CSV file (RFC 4180; lines may end in any of the three ways). Options: Delimiter (","),
// Header (true) and Encoding (UTF-8, or what a byte-order mark says). Errors name the file and the line.
func ReadCSV(path datasets.Path, opts ...CSVOption) (*Table, error) {
	c := csvConfig{comma: ',', header: true}
	for _, o := range opts {
		o.applyCSV(&c)
	}
	return readCSV(path.String(), c)
}

func readCSV(path string, c csvConfig) (*Table, error) {
	s, err := ReadText(path, c.encoding)
	if err == nil {
		var t *Table
		if t, err = parseCSV(csvLines(s), c); err == nil {
			t.name = path
			return t, nil
		}
	}
	return nil, fmt.Errorf("fastnb: read table: %s: %w", path, reason(err))
}

func parseCSV(text string, c csvConfig) (*Table, error) {
	if c.comma == utf8.RuneError || c.comma == '"' || c.comma == '\n' || c.comma == '\r' {
		return nil, errors.New("the delimiter must be one character that is not a quote or line end")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = c.comma, -1
	t := &Table{}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if t.cols == nil {
			t.cols = rec
			if c.header {
				continue
			}
			t.cols = make([]string, len(rec))
			for k := range rec {
				t.cols[k] = strconv.Itoa(k)
			}
		}
		if len(rec) != len(t.cols) {
			return nil, fmt.Errorf("line %d has %d fields, the first line %d", line, len(rec), len(t.cols))
		}
		t.rows, t.lines = append(t.rows, rec), append(t.lines, line)
	}
	if t.cols == nil {
		return nil, errors.New("the file is empty")
	}
	return t.numbered(), nil
}

// reason takes the file name out of an error of package os: the message names it already.
func reason(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		if errors.Is(err, os.ErrNotExist) {
			return noFileError{pe.Err}
		}
		return pe.Err
	}
	return err
}

// noFileError is os.ErrNotExist in other words.
type noFileError struct{ err error }

// Error says so.
func (noFileError) Error() string { return "there is no such file" }

// Unwrap is the system's error.
func (e noFileError) Unwrap() error { return e.err }

func (t *Table) numbered() *Table {
	t.index = make([]string, len(t.rows))
	for k := range t.index {
		t.index[k] = strconv.Itoa(k)
	}
	return t
}

// NewTable makes a table of columns: name, slice, name, slice, …. Slices hold strings, numbers or
// anything that prints; floats print with at most 6 decimals. All slices have the same length.
func NewTable(cols ...any) (*Table, error) {
	t := &Table{name: "table"}
	if len(cols)%2 != 0 {
		return nil, errors.New("fastnb: new table: columns come in pairs: a name, then a slice")
	}
	for k := 0; k < len(cols); k += 2 {
		name, ok := cols[k].(string)
		if !ok {
			return nil, fmt.Errorf("fastnb: new table: column %d: its name is %T (try a string)", k/2, cols[k])
		}
		v := reflect.ValueOf(cols[k+1])
		if !v.IsValid() || v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
			return nil, fmt.Errorf("fastnb: new table: column %q: %T (try a slice)", name, cols[k+1])
		}
		if k == 0 {
			t.rows = make([][]string, v.Len())
		}
		if v.Len() != len(t.rows) {
			return nil, fmt.Errorf("fastnb: new table: column %q: %d values, the first column has %d", name, v.Len(), len(t.rows))
		}
		t.cols = append(t.cols, name)
		for r := range t.rows {
			t.rows[r] = append(t.rows[r], cellText(v.Index(r).Interface()))
		}
	}
	return t.numbered(), nil
}

func cellText(v any) string {
	switch x := v.(type) {
	case float64:
		return floatText(x, 64)
	case float32:
		return floatText(float64(x), 32)
	case []string:
		return strings.Join(x, " ")
	}
	return fmt.Sprint(v)
}

func floatText(x float64, bits int) string {
	s := strconv.FormatFloat(x, 'f', -1, bits)
	if dot := strings.IndexByte(s, '.'); dot >= 0 && len(s)-dot > 7 {
		s = strconv.FormatFloat(x, 'f', 6, bits)
	}
	return s
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Columns are the names of the columns.
func (t *Table) Columns() []string { return slices.Clone(t.cols) }

// Head is the first n rows (default 5).
func (t *Table) Head(n ...int) *Table {
	k := 5
	if len(n) > 0 {
		k = n[0]
	}
	return t.slice(0, k)
}

// Tail is the last n rows (default 5).
func (t *Table) Tail(n ...int) *Table {
	k := 5
	if len(n) > 0 {
		k = n[0]
	}
	return t.slice(len(t.rows)-k, len(t.rows))
}

func (t *Table) slice(from, to int) *Table {
	from, to = min(max(from, 0), len(t.rows)), min(max(to, 0), len(t.rows))
	s := *t
	s.rows, s.index = t.rows[from:to], t.index[from:to]
	if t.lines != nil {
		s.lines = t.lines[from:to]
	}
	return &s
}

// pick is the table of the given rows.
func (t *Table) pick(rows []int) *Table {
	s := *t
	s.rows, s.index, s.lines = make([][]string, len(rows)), make([]string, len(rows)), nil
	if t.lines != nil {
		s.lines = make([]int, len(rows))
	}
	for k, r := range rows {
		s.rows[k], s.index[k] = t.rows[r], t.index[r]
		if t.lines != nil {
			s.lines[k] = t.lines[r]
		}
	}
	return &s
}

// place names a row for an error: file and line, or the row.
func (t *Table) place(row int) string {
	if t.lines != nil {
		return fmt.Sprintf("%s:%d", t.name, t.lines[row])
	}
	return fmt.Sprintf("%s: row %s", t.name, t.index[row])
}

// column finds a column by name, or by its number from 0.
func (t *Table) column(c any) (int, error) {
	switch x := c.(type) {
	case string:
		if k := slices.Index(t.cols, x); k >= 0 {
			return k, nil
		}
		return 0, fmt.Errorf("%s: there is no column %q (the columns are %s)", t.name, x, quoted(t.cols))
	case int:
		if x >= 0 && x < len(t.cols) {
			return x, nil
		}
		return 0, fmt.Errorf("%s: there is no column %d (the columns are 0 to %d: %s)", t.name, x, len(t.cols)-1, quoted(t.cols))
	}
	return 0, fmt.Errorf("a column is named by string or int, not %T", c)
}

// columns finds several columns, at least one.
func (t *Table) columns(cs []any) ([]int, error) {
	if len(cs) == 0 {
		return nil, fmt.Errorf("%s: no column is named", t.name)
	}
	ks := make([]int, len(cs))
	for i, c := range cs {
		var err error
		if ks[i], err = t.column(c); err != nil {
			return nil, err
		}
	}
	return ks, nil
}

// fields are a row's texts in the given columns.
func (t *Table) fields(row int, cols []int) []string {
	f := make([]string, len(cols))
	for i, c := range cols {
		f[i] = t.rows[row][c]
	}
	return f
}

// quoted lists names, the first few of many.
func quoted(names []string) string {
	const most = 20
	s := make([]string, 0, most+1)
	for k, n := range names {
		if k == most {
			s = append(s, fmt.Sprintf("… %d in all", len(names)))
			break
		}
		s = append(s, strconv.Quote(n))
	}
	return strings.Join(s, ", ")
}

// Col is the texts of a column, by name or number.
func (t *Table) Col(c any) ([]string, error) {
	k, err := t.column(c)
	if err != nil {
		return nil, fmt.Errorf("fastnb: table: %w", err)
	}
	v := make([]string, len(t.rows))
	for r := range t.rows {
		v[r] = t.rows[r][k]
	}
	return v, nil
}

// Floats is the numbers of a column, by name or number. A field that is not a number is an error that
// names its row.
func (t *Table) Floats(c any) ([]float64, error) {
	s, err := t.Col(c)
	if err != nil {
		return nil, err
	}
	v := make([]float64, len(s))
	for r := range s {
		if v[r], err = strconv.ParseFloat(strings.TrimSpace(s[r]), 64); err != nil {
			return nil, fmt.Errorf("fastnb: table: %s: column %v: %q is not a number", t.place(r), c, s[r])
		}
	}
	return v, nil
}

// Row is the fields of row i.
func (t *Table) Row(i int) []string { return slices.Clone(t.rows[i]) }

// ToCSV writes the table as a CSV file, without the row numbers. The file appears whole or not at all.
func (t *Table) ToCSV(path datasets.Path) error {
	if err := t.writeCSV(path.String()); err != nil {
		return fmt.Errorf("fastnb: write table: %s: %w", path, reason(err))
	}
	return nil
}

func (t *Table) writeCSV(path string) error {
	return whole.Write(path, func(w io.Writer) error {
		return csv.NewWriter(w).WriteAll(append([][]string{t.cols}, t.rows...))
	})
}

// showRows is how many rows a long table shows: half of them from the start, half from the end.
const showRows = 10

// figure is the table as data frames show themselves, long ones shortened.
func (t *Table) figure() *plotting.Figure {
	rows, index := t.rows, t.index
	if len(rows) > showRows {
		gap := make([]string, len(t.cols))
		for k := range gap {
			gap[k] = "..."
		}
		h := showRows / 2
		rows = slices.Concat(rows[:h], [][]string{gap}, rows[len(rows)-h:])
		index = slices.Concat(index[:h], []string{"..."}, index[len(index)-h:])
	}
	short := make([][]string, len(rows))
	for r, row := range rows {
		short[r] = make([]string, len(row))
		for c, v := range row {
			short[r][c] = plotting.Elided(v)
		}
	}
	return plotting.HTMLTable(t.cols, short, index...)
}

// String is the table as text, long ones shortened.
func (t *Table) String() string {
	s := t.figure().String()
	if len(t.rows) > showRows {
		s += fmt.Sprintf("\n\n[%d rows x %d columns]", len(t.rows), len(t.cols))
	}
	return s
}

// Render gives the table's forms for a notebook (gophernotes' Renderer).
func (t *Table) Render() struct{ Data, Metadata, Transient map[string]any } {
	b := t.figure().Render()
	b.Data["text/plain"] = t.String()
	return b
}

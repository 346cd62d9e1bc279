package data

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/fastnb/go/datasets"
)

// Matrix is rows of numbers, all equally long: m[row][column].
type Matrix [][]float64

// String is the matrix with a row a line.
func (m Matrix) String() string {
	cells, wide := make([][]string, len(m)), 0
	for r, row := range m {
		for _, v := range row {
			s := strconv.FormatFloat(v, 'g', 8, 64)
			cells[r], wide = append(cells[r], s), max(wide, len(s))
		}
	}
	rows := make([]string, len(m))
	for r, row := range cells {
		for c := range row {
			row[c] = fmt.Sprintf("%*s", wide, row[c])
		}
		rows[r] = "[" + strings.Join(row, " ") + "]"
	}
	return "[" + strings.Join(rows, "\n ") + "]"
}

// MatrixOption is an option of LoadMatrix.
type MatrixOption interface{ applyMatrix(*matrixConfig) }

type matrixConfig struct {
	header, footer int
	rows, cols     int // -1: any
}

type matrixFunc func(*matrixConfig)

func (f matrixFunc) applyMatrix(c *matrixConfig) { f(c) }

// SkipHeader leaves out the first n lines of the file, empty ones counted (default 0).
func SkipHeader(n int) MatrixOption { return matrixFunc(func(c *matrixConfig) { c.header = n }) }

// SkipFooter leaves out the last n lines, empty ones not counted (default 0).
func SkipFooter(n int) MatrixOption { return matrixFunc(func(c *matrixConfig) { c.footer = n }) }

// OfShape makes a matrix of another number of rows or columns an error; -1 is any number.
func OfShape(rows, cols int) MatrixOption {
	return matrixFunc(func(c *matrixConfig) { c.rows, c.cols = rows, cols })
}

// LoadMatrix reads numbers from a text file: a row a line, blanks between them; empty lines are no rows,
// and what follows a # is a comment (numpy.genfromtxt). Options: SkipHeader (0), SkipFooter (0), OfShape.
// A word that is no number, NaN and infinity, and rows of different lengths are errors that name the file
// and the line.
func LoadMatrix(path datasets.Path, opts ...MatrixOption) (Matrix, error) {
	c := matrixConfig{rows: -1, cols: -1}
	for _, o := range opts {
		o.applyMatrix(&c)
	}
	b, err := os.ReadFile(path.String())
	if err == nil {
		var m Matrix
		if m, err = parseMatrix(matrixText(b), c); err == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("fastnb: load matrix: %s: %w", path, reason(err))
}

// MustLoadMatrix is LoadMatrix for functions inside cells, which cannot give an error away: it panics.
// LabelFromFunc turns that into an error that names the item.
func MustLoadMatrix(path datasets.Path, opts ...MatrixOption) Matrix {
	m, err := LoadMatrix(path, opts...)
	if err != nil {
		panic(err)
	}
	return m
}

// matrixText is a file of numbers as text. Its comments and headers may be in any encoding.
func matrixText(b []byte) string {
	s, err := decodeText(b, "")
	if err != nil {
		s = string(b)
	}
	return plainLines(s)
}

func parseMatrix(text string, c matrixConfig) (Matrix, error) {
	type line struct {
		at    int
		words []string
	}
	var lines []line
	at := 0
	for s := range strings.Lines(text) {
		if at++; at <= c.header {
			continue
		}
		s, _, _ = strings.Cut(s, "#")
		if words := strings.Fields(s); len(words) > 0 {
			lines = append(lines, line{at, words})
		}
	}
	if c.header < 0 || c.footer < 0 {
		return nil, fmt.Errorf("%d lines of header and %d of footer to skip: must not be negative", c.header, c.footer)
	}
	lines = lines[:max(0, len(lines)-c.footer)]
	if len(lines) == 0 {
		return nil, fmt.Errorf("there are no numbers in its %d lines (%d skipped at the start, %d at the end)", at, c.header, c.footer)
	}
	m := make(Matrix, len(lines))
	for r, l := range lines {
		if len(l.words) != len(lines[0].words) {
			return nil, fmt.Errorf("line %d has %d numbers, line %d has %d", l.at, len(l.words), lines[0].at, len(lines[0].words))
		}
		for k, w := range l.words {
			v, err := strconv.ParseFloat(w, 64)
			if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("line %d, number %d: %q is not a finite number", l.at, k+1, w)
			}
			m[r] = append(m[r], v)
		}
	}
	if rows, cols := len(m), len(m[0]); c.rows >= 0 && rows != c.rows || c.cols >= 0 && cols != c.cols {
		return nil, fmt.Errorf("%d rows of %d numbers from line %d on, expected %s of %s", rows, cols, lines[0].at, anyNumber(c.rows), anyNumber(c.cols))
	}
	return m, nil
}

func anyNumber(n int) string {
	if n < 0 {
		return "any number"
	}
	return strconv.Itoa(n)
}

package vision

import (
	"errors"
	"math"
)

// matrix is a 3x3 matrix, row by row, that acts on (x, y, 1): the result's first two parts are divided by
// its third.
type matrix [9]float64

var identity = matrix{1, 0, 0, 0, 1, 0, 0, 0, 1}

// mul is m·n: n acts first.
func (m matrix) mul(n matrix) (r matrix) {
	for i := range 3 {
		for j := range 3 {
			r[3*i+j] = m[3*i]*n[j] + m[3*i+1]*n[3+j] + m[3*i+2]*n[6+j]
		}
	}
	return r
}

// apply maps a point.
func (m matrix) apply(x, y float64) (float64, float64) {
	X, Y := m[0]*x+m[1]*y+m[2], m[3]*x+m[4]*y+m[5]
	if m[6] == 0 && m[7] == 0 && m[8] == 1 {
		return X, Y
	}
	z := m[6]*x + m[7]*y + m[8]
	return X / z, Y / z
}

// aspect is an affine matrix corrected for pictures that are not square, of h rows and w columns: a
// rotation in pixels, not in units of the sides.
func (m matrix) aspect(h, w int) matrix {
	m[1] *= float64(h) / float64(w)
	m[3] *= float64(w) / float64(h)
	return m
}

var errSingular = errors.New("the warp is so strong that the picture collapses (try a smaller magnitude)")

// inverse fails for matrices that flatten the plane.
func (m matrix) inverse() (matrix, error) {
	c := matrix{
		m[4]*m[8] - m[5]*m[7], m[2]*m[7] - m[1]*m[8], m[1]*m[5] - m[2]*m[4],
		m[5]*m[6] - m[3]*m[8], m[0]*m[8] - m[2]*m[6], m[2]*m[3] - m[0]*m[5],
		m[3]*m[7] - m[4]*m[6], m[1]*m[6] - m[0]*m[7], m[0]*m[4] - m[1]*m[3],
	}
	det := m[0]*c[0] + m[1]*c[3] + m[2]*c[6]
	if math.Abs(det) < 1e-12 {
		return m, errSingular
	}
	for k := range c {
		c[k] /= det
	}
	if c[8] != 0 && (c[6] != 0 || c[7] != 0) { // a projective matrix is the same up to a factor
		for k := range c {
			c[k] /= c[8]
		}
		c[8] = 1
	}
	return c, nil
}

// solve solves a·x = b by elimination with pivots, in place; a has len(b) rows.
func solve(a [][]float64, b []float64) error {
	n := len(b)
	for k := range n {
		p := k
		for i := k + 1; i < n; i++ {
			if math.Abs(a[i][k]) > math.Abs(a[p][k]) {
				p = i
			}
		}
		if math.Abs(a[p][k]) < 1e-9 {
			return errSingular
		}
		a[k], a[p], b[k], b[p] = a[p], a[k], b[p], b[k]
		for i := k + 1; i < n; i++ {
			f := a[i][k] / a[k][k]
			for j := k; j < n; j++ {
				a[i][j] -= f * a[k][j]
			}
			b[i] -= f * b[k]
		}
	}
	for k := n - 1; k >= 0; k-- {
		for j := k + 1; j < n; j++ {
			b[k] -= a[k][j] * b[j]
		}
		b[k] /= a[k][k]
	}
	return nil
}

// corners are a picture's corners (x, y): top left, bottom left, top right, bottom right.
var corners = [4][2]float64{{-1, -1}, {-1, 1}, {1, -1}, {1, 1}}

// homography is the projective matrix that maps the four points from to the four points to.
func homography(from, to [4][2]float64) (matrix, error) {
	a := make([][]float64, 0, 8)
	b := make([]float64, 0, 8)
	for k := range from {
		x, y, u, v := from[k][0], from[k][1], to[k][0], to[k][1]
		a = append(a, []float64{x, y, 1, 0, 0, 0, -u * x, -u * y}, []float64{0, 0, 0, x, y, 1, -v * x, -v * y})
		b = append(b, u, v)
	}
	if err := solve(a, b); err != nil {
		return matrix{}, err
	}
	return matrix{b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], 1}, nil
}

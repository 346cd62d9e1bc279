package device

import "testing"

// Each number goes to its place, whatever the sizes of matrices.
func TestTranspose(t *testing.T) {
	for _, s := range [][2]int{{1, 1}, {3, 5}, {9, 512}, {512, 9}, {64, 64}, {65, 130}, {200, 63}, {130, 1}} {
		rows, cols := s[0], s[1]
		src, dst := make([]float32, 3*rows*cols), make([]float32, 3*rows*cols)
		for i := range src {
			src[i] = float32(i + 1)
		}
		Transpose(dst, src, 1, 3, rows, cols)
		for k := range 3 {
			for r := range rows {
				for c := range cols {
					want := src[k*rows*cols+r*cols+c]
					if k == 0 {
						want = 0 // not asked for
					}
					if got := dst[k*rows*cols+c*rows+r]; got != want {
						t.Fatalf("%dx%d: matrix %d, row %d, column %d: %v, want %v", rows, cols, k, r, c, got, want)
					}
				}
			}
		}
	}
}

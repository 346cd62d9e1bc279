package device

import (
	"runtime"
	"sync"

	"github.com/fastnb/go/fastnb/tensor"
)

// turned is n matrices of rows x cols, each transposed; an element is size numbers.
func turned(t *tensor.Tensor, shape []int, n, rows, cols, size int) *tensor.Tensor {
	out := tensor.New(tensor.Float32, shape...)
	dst, src := out.Float32s(), t.Float32s()
	if size != 1 {
		for k := range n * rows * cols {
			r, c := k/cols%rows, k%cols
			at := (k - k%(rows*cols) + c*rows + r) * size
			copy(dst[at:at+size], src[k*size:(k+1)*size])
		}
		return out
	}
	workers := min(runtime.GOMAXPROCS(0), n)
	if n*rows*cols < 1<<16 || workers < 2 {
		Transpose(dst, src, 0, n, rows, cols)
		return out
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { Transpose(dst, src, n*w/workers, n*(w+1)/workers, rows, cols) })
	}
	wg.Wait()
	return out
}

// Transpose turns matrices from to to-1 of rows x cols each. What it writes it writes in order.
func Transpose[T float32 | uint8](dst, src []T, from, to, rows, cols int) {
	const block = 64 // columns whose lines of memory stay at hand
	for k := from; k < to; k++ {
		d, s := dst[k*rows*cols:(k+1)*rows*cols], src[k*rows*cols:(k+1)*rows*cols]
		if rows < block {
			transposeFew(d, s, rows, cols)
			continue
		}
		for c0 := 0; c0 < cols; c0 += block {
			for r0 := 0; r0 < rows; r0 += block {
				r1 := min(r0+block, rows)
				for c := c0; c < min(c0+block, cols); c++ {
					line := d[c*rows+r0 : c*rows+r1]
					at := r0*cols + c
					for r := range line {
						line[r] = s[at]
						at += cols
					}
				}
			}
		}
	}
}

// transposeFew turns a matrix of few rows.
func transposeFew[T float32 | uint8](d, s []T, rows, cols int) {
	for r := range rows {
		at := r
		for _, v := range s[r*cols : (r+1)*cols] {
			d[at] = v
			at += rows
		}
	}
}

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

// Transpose turns matrices from to to-1 of rows x cols each.
func Transpose[T float32 | uint8](dst, src []T, from, to, rows, cols int) {
	for k := from; k < to; k++ {
		d, s := dst[k*rows*cols:(k+1)*rows*cols], src[k*rows*cols:(k+1)*rows*cols]
		for r := range rows {
			row := s[r*cols : (r+1)*cols]
			for c, v := range row {
				d[c*rows+r] = v
			}
		}
	}
}

package engine

import (
	"runtime"
	"sync"

	"github.com/fastnb/go/fastnb/tensor"
)

// toDevice turns a host tensor of four dimensions from [N, C, H, W] (or a weight from [O, C, KH, KW])
// to channels-last. Others pass as they are.
func toDevice(t *tensor.Tensor) *tensor.Tensor {
	s := t.Shape()
	if len(s) != 4 || t.DType() != tensor.Float32 {
		return t
	}
	out := tensor.New(tensor.Float32, s[0], s[2], s[3], s[1])
	transpose(out.Float32s(), t.Float32s(), s[0], s[1], s[2]*s[3])
	return out
}

// fromDevice is the way back.
func fromDevice(t *tensor.Tensor) *tensor.Tensor {
	s := t.Shape()
	if len(s) != 4 || t.DType() != tensor.Float32 {
		return t
	}
	out := tensor.New(tensor.Float32, s[0], s[3], s[1], s[2])
	transpose(out.Float32s(), t.Float32s(), s[0], s[1]*s[2], s[3])
	return out
}

// transpose turns each of n matrices of rows x cols, the matrices shared out over the cores.
func transpose(dst, src []float32, n, rows, cols int) {
	one := func(from, to int) {
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
	workers := min(runtime.GOMAXPROCS(0), n)
	if n*rows*cols < 1<<16 || workers < 2 {
		one(0, n)
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { one(n*w/workers, n*(w+1)/workers) })
	}
	wg.Wait()
}

// turned is a matrix [T, N] as [N, T].
func turned(t *tensor.Tensor) *tensor.Tensor {
	s := t.Shape()
	out := tensor.New(tensor.Float32, s[1], s[0])
	transpose(out.Float32s(), t.Float32s(), 1, s[0], s[1])
	return out
}

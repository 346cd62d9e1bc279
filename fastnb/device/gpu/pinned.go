package gpu

import (
	"math/bits"
	"runtime"
	"sync"
	"unsafe"

	"github.com/fastnb/go/fastnb/tensor"
)

// mostStaged is the largest piece that a copy between host and card goes in, in bytes: the card copies one while
// the host prepares the next.
const mostStaged = 2 << 20

// leastStaged is the smallest stretch of page-locked memory.
const leastStaged = 64 << 10

// pinned keeps page-locked memory of the host, in stretches of powers of two.
type pinned struct {
	drv  Driver
	mu   sync.Mutex
	free [64][][]byte // by the logarithm of their size
}

func sizeClass(n int) int { return bits.Len(uint(max(n, leastStaged) - 1)) }

// take gives at least n bytes.
func (p *pinned) take(n int) ([]byte, error) {
	k := sizeClass(n)
	p.mu.Lock()
	if l := len(p.free[k]); l > 0 {
		b := p.free[k][l-1]
		p.free[k] = p.free[k][:l-1]
		p.mu.Unlock()
		return b, nil
	}
	p.mu.Unlock()
	return p.drv.Host(1 << k)
}

// give takes memory back that no copy uses any more.
func (p *pinned) give(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b = b[:cap(b)]
	k := sizeClass(len(b))
	p.free[k] = append(p.free[k], b)
}

func (p *pinned) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, all := range p.free {
		for _, b := range all {
			p.drv.ReleaseHost(b)
		}
		p.free[k] = nil
	}
}

// copyBytes is copy, by several threads where one would be the slowest part of the way.
func copyBytes(dst, src []byte) {
	const part = 512 << 10
	n := min((len(src)+part-1)/part, runtime.GOMAXPROCS(0), 4)
	if n < 2 {
		copy(dst, src)
		return
	}
	var wg sync.WaitGroup
	for i := 1; i < n; i++ {
		wg.Go(func() { copy(dst[len(src)*i/n:len(src)*(i+1)/n], src[len(src)*i/n:]) })
	}
	copy(dst[:len(src)/n], src)
	wg.Wait()
}

// bytesOf is the memory of a host array.
func bytesOf(t *tensor.Tensor) []byte {
	n := t.Len() * t.DType().Size()
	if n == 0 {
		return nil
	}
	var at unsafe.Pointer
	switch t.DType() {
	case tensor.Float32:
		at = unsafe.Pointer(unsafe.SliceData(t.Float32s()))
	case tensor.Int64:
		at = unsafe.Pointer(unsafe.SliceData(t.Int64s()))
	case tensor.Uint8:
		at = unsafe.Pointer(unsafe.SliceData(t.Uint8s()))
	default:
		at = unsafe.Pointer(unsafe.SliceData(t.Bits()))
	}
	return unsafe.Slice((*byte)(at), n)
}

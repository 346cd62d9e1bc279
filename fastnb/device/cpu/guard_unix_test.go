//go:build unix

package cpu

import (
	"math/rand/v2"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	"github.com/fastnb/go/fastnb/device"
)

// guarded gives n floats right before a page that nobody may touch, or right behind one.
func guarded(t *testing.T, n int, behind bool) []float32 {
	t.Helper()
	page := syscall.Getpagesize()
	size := (n*4 + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(b) })
	for _, g := range [][]byte{b[:page], b[page+size:]} {
		if err := syscall.Mprotect(g, syscall.PROT_NONE); err != nil {
			t.Skip(err)
		}
	}
	at := page
	if !behind {
		at = page + size - n*4
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&b[at])), n)
}

// TestWithinBounds: no kernel of a convolution, a product, a recurrent layer, a decoder or a pooling reads or writes outside its arrays.
func TestWithinBounds(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	rng := rand.New(rand.NewPCG(11, 12))
	for _, behind := range []bool{false, true} {
		array := func(n int) []float32 {
			f := guarded(t, n, behind)
			copy(f, normal(rng, n))
			return f
		}
		for _, isa := range available {
			d := New(1) // a fault in a worker of its own would end the test
			d.isa = isa
			for _, s := range []struct{ n, side, c, o, k, stride int }{
				{1, 5, 19, 35, 3, 1}, {2, 8, 32, 64, 3, 1}, {1, 13, 100, 33, 3, 1}, {12, 12, 17, 16, 3, 1}, {1, 9, 21, 34, 3, 2}, {2, 6, 40, 50, 1, 1}, {1, 14, 3, 20, 7, 2},
			} {
				a := device.Conv{Stride: [2]int{s.stride, s.stride}, Pad: [4]int{s.k / 2, s.k / 2, s.k / 2, s.k / 2}}
				out := (s.side-1)/s.stride + 1
				x := val{shape: []int{s.n, s.side, s.side, s.c}, f: array(s.n * s.side * s.side * s.c)}
				w := val{shape: []int{s.o, s.k, s.k, s.c}, f: array(s.o * s.k * s.k * s.c)}
				y := val{shape: []int{s.n, out, out, s.o}, f: array(s.n * out * out * s.o)}
				for _, run := range []func() error{
					func() error { return convForward(a, &call{dev: d, in: []val{x, w}, out: []val{y}}) },
					func() error { return convDX(a, &call{dev: d, in: []val{y, w}, out: []val{x}}) },
					func() error { return convDW(a, &call{dev: d, in: []val{x, y}, out: []val{w}}) },
				} {
					if err := run(); err != nil {
						t.Fatal(err)
					}
				}
				if s.k != 3 || s.stride != 1 {
					continue
				}
				for _, tr := range []*winoTransforms{&isa.wino.four, &isa.wino.two} {
					z := d.newWino(tr, s.n, s.side, s.side, s.c, out, out, s.o, 1, 1)
					fin := d.plainFinish(s.o)
					fin.scale, fin.shift, fin.res = array(s.o+isa.width), array(s.o+isa.width), array(len(y.f))
					weights := winoWeights{w: w.f, o: s.o, c: s.c}
					z.byTiles(x.f, weights, y.f, fin, z.works())
					z.byPanels(x.f, weights, y.f, fin, z.works())
					z.gradByGroups(x.f, y.f, w.f, z.works())
					z.gradByPanels(x.f, y.f, w.f, z.works())
				}
			}
			for _, s := range groupCases {
				run, _, _, _ := s.kernels(t, d, array)
				for _, f := range run {
					f()
				}
			}
			pool := device.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}}
			x, y := val{shape: []int{2, 7, 7, 13}, f: array(2 * 7 * 7 * 13)}, val{shape: []int{2, 4, 4, 13}, f: array(2 * 4 * 4 * 13)}
			maxPool(pool, &call{dev: d, in: []val{x}, out: []val{y}})
			maxPoolDX(pool, &call{dev: d, in: []val{y, x, y}, out: []val{{shape: x.shape, f: array(len(x.f))}}})
			if err := sequencesWithin(d, array); err != nil {
				t.Fatal(err)
			}
			d.Close()
		}
	}
}

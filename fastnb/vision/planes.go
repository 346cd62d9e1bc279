package vision

import (
	"bytes"
	"image"
	"sync"
)

// planes is pixels, one channel after the other, each row by row: 8 bits as files have them (u, where v
// stands for v/255, or in a mask for itself), or float32 (f). Exactly one of u and f is in use.
type planes struct {
	c, h, w int
	u       []uint8
	f       []float32
	lent    bool // the memory is somebody's who may go on using it: it never comes into the pools
}

// floatPool and bytePool hold memory of pictures between items; a batch's pictures have the same size,
// so what comes back usually fits.
var floatPool, bytePool sync.Pool

// newFloats are planes of float32 whose values are arbitrary.
func newFloats(c, h, w int) *planes {
	n := c * h * w
	if p, ok := floatPool.Get().(*planes); ok && cap(p.f) >= n {
		*p = planes{c: c, h: h, w: w, f: p.f[:n]}
		return p
	}
	return &planes{c: c, h: h, w: w, f: make([]float32, n)}
}

// newBytes are planes of 8 bits whose values are arbitrary.
func newBytes(c, h, w int) *planes {
	n := c * h * w
	if p, ok := bytePool.Get().(*planes); ok && cap(p.u) >= n {
		*p = planes{c: c, h: h, w: w, u: p.u[:n]}
		return p
	}
	return &planes{c: c, h: h, w: w, u: make([]uint8, n)}
}

// like are planes of p's kind.
func (p *planes) like(h, w int) *planes {
	if p.u != nil {
		return newBytes(p.c, h, w)
	}
	return newFloats(p.c, h, w)
}

// release gives the memory back, unless it is lent.
func (p *planes) release() {
	if p.lent {
		return
	}
	if p.u != nil {
		bytePool.Put(p)
	} else {
		floatPool.Put(p)
	}
}

// keep makes the memory lent, and gives its size. Memory from a pool may be larger than what is in it: it is copied.
func (p *planes) keep() int64 {
	p.lent = true
	if cap(p.u) > len(p.u)+len(p.u)/8 {
		p.u = bytes.Clone(p.u)
	}
	return int64(cap(p.u)) + 4*int64(cap(p.f))
}

// unit is v/255 for each 8-bit value, in the rounding of a float32 division.
var unit = func() (t [256]float32) {
	for v := range t {
		t[v] = float32(v) / 255
	}
	return
}()

// floats writes the values in [0, 1].
func (p *planes) floats(dst []float32) {
	if p.f != nil {
		copy(dst, p.f)
		return
	}
	dst = dst[:len(p.u)]
	for k, v := range p.u {
		dst[k] = unit[v]
	}
}

// byte8 is a value of [0, 1] in 8 bits, clamped and rounded.
func byte8(v float32) uint8 {
	switch {
	case !(v > 0): // NaN too
		return 0
	case v >= 1:
		return 255
	}
	return uint8(v*255 + .5)
}

func (p *planes) picture() *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, p.w, p.h))
	n := p.h * p.w
	for ch := range 3 {
		at := min(ch, p.c-1) * n
		for k := range n {
			if p.u != nil {
				m.Pix[4*k+ch] = p.u[at+k]
			} else {
				m.Pix[4*k+ch] = byte8(p.f[at+k])
			}
		}
	}
	for k := range n {
		m.Pix[4*k+3] = 255
	}
	return m
}

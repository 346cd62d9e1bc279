package cpu

import "github.com/fastnb/go/fastnb/device"

// Depthwise convolutions (as many groups as channels, one output each) go through no product. For a tap of the kernel,
// the pixels of a row of the one map lie as far from each other as those of the other's row that they meet, so that a
// whole stretch of pixels is multiplied by the tap's weights, repeated as often, and added. With strides the pixels that
// a tap meets are brought beside each other first.

// depthwise reports whether a grouped convolution is one: w is [C, KH, KW, 1].
func depthwise(a device.Conv, w []int) bool { return a.Groups == w[0] && w[3] == 1 }

// stretchFloats is how many floats of a row are worked on at a time, if a pixel has fewer.
const stretchFloats = 512

// depthWork is a depthwise convolution of maps x [n, h, w, c] to y.
type depthWork struct {
	a      device.Conv
	d      *Device
	x, y   []int // shapes
	c      int
	kh, kw int
	long   int // floats of a stretch: whole pixels
}

func newDepthWork(d *Device, a device.Conv, x, w, y []int) *depthWork {
	k := &depthWork{a: a, d: d, x: x, y: y, c: x[3], kh: w[1], kw: w[2]}
	k.long = k.c * max(1, min(y[2], stretchFloats/k.c))
	return k
}

// taps lays the weights [C, KH, KW, 1] out tap by tap, each for the pixels of a stretch.
func (k *depthWork) taps(w []float32) []float32 {
	n := k.kh * k.kw
	out := k.d.scratch(0, n*k.long)
	for t := range n {
		to := out[t*k.long : (t+1)*k.long]
		for ch := range k.c {
			to[ch] = w[ch*n+t]
		}
		for at := k.c; at < len(to); at += k.c {
			copy(to[at:at+k.c], to)
		}
	}
	return out
}

// meets gives the pixels lo to hi of a row of y that column kx of the kernel meets within x, and where it meets the first.
func (k *depthWork) meets(kx int) (lo, hi, first int) {
	s, pad := k.a.Stride[1], k.a.Pad[1]
	lo = max(0, (pad-kx+s-1)/s)
	if room := k.x[2] - 1 - kx + pad; room >= 0 {
		hi = min(k.y[2], room/s+1)
	}
	return lo, max(lo, hi), lo*s + kx - pad
}

// beside gives the pixels of a row of x that are met by those from lo to hi of y, beside each other: in own, or where
// they lie.
func (k *depthWork) beside(row, own []float32, lo, hi, first int) []float32 {
	n := (hi - lo) * k.c
	if k.a.Stride[1] == 1 {
		return row[first*k.c:][:n]
	}
	k.d.isa.copyRows(own, k.c, row[first*k.c:], k.a.Stride[1]*k.c, k.c, hi-lo)
	return own[:n]
}

// widePixel is from how many floats on a pixel is worked on where it lies: to bring it beside others costs more.
const widePixel = 64

// apart calls f with the places in rows of y and x of the pixels lo to hi of y and those that they meet, and reports
// true, if pixels are to be worked on one by one.
func (k *depthWork) apart(lo, hi, first int, f func(y, x int)) bool {
	if k.a.Stride[1] == 1 || k.c < widePixel {
		return false
	}
	for i := lo; i < hi; i++ {
		f(i*k.c, (first+(i-lo)*k.a.Stride[1])*k.c)
	}
	return true
}

// add is dst += src * w, w repeated.
func (k *depthWork) add(dst, src, w []float32) {
	mul := k.d.isa.vec.mulAdd
	for i := 0; i < len(dst); i += k.long {
		j := min(i+k.long, len(dst))
		mul(dst[i:j], src[i:j], w[:j-i])
	}
}

// workers makes sure that each worker has room for a row of y.
func (k *depthWork) workers() {
	for w := range k.d.team.n {
		k.d.scratch(1+w, k.y[2]*k.c)
	}
}

func (k *depthWork) rowOfX(f []float32, n, iy int) []float32 {
	size := k.x[2] * k.c
	return f[(n*k.x[1]+iy)*size:][:size]
}

func (k *depthWork) rowOfY(f []float32, r int) []float32 {
	size := k.y[2] * k.c
	return f[r*size:][:size]
}

func depthwiseForward(a device.Conv, c *call) error {
	x, w, y := c.in[0], c.in[1], c.out[0]
	k := newDepthWork(c.dev, a, x.shape, w.shape, y.shape)
	taps := k.taps(w.f)
	k.workers()
	mul := c.dev.isa.vec.mulAdd
	var after func([]float32, int)
	if len(c.in) == 3 || a.ReLU {
		after = biasReLU(c, a.ReLU)
	}
	c.dev.team.each(y.shape[0]*y.shape[1], func(worker, r int) {
		row, own := k.rowOfY(y.f, r), c.dev.pack[1+worker].f
		clear(row)
		for ky := range k.kh {
			iy := r%y.shape[1]*a.Stride[0] + ky - a.Pad[0]
			if iy < 0 || iy >= x.shape[1] {
				continue
			}
			from := k.rowOfX(x.f, r/y.shape[1], iy)
			for kx := range k.kw {
				lo, hi, first := k.meets(kx)
				w := taps[(ky*k.kw+kx)*k.long:][:k.long]
				if lo < hi && !k.apart(lo, hi, first, func(y, x int) { mul(row[y:y+k.c], from[x:x+k.c], w[:k.c]) }) {
					k.add(row[lo*k.c:hi*k.c], k.beside(from, own, lo, hi, first), w)
				}
			}
		}
		if after != nil {
			for i := 0; i < len(row); i += k.c {
				after(row[i:i+k.c], 0)
			}
		}
	})
	return nil
}

func depthwiseDX(a device.Conv, c *call) error {
	dy, w, dx := c.in[0], c.in[1], c.out[0]
	k := newDepthWork(c.dev, a, dx.shape, w.shape, dy.shape)
	taps := k.taps(w.f)
	k.workers()
	c.dev.team.each(dx.shape[0]*dx.shape[1], func(worker, r int) {
		n, iy := r/dx.shape[1], r%dx.shape[1]
		row, own := k.rowOfX(dx.f, n, iy), c.dev.pack[1+worker].f
		clear(row)
		for ky := range k.kh {
			t := iy + a.Pad[0] - ky
			if t < 0 || t%a.Stride[0] != 0 || t/a.Stride[0] >= dy.shape[1] {
				continue
			}
			k.spread(row, own, k.rowOfY(dy.f, n*dy.shape[1]+t/a.Stride[0]), taps[ky*k.kw*k.long:])
		}
	})
	return nil
}

// spread adds a row of the output's gradient, by the taps of a row of the kernel, to one of the input's.
func (k *depthWork) spread(row, own, dy, taps []float32) {
	mul := k.d.isa.vec.mulAdd
	for kx := range k.kw {
		lo, hi, first := k.meets(kx)
		w := taps[kx*k.long:][:k.long]
		if lo == hi || k.apart(lo, hi, first, func(y, x int) { mul(row[x:x+k.c], dy[y:y+k.c], w[:k.c]) }) {
			continue
		}
		from := dy[lo*k.c : hi*k.c]
		if k.a.Stride[1] == 1 {
			k.add(row[first*k.c:][:len(from)], from, w)
			continue
		}
		sum := k.beside(row, own, lo, hi, first)
		k.add(sum, from, w)
		for i := range hi - lo {
			copy(row[(first+i*k.a.Stride[1])*k.c:][:k.c], sum[i*k.c:])
		}
	}
}

func depthwiseDW(a device.Conv, c *call) error {
	x, dy, dw := c.in[0], c.in[1], c.out[0]
	k := newDepthWork(c.dev, a, x.shape, dw.shape, dy.shape)
	k.workers()
	taps, rows := k.kh*k.kw, dy.shape[0]*dy.shape[1]
	parts := min(maxParts, rows)
	acc := c.dev.scratch(0, parts*taps*k.long)
	c.dev.team.each(parts, func(worker, p int) {
		sum, own := acc[p*taps*k.long:(p+1)*taps*k.long], c.dev.pack[1+worker].f
		clear(sum)
		for r := rows * p / parts; r < rows*(p+1)/parts; r++ {
			for ky := range k.kh {
				iy := r%dy.shape[1]*a.Stride[0] + ky - a.Pad[0]
				if iy >= 0 && iy < x.shape[1] {
					k.weigh(sum[ky*k.kw*k.long:], own, k.rowOfX(x.f, r/dy.shape[1], iy), k.rowOfY(dy.f, r))
				}
			}
		}
	})
	for ch := range k.c {
		for t := range taps {
			var s float64
			for p := range parts {
				for at := ch; at < k.long; at += k.c {
					s += float64(acc[(p*taps+t)*k.long+at])
				}
			}
			dw.f[ch*taps+t] = float32(s)
		}
	}
	return nil
}

// weigh adds what a row of x and one of the output's gradient have in common to the sums of the taps of a row of the
// kernel.
func (k *depthWork) weigh(sums, own, x, dy []float32) {
	mul := k.d.isa.vec.mulAdd
	for kx := range k.kw {
		lo, hi, first := k.meets(kx)
		sum := sums[kx*k.long:][:k.long]
		if lo == hi || k.apart(lo, hi, first, func(y, from int) { mul(sum[:k.c], x[from:from+k.c], dy[y:y+k.c]) }) {
			continue
		}
		from, g := k.beside(x, own, lo, hi, first), dy[lo*k.c:hi*k.c]
		for i := 0; i < len(g); i += k.long {
			j := min(i+k.long, len(g))
			mul(sum[:j-i], from[i:j], g[i:j])
		}
	}
}

package cpu

import "github.com/fastnb/go/fastnb/device"

// Depthwise convolutions (as many groups as channels, one output each) go through no product: for each
// pixel and each tap of the kernel, a row of channels times a row of weights is added.

// depthwise reports whether a grouped convolution is one: w is [C, KH, KW, 1].
func depthwise(a device.Conv, w []int) bool { return a.Groups == w[0] && w[3] == 1 }

// tapRows lays the weights [C, KH, KW, 1] out tap by tap, C together.
func (d *Device) tapRows(w []float32, c, taps int) []float32 {
	out := d.scratch(0, c*taps)
	for ch := range c {
		for t := range taps {
			out[t*c+ch] = w[ch*taps+t]
		}
	}
	return out
}

// eachTap calls f for every pixel of row oy of y and every tap inside x: the offsets of their channels.
func eachTap(a device.Conv, xs, ys []int, kh, kw, n, oy int, f func(x, tap, y int)) {
	c := xs[3]
	for ky := range kh {
		iy := oy*a.Stride[0] + ky - a.Pad[0]
		if iy < 0 || iy >= xs[1] {
			continue
		}
		for ox := range ys[2] {
			y := ((n*ys[1]+oy)*ys[2] + ox) * c
			x0 := ox*a.Stride[1] - a.Pad[1]
			for kx := max(0, -x0); kx < min(kw, xs[2]-x0); kx++ {
				f(((n*xs[1]+iy)*xs[2]+x0+kx)*c, ky*kw+kx, y)
			}
		}
	}
}

func depthwiseForward(a device.Conv, c *call) error {
	x, w, y := c.in[0], c.in[1], c.out[0]
	ch, kh, kw := x.shape[3], w.shape[1], w.shape[2]
	taps := c.dev.tapRows(w.f, ch, kh*kw)
	mul := c.dev.isa.vec.mulAdd
	var after func([]float32, int)
	if len(c.in) == 3 || a.ReLU {
		after = biasReLU(c, a.ReLU)
	}
	c.dev.team.each(y.shape[0]*y.shape[1], func(_, r int) {
		row := y.f[r*y.shape[2]*ch : (r+1)*y.shape[2]*ch]
		clear(row)
		eachTap(a, x.shape, y.shape, kh, kw, r/y.shape[1], r%y.shape[1], func(xi, t, yi int) {
			mul(y.f[yi:yi+ch], x.f[xi:xi+ch], taps[t*ch:t*ch+ch])
		})
		if after != nil {
			for i := 0; i < len(row); i += ch {
				after(row[i:i+ch], 0)
			}
		}
	})
	return nil
}

func depthwiseDX(a device.Conv, c *call) error {
	dy, w, dx := c.in[0], c.in[1], c.out[0]
	ch, kh, kw := dx.shape[3], w.shape[1], w.shape[2]
	taps := c.dev.tapRows(w.f, ch, kh*kw)
	size := len(dx.f) / dx.shape[0]
	mul := c.dev.isa.vec.mulAdd
	c.dev.team.each(dx.shape[0], func(_, n int) { // rows of dy overlap in dx: a picture is one worker's
		clear(dx.f[n*size : (n+1)*size])
		for oy := range dy.shape[1] {
			eachTap(a, dx.shape, dy.shape, kh, kw, n, oy, func(xi, t, yi int) {
				mul(dx.f[xi:xi+ch], dy.f[yi:yi+ch], taps[t*ch:t*ch+ch])
			})
		}
	})
	return nil
}

func depthwiseDW(a device.Conv, c *call) error {
	x, dy, dw := c.in[0], c.in[1], c.out[0]
	ch, kh, kw := x.shape[3], dw.shape[1], dw.shape[2]
	size := ch * kh * kw
	rows := dy.shape[0] * dy.shape[1]
	parts := min(maxParts, rows)
	acc := c.dev.scratch(0, parts*size)
	mul := c.dev.isa.vec.mulAdd
	c.dev.team.each(parts, func(_, p int) {
		sum := acc[p*size : (p+1)*size]
		clear(sum)
		for r := rows * p / parts; r < rows*(p+1)/parts; r++ {
			eachTap(a, x.shape, dy.shape, kh, kw, r/dy.shape[1], r%dy.shape[1], func(xi, t, yi int) {
				mul(sum[t*ch:t*ch+ch], x.f[xi:xi+ch], dy.f[yi:yi+ch])
			})
		}
	})
	for i := range ch {
		for t := range kh * kw {
			var s float64
			for p := range parts {
				s += float64(acc[p*size+t*ch+i])
			}
			dw.f[i*kh*kw+t] = float32(s)
		}
	}
	return nil
}

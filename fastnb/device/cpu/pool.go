package cpu

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	kernels["maxpool2d"] = poolKernel(maxPool)
	kernels["maxpool2d_dx"] = poolKernel(maxPoolDX)
	kernels["avgpool2d"] = poolKernel(avgPool)
	kernels["avgpool2d_dx"] = poolKernel(avgPoolDX)
	kernels["global_pool"] = globalKernel(globalPool)
	kernels["global_pool_dx"] = globalKernel(globalPoolDX)
}

func poolKernel(run func(device.Pool, *call)) builder {
	return func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.Pool)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { run(a, c); return nil }, nil
	}
}

func globalKernel(run func(device.GlobalPool, *call)) builder {
	return func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.GlobalPool)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { run(a, c); return nil }, nil
	}
}

// windows calls f with every input pixel of the window of output pixel (oy, ox) of picture n: the
// offsets of their channels.
func windows(a device.Pool, xs []int, n, oy, ox int, f func(x int)) {
	for ky := range a.Size[0] {
		iy := oy*a.Stride[0] + ky - a.Pad[0]
		if iy < 0 || iy >= xs[1] {
			continue
		}
		for kx := range a.Size[1] {
			if ix := ox*a.Stride[1] + kx - a.Pad[1]; ix >= 0 && ix < xs[2] {
				f(((n*xs[1]+iy)*xs[2] + ix) * xs[3])
			}
		}
	}
}

// eachOutput shares the pictures of a batch out; gradients of windows that overlap meet within one
// picture only.
func eachOutput(c *call, ys []int, f func(n, oy, ox, y int), begin func(n int)) {
	c.dev.team.each(ys[0], func(_, n int) {
		if begin != nil {
			begin(n)
		}
		for oy := range ys[1] {
			for ox := range ys[2] {
				f(n, oy, ox, ((n*ys[1]+oy)*ys[2]+ox)*ys[3])
			}
		}
	})
}

// taps are the offsets of the input pixels of the window of output pixel (oy, ox) within a picture.
func taps(a device.Pool, xs []int, oy, ox int, into []int) []int {
	into = into[:0]
	windows(a, xs, 0, oy, ox, func(p int) { into = append(into, p) })
	return into
}

func maxPool(a device.Pool, c *call) {
	x, y := c.in[0], c.out[0]
	ch, size, row := x.shape[3], len(x.f)/x.shape[0], y.shape[2]*y.shape[3]
	c.dev.team.each(y.shape[0]*y.shape[1], func(_, r int) {
		n, oy := r/y.shape[1], r%y.shape[1]
		var off []int
		for ox := range y.shape[2] {
			off = taps(a, x.shape, oy, ox, off)
			out := y.f[r*row+ox*ch : r*row+(ox+1)*ch]
			if len(off) == 0 {
				for i := range out {
					out[i] = float32(math.Inf(-1))
				}
				continue
			}
			c.dev.isa.vec.maxTaps(out, x.f[n*size:(n+1)*size], off)
		}
	})
}

func maxPoolDX(a device.Pool, c *call) {
	dy, x, y, dx := c.in[0], c.in[1], c.in[2], c.out[0]
	ch, size := x.shape[3], len(dx.f)/x.shape[0]
	var off [][]int // of each worker
	for range c.dev.team.n {
		off = append(off, nil)
	}
	c.dev.team.each(x.shape[0], func(w, n int) {
		clear(dx.f[n*size : (n+1)*size])
		for oy := range y.shape[1] {
			for ox := range y.shape[2] {
				off[w] = taps(a, x.shape, oy, ox, off[w])
				at := ((n*y.shape[1]+oy)*y.shape[2] + ox) * ch
				if len(off[w]) > 0 {
					c.dev.isa.vec.maxTapsGrad(dx.f[n*size:(n+1)*size], x.f[n*size:(n+1)*size], off[w], y.f[at:at+ch], dy.f[at:at+ch])
				}
			}
		}
	})
}

func avgPool(a device.Pool, c *call) {
	x, y := c.in[0], c.out[0]
	ch, scale := x.shape[3], 1/float32(a.Size[0]*a.Size[1])
	eachOutput(c, y.shape, func(n, oy, ox, at int) {
		out := y.f[at : at+ch]
		clear(out)
		windows(a, x.shape, n, oy, ox, func(p int) {
			for i, v := range x.f[p : p+ch] {
				out[i] += v * scale
			}
		})
	}, nil)
}

func avgPoolDX(a device.Pool, c *call) {
	dy, dx := c.in[0], c.out[0]
	ch, scale, size := dx.shape[3], 1/float32(a.Size[0]*a.Size[1]), len(dx.f)/dx.shape[0]
	eachOutput(c, dy.shape, func(n, oy, ox, at int) {
		g := dy.f[at : at+ch]
		windows(a, dx.shape, n, oy, ox, func(p int) {
			for i, v := range g {
				dx.f[p+i] += v * scale
			}
		})
	}, func(n int) { clear(dx.f[n*size : (n+1)*size]) })
}

func globalPool(a device.GlobalPool, c *call) {
	x, y := c.in[0], c.out[0]
	hw, ch, oc := x.shape[1]*x.shape[2], x.shape[3], y.shape[1]
	c.dev.team.each(x.shape[0], func(_, n int) {
		out := y.f[n*oc : (n+1)*oc]
		top, avg := out[:ch], out[oc-ch:]
		if a.Max {
			copy(top, x.f[n*hw*ch:n*hw*ch+ch])
		}
		sum := make([]float32, ch)
		for p := range hw {
			row := x.f[(n*hw+p)*ch : (n*hw+p+1)*ch]
			for i, v := range row {
				sum[i] += v
				if a.Max {
					top[i] = max(top[i], v)
				}
			}
		}
		if a.Avg {
			for i, v := range sum {
				avg[i] = v / float32(hw)
			}
		}
	})
}

func globalPoolDX(a device.GlobalPool, c *call) {
	dy, x, y, dx := c.in[0], c.in[1], c.in[2], c.out[0]
	hw, ch, oc := x.shape[1]*x.shape[2], x.shape[3], y.shape[1]
	c.dev.team.each(x.shape[0], func(_, n int) {
		g, best := dy.f[n*oc:(n+1)*oc], y.f[n*oc:(n+1)*oc]
		done := make([]bool, ch)
		for p := range hw {
			row, d := x.f[(n*hw+p)*ch:(n*hw+p+1)*ch], dx.f[(n*hw+p)*ch:(n*hw+p+1)*ch]
			for i, v := range row {
				var s float32
				if a.Avg {
					s = g[oc-ch+i] / float32(hw)
				}
				if a.Max && !done[i] && v == best[i] {
					s += g[i]
					done[i] = true
				}
				d[i] = s
			}
		}
	})
}

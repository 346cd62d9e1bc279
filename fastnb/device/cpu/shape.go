package cpu

import (
	"fmt"
	"math"

	"github.com/fastnb/go/fastnb/device"
)

func init() {
	kernels["concat"] = func(*device.Step, *device.Plan) (kernel, error) { return concat, nil }
	kernels["channels"] = withAttrs(channels)
	kernels["resize_nearest"] = func(*device.Step, *device.Plan) (kernel, error) { return resizeNearest, nil }
	kernels["resize_nearest_dx"] = func(*device.Step, *device.Plan) (kernel, error) { return resizeNearestDX, nil }
	kernels["pixel_shuffle"] = withAttrs(pixelShuffle)
	kernels["pixel_shuffle_dx"] = withAttrs(pixelShuffleDX)
	kernels["pad2d"] = withAttrs(pad)
	kernels["pad2d_dx"] = withAttrs(padDX)
	kernels["act"] = withAttrs(act)
	kernels["act_dx"] = withAttrs(actDX)
}

// withAttrs builds a kernel that takes attributes of kind A.
func withAttrs[A any](run func(a A, c *call)) builder {
	return func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(A)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { run(a, c); return nil }, nil
	}
}

func lastOf(s []int) int { return s[len(s)-1] }

func concat(c *call) error {
	y := c.out[0]
	n := lastOf(y.shape)
	c.dev.team.ranges(len(y.f)/n, 1, n, func(_, from, to int) {
		at := 0
		for _, x := range c.in {
			k := lastOf(x.shape)
			for r := from; r < to; r++ {
				copy(y.f[r*n+at:r*n+at+k], x.f[r*k:r*k+k])
			}
			at += k
		}
	})
	return nil
}

func channels(a device.Channels, c *call) {
	x, y := c.in[0], c.out[0]
	n, k := lastOf(x.shape), lastOf(y.shape)
	c.dev.team.ranges(len(x.f)/n, 1, k, func(_, from, to int) {
		for r := from; r < to; r++ {
			copy(y.f[r*k:r*k+k], x.f[r*n+a.From:r*n+a.From+k])
		}
	})
}

// mapRows shares out the rows of all pictures of a batch of maps.
func mapRows(c *call, s []int, f func(n, y int)) {
	c.dev.team.ranges(s[0]*s[1], 1, s[2]*s[3], func(_, from, to int) {
		for r := from; r < to; r++ {
			f(r/s[1], r%s[1])
		}
	})
}

func resizeNearest(c *call) error {
	x, y := c.in[0], c.out[0]
	ch := x.shape[3]
	mapRows(c, y.shape, func(n, r int) {
		sr := device.NearestRow(r, x.shape[1], y.shape[1])
		src := x.f[(n*x.shape[1]+sr)*x.shape[2]*ch:]
		dst := y.f[(n*y.shape[1]+r)*y.shape[2]*ch:]
		for k := range y.shape[2] {
			s := device.NearestRow(k, x.shape[2], y.shape[2])
			copy(dst[k*ch:k*ch+ch], src[s*ch:s*ch+ch])
		}
	})
	return nil
}

// resizeNearestDX adds the gradients of the pixels that show one; pictures are shared out.
func resizeNearestDX(c *call) error {
	dy, dx := c.in[0], c.out[0]
	ch, size := dx.shape[3], len(dx.f)/dx.shape[0]
	c.dev.team.each(dx.shape[0], func(_, n int) {
		clear(dx.f[n*size : (n+1)*size])
		for r := range dy.shape[1] {
			sr := device.NearestRow(r, dx.shape[1], dy.shape[1])
			for k := range dy.shape[2] {
				at := ((n*dx.shape[1]+sr)*dx.shape[2] + device.NearestRow(k, dx.shape[2], dy.shape[2])) * ch
				g := dy.f[((n*dy.shape[1]+r)*dy.shape[2]+k)*ch:]
				addTo(dx.f[at:at+ch], g[:ch])
			}
		}
	})
	return nil
}

func addTo(dst, src []float32) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] += src[i]
	}
}

func pixelShuffle(a device.Shuffle, c *call) {
	x, y := c.in[0], c.out[0]
	mapRows(c, x.shape, func(n, r int) {
		shuffleRow(a.Scale, x, y, n, r, func(small []float32, large []float32, step int) {
			for i := range large {
				large[i] = small[i*step]
			}
		})
	})
}

func pixelShuffleDX(a device.Shuffle, c *call) {
	dy, dx := c.in[0], c.out[0]
	mapRows(c, dx.shape, func(n, r int) {
		shuffleRow(a.Scale, dx, dy, n, r, func(small []float32, large []float32, step int) {
			for i, v := range large {
				small[i*step] = v
			}
		})
	})
}

// shuffleRow calls f for each pixel of row r of the small map and each place of its square: the
// pixel's channels from the first that goes there, step apart, and the place's channels.
func shuffleRow(scale int, small, large val, n, r int, f func(small, large []float32, step int)) {
	w, ch, step := small.shape[2], large.shape[3], scale*scale
	for x := range w {
		px := small.f[((n*small.shape[1]+r)*w+x)*ch*step : ((n*small.shape[1]+r)*w+x+1)*ch*step]
		for i := range scale {
			for j := range scale {
				at := ((n*large.shape[1]+r*scale+i)*w*scale + x*scale + j) * ch
				f(px[i*scale+j:], large.f[at:at+ch], step)
			}
		}
	}
}

func pad(a device.Pad, c *call) {
	x, y := c.in[0], c.out[0]
	ch := x.shape[3]
	mapRows(c, y.shape, func(n, r int) {
		dst := y.f[(n*y.shape[1]+r)*y.shape[2]*ch : (n*y.shape[1]+r+1)*y.shape[2]*ch]
		sr := a.Source(r-a.Pad[0], x.shape[1])
		if sr < 0 {
			clear(dst)
			return
		}
		src := x.f[(n*x.shape[1]+sr)*x.shape[2]*ch:]
		for k := range y.shape[2] {
			if s := a.Source(k-a.Pad[1], x.shape[2]); s >= 0 {
				copy(dst[k*ch:k*ch+ch], src[s*ch:s*ch+ch])
			} else {
				clear(dst[k*ch : k*ch+ch])
			}
		}
	})
}

func padDX(a device.Pad, c *call) {
	dy, dx := c.in[0], c.out[0]
	ch, size := dx.shape[3], len(dx.f)/dx.shape[0]
	c.dev.team.each(dx.shape[0], func(_, n int) {
		clear(dx.f[n*size : (n+1)*size])
		for r := range dy.shape[1] {
			sr := a.Source(r-a.Pad[0], dx.shape[1])
			for k := range dy.shape[2] {
				if s := a.Source(k-a.Pad[1], dx.shape[2]); s >= 0 && sr >= 0 {
					at := ((n*dx.shape[1]+sr)*dx.shape[2] + s) * ch
					g := ((n*dy.shape[1]+r)*dy.shape[2] + k) * ch
					addTo(dx.f[at:at+ch], dy.f[g:g+ch])
				}
			}
		}
	})
}

func act(a device.Act, c *call) {
	x, y := c.in[0].f, c.out[0].f
	top := a.Max
	if top == 0 {
		top = float32(math.Inf(1))
	}
	c.dev.team.ranges(len(y), 16, 1, func(_, i, j int) {
		if a.Slope == 0 {
			c.dev.isa.vec.clip(y[i:j], x[i:j], top)
			return
		}
		for k := i; k < j; k++ {
			v := min(x[k], top)
			y[k] = max(v, 0) + a.Slope*min(v, 0)
		}
	})
}

func actDX(a device.Act, c *call) {
	dy, x, dx := c.in[0].f, c.in[1].f, c.out[0].f
	c.dev.team.ranges(len(dx), 16, 1, func(_, i, j int) {
		if a.Slope == 0 && a.Max > 0 {
			c.dev.isa.vec.clipGrad(dx[i:j], dy[i:j], x[i:j], a.Max)
			return
		}
		for k := i; k < j; k++ {
			dx[k] = dy[k] * a.Slopes(x[k])
		}
	})
}

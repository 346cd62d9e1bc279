package cpu

import "math"

// vecKernels are the elementwise loops that take most of the time outside the products. Each works on
// whole rows of c channels; all slices but the per-channel ones have the same length, a multiple of c.
type vecKernels struct {
	// add: dst = a + b
	add func(dst, a, b []float32)
	// mulAdd: dst += a*b
	mulAdd func(dst, a, b []float32)
	// reluGrad: dst = dy where y > 0, else 0
	reluGrad func(dst, dy, y []float32)
	// clip: dst = x kept within 0 and top
	clip func(dst, x []float32, top float32)
	// clipGrad: dst = dy where x lies between 0 and top, else 0
	clipGrad func(dst, dy, x []float32, top float32)
	// affine: y = (x-mean)*scale + shift [+ res], clipped at 0 if relu; res may be nil
	affine func(y, x, res, mean, scale, shift []float32, relu bool)
	// affine2: dst = dy*a + (x-mean)*b + k, dy counted where y > 0 if y is given
	affine2 func(dst, dy, x, y, mean, a, b, k []float32)
	// sums adds up columns: s += x-mean, q += (x-mean)^2
	sums func(s, q, x, mean []float32)
	// sums2: s += dy, q += dy*(x-mean), dy counted where y > 0 if y is given
	sums2 func(s, q, dy, x, y, mean []float32)
	// maxTaps: y = the maximum over places of x that begin at off, a NaN where there is one
	maxTaps func(y, x []float32, off []int)
	// maxTapsGrad adds dy to dx at the first of the places whose x is y
	maxTapsGrad func(dx, x []float32, off []int, y, dy []float32)
	// adam steps parameters; see device/attrs.go for h
	adam func(p, g, m, v, h []float32, l2 bool)
}

var genericVec = vecKernels{
	add: func(dst, a, b []float32) {
		a, b = a[:len(dst)], b[:len(dst)]
		for i := range dst {
			dst[i] = a[i] + b[i]
		}
	},
	mulAdd: func(dst, a, b []float32) {
		a, b = a[:len(dst)], b[:len(dst)]
		for i := range dst {
			dst[i] += a[i] * b[i]
		}
	},
	reluGrad: func(dst, dy, y []float32) {
		dy, y = dy[:len(dst)], y[:len(dst)]
		for i := range dst {
			v := dy[i]
			if y[i] <= 0 {
				v = 0
			}
			dst[i] = v
		}
	},
	maxTaps: func(y, x []float32, off []int) {
		copy(y, x[off[0]:off[0]+len(y)])
		for _, o := range off[1:] {
			for i, v := range x[o : o+len(y)] {
				y[i] = max(y[i], v)
			}
		}
	},
	maxTapsGrad: func(dx, x []float32, off []int, y, dy []float32) {
		for i, v := range y {
			for _, o := range off {
				if x[o+i] == v {
					dx[o+i] += dy[i]
					break
				}
			}
		}
	},
	clip: func(dst, x []float32, top float32) {
		for i, v := range x[:len(dst)] {
			dst[i] = min(max(v, 0), top)
		}
	},
	clipGrad: func(dst, dy, x []float32, top float32) {
		dy, x = dy[:len(dst)], x[:len(dst)]
		for i := range dst {
			v := dy[i]
			if !(x[i] > 0 && x[i] < top) {
				v = 0
			}
			dst[i] = v
		}
	},
	affine: func(y, x, res, mean, scale, shift []float32, relu bool) {
		c := len(mean)
		for r := 0; r < len(y); r += c {
			yr, xr := y[r:r+c], x[r:r+c]
			for i, v := range xr {
				yr[i] = (v-mean[i])*scale[i] + shift[i]
			}
			if res != nil {
				for i, v := range res[r : r+c] {
					yr[i] += v
				}
			}
			if relu {
				for i, v := range yr {
					yr[i] = max(v, 0)
				}
			}
		}
	},
	affine2: func(dst, dy, x, y, mean, a, b, k []float32) {
		c := len(mean)
		for r := 0; r < len(dst); r += c {
			dr, gr, xr := dst[r:r+c], dy[r:r+c], x[r:r+c]
			if y == nil {
				for i, v := range xr {
					dr[i] = gr[i]*a[i] + (v-mean[i])*b[i] + k[i]
				}
				continue
			}
			yr := y[r : r+c]
			for i, v := range xr {
				g := gr[i]
				if yr[i] <= 0 {
					g = 0
				}
				dr[i] = g*a[i] + (v-mean[i])*b[i] + k[i]
			}
		}
	},
	sums: func(s, q, x, mean []float32) {
		c := len(mean)
		for r := 0; r < len(x); r += c {
			for i, v := range x[r : r+c] {
				d := v - mean[i]
				s[i] += d
				q[i] += d * d
			}
		}
	},
	sums2: func(s, q, dy, x, y, mean []float32) {
		c := len(mean)
		for r := 0; r < len(x); r += c {
			gr := dy[r : r+c]
			for i, v := range x[r : r+c] {
				g := gr[i]
				if y != nil && y[r+i] <= 0 {
					g = 0
				}
				s[i] += g
				q[i] += g * (v - mean[i])
			}
		}
	},
	adam: genericAdam,
}

func genericAdam(p, g, m, v, h []float32, l2 bool) {
	lr, b1, b2, eps, wd, c1, c2, scale := h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
	step, inv2 := lr/c1, float32(1/math.Sqrt(float64(c2)))
	shrink := 1 - lr*wd
	for i := range p {
		d, w := g[i]*scale, p[i]
		if l2 {
			d += wd * w
		} else {
			w *= shrink
		}
		mi := m[i] + (d-m[i])*(1-b1)
		vi := b2*v[i] + (1-b2)*d*d
		m[i], v[i] = mi, vi
		p[i] = w - step*mi/(float32(math.Sqrt(float64(vi)))*inv2+eps)
	}
}

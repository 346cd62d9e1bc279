package jpeg

// upsampled gives a component's row y of the picture at full width, interpolated by libjpeg's triangle
// filter: the nearer sample counts three times the farther one, in each direction. buf has room for one
// sample beyond the picture's width; full-size components are not copied.
func (d *decoder) upsampled(buf []uint8, c *component, y int) []uint8 {
	fx, fy := d.hmax/c.h, d.vmax/c.v
	near := y / fy
	a := c.pix[near*c.stride : near*c.stride+c.w]
	smooth := fx == 1 || fx == 2 && c.w > 2 // narrower pictures are replicated
	switch {
	case fx == 1 && fy == 1:
		return a
	case fx == 2 && fy == 1 && smooth:
		across(buf, a)
	case fy == 2 && fx <= 2 && smooth:
		far := near - 1
		if y&1 == 1 {
			far = near + 1
		}
		far = min(max(far, 0), c.h2-1)
		b := c.pix[far*c.stride : far*c.stride+c.w]
		if fx == 1 {
			down(buf, a, b, int32(1+y&1))
			break
		}
		if cap(d.sum) < c.w {
			d.sum = make([]int32, c.w)
		}
		sum := d.sum[:c.w]
		for k := range sum {
			sum[k] = 3*int32(a[k]) + int32(b[k])
		}
		both(buf, sum)
	default:
		for x := range d.w {
			buf[x] = a[x/fx]
		}
	}
	return buf
}

// across doubles the width.
func across(dst, a []uint8) {
	n := len(a)
	dst[0] = a[0]
	dst[1] = uint8((3*int32(a[0]) + int32(a[1]) + 2) >> 2)
	for k := 1; k < n-1; k++ {
		v := 3 * int32(a[k])
		dst[2*k] = uint8((v + int32(a[k-1]) + 1) >> 2)
		dst[2*k+1] = uint8((v + int32(a[k+1]) + 2) >> 2)
	}
	dst[2*n-2] = uint8((3*int32(a[n-1]) + int32(a[n-2]) + 1) >> 2)
	dst[2*n-1] = a[n-1]
}

// down mixes the nearer row a with the farther b.
func down(dst, a, b []uint8, bias int32) {
	for k := range a {
		dst[k] = uint8((3*int32(a[k]) + int32(b[k]) + bias) >> 2)
	}
}

// both doubles the width of a row that is the sum of three parts of the nearer and one of the farther.
func both(dst []uint8, s []int32) {
	n := len(s)
	dst[0] = uint8((s[0]*4 + 8) >> 4)
	dst[1] = uint8((s[0]*3 + s[1] + 7) >> 4)
	for k := 1; k < n-1; k++ {
		v := 3 * s[k]
		dst[2*k] = uint8((v + s[k-1] + 8) >> 4)
		dst[2*k+1] = uint8((v + s[k+1] + 7) >> 4)
	}
	dst[2*n-2] = uint8((s[n-1]*3 + s[n-2] + 8) >> 4)
	dst[2*n-1] = uint8((s[n-1]*4 + 7) >> 4)
}

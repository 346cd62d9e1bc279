package vision

import "image"

// upsampler brings rows of chroma to the picture's width by libjpeg's triangle filter (jdsample.c): the
// nearer sample counts three times the farther one, in each direction.
type upsampler struct {
	m      *image.YCbCr
	fx, fy int // how many pixels a chroma sample covers across and down
	w, h   int // chroma samples
	sum    []int32
}

func newUpsampler(m *image.YCbCr) *upsampler {
	u := &upsampler{m: m, fx: 1, fy: 1}
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		u.fx = 2
	case image.YCbCrSubsampleRatio420:
		u.fx, u.fy = 2, 2
	case image.YCbCrSubsampleRatio440:
		u.fy = 2
	case image.YCbCrSubsampleRatio411:
		u.fx = 4
	case image.YCbCrSubsampleRatio410:
		u.fx, u.fy = 4, 2
	}
	u.w, u.h = (m.Rect.Dx()+u.fx-1)/u.fx, (m.Rect.Dy()+u.fy-1)/u.fy
	u.sum = make([]int32, u.w)
	return u
}

// row writes the chroma of picture row y; dst has room for a sample beyond the picture's width.
func (u *upsampler) row(dst, src []uint8, y int) {
	near := y / u.fy
	a := src[near*u.m.CStride : near*u.m.CStride+u.w]
	smooth := u.fx == 1 || u.fx == 2 && u.w > 2 // narrower pictures are replicated, as in libjpeg
	switch {
	case u.fx == 1 && u.fy == 1:
		copy(dst, a)
	case u.fy == 1 && u.fx == 2 && smooth:
		across(dst, a)
	case u.fy == 2 && u.fx <= 2 && smooth:
		far := near - 1
		if y&1 == 1 {
			far = near + 1
		}
		far = min(max(far, 0), u.h-1)
		b := src[far*u.m.CStride : far*u.m.CStride+u.w]
		if u.fx == 1 {
			down(dst, a, b, int32(1+y&1))
			return
		}
		for k := range u.sum {
			u.sum[k] = 3*int32(a[k]) + int32(b[k])
		}
		both(dst, u.sum)
	default:
		for x := range u.m.Rect.Dx() {
			dst[x] = a[x/u.fx]
		}
	}
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
	last(dst, 2*n-2, uint8((3*int32(a[n-1])+int32(a[n-2])+1)>>2), a[n-1])
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
	last(dst, 2*n-2, uint8((s[n-1]*3+s[n-2]+8)>>4), uint8((s[n-1]*4+7)>>4))
}

// last writes the final pair, of which the second may lie beyond an odd width.
func last(dst []uint8, k int, a, b uint8) {
	dst[k] = a
	if k+1 < len(dst) {
		dst[k+1] = b
	}
}

package jpeg

// transform says how components become colours.
type transform int

const (
	asRGB transform = iota
	fromYCC
	fromGrey
	fromCMYK // stored inverted, as PIL takes every such file
	fromYCCK
)

// transform is libjpeg's guess (jdapimin.c): by the markers of JFIF and Adobe, else by the components'
// names.
func (d *decoder) transform() transform {
	switch len(d.comps) {
	case 1:
		return fromGrey
	case 4:
		if d.adobe <= 0 {
			return fromCMYK
		}
		return fromYCCK
	}
	ids := [3]uint8{d.comps[0].id, d.comps[1].id, d.comps[2].id}
	if !d.jfif && (d.adobe == 0 || d.adobe < 0 && ids == [3]uint8{'R', 'G', 'B'}) {
		return asRGB
	}
	return fromYCC
}

// colours writes the planes of red, green and blue.
func (d *decoder) colours(dst []uint8) {
	t := d.transform()
	n := d.w * d.h
	for k := range d.rows {
		if cap(d.rows[k]) < d.w+2 {
			d.rows[k] = make([]uint8, d.w+2)
		}
		d.rows[k] = d.rows[k][:d.w+2]
	}
	for y := range d.h {
		at := y * d.w
		r, g, b := dst[at:at+d.w], dst[n+at:n+at+d.w], dst[2*n+at:2*n+at+d.w]
		first := d.upsampled(d.rows[0], &d.comps[0], y)
		if t == fromGrey {
			copy(r, first)
			copy(g, first)
			copy(b, first)
			continue
		}
		second, third := d.upsampled(d.rows[1], &d.comps[1], y), d.upsampled(d.rows[2], &d.comps[2], y)
		if t == fromYCC || t == fromYCCK {
			convert(r, g, b, first, second, third)
		} else {
			copy(r, first)
			copy(g, second)
			copy(b, third)
		}
		if t == fromCMYK || t == fromYCCK {
			black := d.upsampled(d.rows[0], &d.comps[3], y)[:d.w]
			if t == fromYCCK {
				invert(r, g, b)
			}
			ink(r, g, b, black)
		}
	}
}

// tables are libjpeg's of the conversion (jdcolor.c), in 16 fraction bits where a sum is rounded later.
var tables = func() (t struct{ crR, cbB, crG, cbG [256]int32 }) {
	for k := range int32(256) {
		x := k - 128
		t.crR[k] = (91881*x + 32768) >> 16
		t.cbB[k] = (116130*x + 32768) >> 16
		t.crG[k] = -46802 * x
		t.cbG[k] = -22554*x + 32768
	}
	return
}()

// convert turns a row of luminance and chroma into colours.
func convert(r, g, b, ys, cb, cr []uint8) {
	g, b, ys, cb, cr = g[:len(r)], b[:len(r)], ys[:len(r)], cb[:len(r)], cr[:len(r)]
	t := &tables
	for x := range r {
		y, u, v := int32(ys[x]), cb[x], cr[x]
		r[x] = clamp(y + t.crR[v])
		g[x] = clamp(y + (t.cbG[u]+t.crG[v])>>16)
		b[x] = clamp(y + t.cbB[u])
	}
}

func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}

func invert(rows ...[]uint8) {
	for _, row := range rows {
		for x := range row {
			row[x] = 255 - row[x]
		}
	}
}

// ink darkens colours by black, which is stored inverted (255 is none): nk - c*nk/255 for each colour c,
// in the rounding of PIL's CMYK conversion.
func ink(r, g, b, black []uint8) {
	g, b, black = g[:len(r)], b[:len(r)], black[:len(r)]
	for x, k := range black {
		if k == 255 {
			continue
		}
		nk := int32(k)
		for _, p := range [3]*uint8{&r[x], &g[x], &b[x]} {
			t := (255-int32(*p))*nk + 128
			*p = uint8(max(0, nk-(t+t>>8)>>8))
		}
	}
}

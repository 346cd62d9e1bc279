package jpeg

// Constants of the transform in 13 fraction bits (jidctint.c, after Loeffler, Ligtenberg and Moschytz).
const (
	constBits = 13
	pass1Bits = 2

	f0298 = 2446  // 0.298631336
	f0390 = 3196  // 0.390180644
	f0541 = 4433  // 0.541196100
	f0765 = 6270  // 0.765366865
	f0899 = 7373  // 0.899976223
	f1175 = 9633  // 1.175875602
	f1501 = 12299 // 1.501321110
	f1847 = 15137 // 1.847759065
	f1961 = 16069 // 1.961570560
	f2053 = 16819 // 2.053119869
	f2562 = 20995 // 2.562915447
	f3072 = 25172 // 3.072711026
)

// limit turns a sample around 0, cut to 10 bits, into a pixel 0 to 255.
var limit = func() (t [1024]uint8) {
	for k := range t {
		v := k
		if v >= 512 {
			v -= 1024
		}
		t[k] = uint8(min(max(v+128, 0), 255))
	}
	return
}()

// flat fills a block whose only coefficient is the mean.
func flat(dc int32, dst []uint8, stride int) {
	v := uint64(limit[(dc<<pass1Bits+1<<(pass1Bits+2))>>(pass1Bits+3)&1023])
	for y := range 8 {
		row := dst[y*stride : y*stride+8 : y*stride+8]
		for x := range row {
			row[x] = uint8(v)
		}
	}
}

// butterfly is the transform of eight values, without the final rounding: the outputs k and 7-k are
// even[k]+odd[k] and even[k]-odd[k].
func butterfly(s0, s1, s2, s3, s4, s5, s6, s7 int32) (e0, e1, e2, e3, o0, o1, o2, o3 int32) {
	z1 := (s2 + s6) * f0541
	t2, t3 := z1-s6*f1847, z1+s2*f0765
	t0, t1 := (s0+s4)<<constBits, (s0-s4)<<constBits
	e0, e3, e1, e2 = t0+t3, t0-t3, t1+t2, t1-t2

	a, b, c, d := s7+s1, s5+s3, s7+s3, s5+s1
	z5 := (c + d) * f1175
	a, b, c, d = -a*f0899, -b*f2562, z5-c*f1961, z5-d*f0390
	o3 = s7*f0298 + a + c
	o2 = s5*f2053 + b + d
	o1 = s3*f3072 + b + c
	o0 = s1*f1501 + a + d
	return
}

// idct is the inverse transform of a block into eight rows of eight pixels: first the columns, then the
// rows, in libjpeg's rounding.
func idct(blk *[64]int32, dst []uint8, stride int) {
	const round1 = 1 << (constBits - pass1Bits - 1)
	const shift1 = constBits - pass1Bits
	for c := range 8 {
		s1, s2, s3, s4, s5, s6, s7 := blk[8+c], blk[16+c], blk[24+c], blk[32+c], blk[40+c], blk[48+c], blk[56+c]
		if s1|s2|s3|s4|s5|s6|s7 == 0 {
			v := blk[c] << pass1Bits
			blk[c], blk[8+c], blk[16+c], blk[24+c], blk[32+c], blk[40+c], blk[48+c], blk[56+c] = v, v, v, v, v, v, v, v
			continue
		}
		e0, e1, e2, e3, o0, o1, o2, o3 := butterfly(blk[c], s1, s2, s3, s4, s5, s6, s7)
		blk[c], blk[56+c] = (e0+o0+round1)>>shift1, (e0-o0+round1)>>shift1
		blk[8+c], blk[48+c] = (e1+o1+round1)>>shift1, (e1-o1+round1)>>shift1
		blk[16+c], blk[40+c] = (e2+o2+round1)>>shift1, (e2-o2+round1)>>shift1
		blk[24+c], blk[32+c] = (e3+o3+round1)>>shift1, (e3-o3+round1)>>shift1
	}
	const shift2 = constBits + pass1Bits + 3
	const round2 = 1 << (shift2 - 1)
	for r := range 8 {
		row := blk[8*r : 8*r+8 : 8*r+8]
		out := dst[r*stride : r*stride+8 : r*stride+8]
		e0, e1, e2, e3, o0, o1, o2, o3 := butterfly(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7])
		out[0], out[7] = limit[(e0+o0+round2)>>shift2&1023], limit[(e0-o0+round2)>>shift2&1023]
		out[1], out[6] = limit[(e1+o1+round2)>>shift2&1023], limit[(e1-o1+round2)>>shift2&1023]
		out[2], out[5] = limit[(e2+o2+round2)>>shift2&1023], limit[(e2-o2+round2)>>shift2&1023]
		out[3], out[4] = limit[(e3+o3+round2)>>shift2&1023], limit[(e3-o3+round2)>>shift2&1023]
	}
}

package device

import "math"

// Philox4x32 is the counter-based generator Philox4x32-10 of Salmon et al., "Parallel random numbers:
// as easy as 1, 2, 3" (2011): four random words from a counter and a key, the same on every device.
func Philox4x32(ctr [4]uint32, key [2]uint32) [4]uint32 {
	const m0, m1, w0, w1 = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85
	for range 10 {
		p0, p1 := uint64(m0)*uint64(ctr[0]), uint64(m1)*uint64(ctr[2])
		ctr = [4]uint32{uint32(p1>>32) ^ ctr[1] ^ key[0], uint32(p1), uint32(p0>>32) ^ ctr[3] ^ key[1], uint32(p0)}
		key[0] += w0
		key[1] += w1
	}
	return ctr
}

// DropoutMask fills dst with the mask of elements first, first+1, ... of a dropout layer: 0 with
// probability a.P, else 1/(1-a.P). Element i takes word i%4 of the block with counter
// (i/4 low, i/4 high, a.ID, step) and key seed. First must divide by 4.
func DropoutMask(dst []float32, a Dropout, seed, step int64, first int) {
	scale := float32(1 / (1 - float64(a.P)))
	limit := uint32(math.Min(math.Round(float64(a.P)*(1<<32)), math.MaxUint32))
	key := [2]uint32{uint32(seed), uint32(uint64(seed) >> 32)}
	for i := 0; i < len(dst); i += 4 {
		block := uint64(first+i) / 4
		r := Philox4x32([4]uint32{uint32(block), uint32(block >> 32), uint32(a.ID), uint32(step)}, key)
		for j := 0; j < 4 && i+j < len(dst); j++ {
			dst[i+j] = 0
			if r[j] >= limit {
				dst[i+j] = scale
			}
		}
	}
}

package data

// mt19937 is the Mersenne Twister with NumPy's RandomState conventions: scalar seeding, masked
// rejection for bounded integers, 53-bit doubles. It exists to give NumPy's splits.
//
// Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998), parameters of MT19937.
type mt19937 struct {
	state [624]uint32
	at    int
}

func newMT19937(seed uint32) *mt19937 {
	m := &mt19937{at: 624}
	m.state[0] = seed
	for i := 1; i < 624; i++ {
		p := m.state[i-1]
		m.state[i] = 1812433253*(p^p>>30) + uint32(i)
	}
	return m
}

func (m *mt19937) uint32() uint32 {
	if m.at == 624 {
		m.refill()
	}
	y := m.state[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (m *mt19937) refill() {
	s := &m.state
	for k := range s {
		y := s[k]&0x80000000 | s[(k+1)%624]&0x7fffffff
		v := s[(k+397)%624] ^ y>>1
		if y&1 != 0 {
			v ^= 0x9908b0df
		}
		s[k] = v
	}
	m.at = 0
}

// float64 is uniform in [0, 1) with 53 bits, as np.random.random.
func (m *mt19937) float64() float64 {
	a, b := m.uint32()>>5, m.uint32()>>6
	return (float64(a)*67108864 + float64(b)) / 9007199254740992
}

// bounded is uniform in 0..top, both included.
func (m *mt19937) bounded(top uint32) uint32 {
	mask := top
	for s := 1; s < 32; s <<= 1 {
		mask |= mask >> s
	}
	for {
		if v := m.uint32() & mask; v <= top {
			return v
		}
	}
}

// permutation is np.random.permutation(n). n is below 2³², as lists are.
func (m *mt19937) permutation(n int) []int {
	p := make([]int, n)
	for k := range p {
		p[k] = k
	}
	for i := n - 1; i > 0; i-- {
		j := m.bounded(uint32(i))
		p[i], p[j] = p[j], p[i]
	}
	return p
}

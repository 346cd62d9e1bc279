package cpu

// fewRows is up to how many rows reading the weights as they are, once for each row, beats packing them.
const fewRows = 4

// lstmFew is lstmForward for a few rows, as when text is generated word by word: all is products of the
// weights with single vectors, as fast as the weights can be read.
func lstmFew(l *lstm, c *call) error {
	h, cells := make([]float32, l.N*l.H), make([]float32, l.N*l.H)
	if l.State {
		copy(h, c.in[5].f)
		copy(cells, c.in[6].f)
	}
	z := make([]float32, l.N*4*l.H)
	for t := range l.T {
		for n := range l.N {
			for i := range 4 * l.H {
				z[n*4*l.H+i] = c.in[3].f[i] + c.in[4].f[i]
			}
		}
		x := c.in[0].f[t*l.N*l.I:]
		l.d.team.ranges(4*l.H, 16, l.I+l.H, func(_, i, j int) {
			for n := range l.N {
				y := z[n*4*l.H+i : n*4*l.H+j]
				l.s.dots(y, c.in[1].f[i*l.I:], l.I, x[n*l.I:(n+1)*l.I])
				l.s.dots(y, c.in[2].f[i*l.H:], l.H, h[n*l.H:(n+1)*l.H])
			}
		})
		for n := range l.N {
			g := z[n*4*l.H:]
			for j := range l.H {
				v := sigmoid(g[l.H+j])*cells[n*l.H+j] + sigmoid(g[j])*tanh(g[2*l.H+j])
				cells[n*l.H+j] = v
				h[n*l.H+j] = sigmoid(g[3*l.H+j]) * tanh(v)
			}
		}
		copy(l.work[t*l.N*l.H:], h)
	}
	copy(l.work[l.Cells():], cells)
	return nil
}

package gpu

import (
	"fmt"
	"io"

	"github.com/fastnb/go/fastnb/tensor"
)

// recurrent times the steps of AWD-LSTM's layers on tensor cores, forward and back, in every way: d straight from
// the cache, p by way of shared memory, and the number of parts. The one that a layer takes has a star.
func (b *bench) recurrent(kind tensor.DType, budget float64, w io.Writer) error {
	for _, h := range []int{1152, 400} {
		c, l := b.layer(kind), &lstmWork{LSTM: layerOf(64, h)}
		if !l.tensor(c) {
			return nil
		}
		b.record = true
		ahead, behind := c.stepsAhead(l), c.stepsBehind(l)
		for _, back := range []bool{false, true} {
			line, chosen, time, parts := fmt.Sprintf("awd-lstm steps 64x%d forward, us:", h), ahead, b.forward, []int{1, 2, 3}
			if back {
				line, chosen, time, parts = fmt.Sprintf("awd-lstm steps 64x%d back, us:", h), behind, b.backward, []int{2, 3, 4, 5, 6, 8, 11}
			}
			for _, n := range parts {
				for _, x := range []stepChoice{{false, n}, {true, n}} {
					s, err := time(l.LSTM, x, kind, budget)
					if err != nil {
						return err
					}
					name := "d"
					if x.piped {
						name = "p"
					}
					if x == chosen {
						name = "*" + name
					}
					line += fmt.Sprintf(" %s%d %.2f", name, n, s/measuredSteps*1e6)
				}
			}
			fmt.Fprintln(w, line)
		}
	}
	return nil
}

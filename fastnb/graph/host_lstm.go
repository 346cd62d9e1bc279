package graph

import (
	"math"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// The plain definition of the LSTM layer. Its work keeps the gates as [T, N, 4H] in PyTorch's order.

// droppedWh gives the recurrent weights of each chunk, and the mask alone.
func droppedWh(a device.LSTM, rng []*tensor.Tensor) (mask func(chunk int) []float32) {
	n := 4 * a.H * a.H
	m := make([]float32, n)
	for i := range m {
		m[i] = 1
	}
	return func(chunk int) []float32 {
		if a.P > 0 {
			r := rng[0].Int64s()
			device.DropoutMask(m, device.Dropout{P: a.P, ID: a.ID}, r[0], r[1], chunk*device.MaskStride(n))
		}
		return m
	}
}

// hostLSTM: in is x, wi, wh, bi, bh [, h0, c0] [, rng].
func hostLSTM(a device.LSTM) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		work := out[0].Float32s()
		h, c := make([]float32, a.N*a.H), make([]float32, a.N*a.H)
		if a.State {
			copy(h, in[5].Float32s())
			copy(c, in[6].Float32s())
		}
		if a.Keep {
			copy(work[a.AllCells():], c)
		}
		mask := droppedWh(a, in[len(in)-1:])
		z := make([]float64, 4*a.H)
		for _, span := range a.Spans() {
			m := mask(span[2])
			for t := span[0]; t < span[1]; t++ {
				for n := range a.N {
					row := t*a.N + n
					hostGates(a, z, in, m, row, h[n*a.H:(n+1)*a.H])
					hostCell(a, z, c[n*a.H:(n+1)*a.H], work, row)
				}
				copy(h, work[t*a.N*a.H:(t+1)*a.N*a.H])
				if a.Keep {
					copy(work[a.AllCells()+(t+1)*a.N*a.H:], c)
				}
			}
		}
		copy(work[a.Cells():], c)
		return nil
	}
}

// hostGates writes the sums before the gates of one step in one row to z: in is that of hostLSTM, h the
// row's hidden state before the step.
func hostGates(a device.LSTM, z []float64, in []*tensor.Tensor, mask []float32, row int, h []float32) {
	x, wi, wh := in[0].Float32s()[row*a.I:(row+1)*a.I], in[1].Float32s(), in[2].Float32s()
	bi, bh := in[3].Float32s(), in[4].Float32s()
	for q := range z {
		s := float64(bi[q]) + float64(bh[q])
		for k, v := range x {
			s += float64(v) * float64(wi[q*a.I+k])
		}
		for k, v := range h {
			s += float64(v) * float64(wh[q*a.H+k]*mask[q*a.H+k])
		}
		z[q] = s
	}
}

// hostCell goes one step on in one row: c becomes the new cells.
func hostCell(a device.LSTM, z []float64, c, work []float32, row int) {
	for j := range a.H {
		i, f, g, o := sigmoid(z[j]), sigmoid(z[a.H+j]), math.Tanh(z[2*a.H+j]), sigmoid(z[3*a.H+j])
		v := f*float64(c[j]) + i*g
		c[j] = float32(v)
		work[row*a.H+j] = float32(o * math.Tanh(v))
		if a.Keep {
			gates := work[a.Gates()+row*4*a.H:]
			gates[j], gates[a.H+j], gates[2*a.H+j], gates[3*a.H+j] = float32(i), float32(f), float32(g), float32(o)
		}
	}
}

// hostLSTMDGates: in is work, dy, wh [, rng].
func hostLSTMDGates(a device.LSTM) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		work, dy, wh := out[0].Float32s(), in[1].Float32s(), in[2].Float32s()
		copy(work, in[0].Float32s())
		mask := droppedWh(a, in[len(in)-1:])
		spans := a.Spans()
		for s := len(spans) - 1; s >= 0; s-- {
			m := mask(spans[s][2])
			dh, dc := make([]float64, a.N*a.H), make([]float64, a.N*a.H)
			for t := spans[s][1] - 1; t >= spans[s][0]; t-- {
				for n := range a.N {
					d := hostCellBack(a, work, dy, dh[n*a.H:(n+1)*a.H], dc[n*a.H:(n+1)*a.H], t, n)
					for k := range a.H {
						var v float64
						for q := range d {
							v += float64(d[q]) * float64(wh[q*a.H+k]*m[q*a.H+k])
						}
						dh[n*a.H+k] = v
					}
				}
			}
		}
		return nil
	}
}

// hostCellBack writes the derivatives of one step's gates in one row over them and gives them; dc becomes
// that of the cells before.
func hostCellBack(a device.LSTM, work, dy []float32, dh, dc []float64, t, n int) []float32 {
	row := t*a.N + n
	gates := work[a.Gates()+row*4*a.H : a.Gates()+(row+1)*4*a.H]
	before, after := work[a.AllCells()+row*a.H:], work[a.AllCells()+(row+a.N)*a.H:]
	for j := range a.H {
		i, f, g, o := float64(gates[j]), float64(gates[a.H+j]), float64(gates[2*a.H+j]), float64(gates[3*a.H+j])
		tc := math.Tanh(float64(after[j]))
		d := float64(dy[row*a.H+j]) + dh[j]
		e := dc[j] + d*o*(1-tc*tc)
		gates[j] = float32(e * g * i * (1 - i))
		gates[a.H+j] = float32(e * float64(before[j]) * f * (1 - f))
		gates[2*a.H+j] = float32(e * i * (1 - g*g))
		gates[3*a.H+j] = float32(d * tc * o * (1 - o))
		dc[j] = e * f
	}
	return gates
}

// gateRows calls f with each row's gate derivatives.
func gateRows(a device.LSTM, work *tensor.Tensor, f func(row int, d []float32)) {
	g := work.Float32s()[a.Gates():]
	for r := range a.T * a.N {
		f(r, g[r*4*a.H:(r+1)*4*a.H])
	}
}

func hostLSTMDX(a device.LSTM) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		wi, dx := in[1].Float32s(), out[0].Float32s()
		gateRows(a, in[0], func(r int, d []float32) {
			for k := range a.I {
				var s float64
				for q, v := range d {
					s += float64(v) * float64(wi[q*a.I+k])
				}
				dx[r*a.I+k] = float32(s)
			}
		})
		return nil
	}
}

// outer adds up d' x over rows, times the mask if there is one.
func outer(acc []float64, d, x, mask []float32) {
	for q, v := range d {
		for k, w := range x {
			p := float64(v) * float64(w)
			if mask != nil {
				p *= float64(mask[q*len(x)+k])
			}
			acc[q*len(x)+k] += p
		}
	}
}

func hostLSTMDWi(a device.LSTM) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		acc := make([]float64, out[0].Len())
		gateRows(a, in[0], func(r int, d []float32) { outer(acc, d, in[1].Float32s()[r*a.I:(r+1)*a.I], nil) })
		return round(out[0], acc)
	}
}

// hostLSTMDWh: in is work [, h0] [, rng].
func hostLSTMDWh(a device.LSTM) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		y := in[0].Float32s()
		acc := make([]float64, out[0].Len())
		masks := droppedWh(a, in[len(in)-1:])
		spans := a.Spans()
		var mask []float32
		gateRows(a, in[0], func(r int, d []float32) {
			if mask == nil || r/a.N == spans[0][1] {
				if mask != nil {
					spans = spans[1:]
				}
				mask = masks(spans[0][2])
			}
			switch {
			case r >= a.N:
				outer(acc, d, y[(r-a.N)*a.H:(r-a.N+1)*a.H], mask)
			case a.State:
				outer(acc, d, in[1].Float32s()[r*a.H:(r+1)*a.H], mask)
			}
		})
		return round(out[0], acc)
	}
}

func hostLSTMDB(a device.LSTM) device.HostFunc {
	return func(out, in []*tensor.Tensor) error {
		acc := make([]float64, 4*a.H)
		gateRows(a, in[0], func(_ int, d []float32) {
			for q, v := range d {
				acc[q] += float64(v)
			}
		})
		return round(out[0], acc)
	}
}

package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fastnb/go/fastnb/device"
)

// seqCase is an LSTM and its arrays, for the layer alone.
type seqCase struct {
	device.LSTM
	x, wi, wh, bi, bh, h0, c0, dy []float32
}

// newSeqCase takes arrays from array, of small values.
func newSeqCase(t, n, i, h int, array func(n int) []float32) *seqCase {
	s := &seqCase{LSTM: device.LSTM{T: t, N: n, I: i, H: h, State: true, Keep: true}}
	for _, a := range []struct {
		to    *[]float32
		n     int
		scale float32
	}{{&s.x, t * n * i, 1}, {&s.wi, 4 * h * i, .1}, {&s.wh, 4 * h * h, .05}, {&s.bi, 4 * h, .1}, {&s.bh, 4 * h, .1}, {&s.h0, n * h, 1}, {&s.c0, n * h, 1}, {&s.dy, t * n * h, 1}} {
		*a.to = array(a.n)
		for j := range *a.to {
			(*a.to)[j] *= a.scale
		}
	}
	return s
}

// run gives outputs and cells, and the gradients of x, wi, wh and the biases.
func (s *seqCase) run(d *Device, array func(n int) []float32) (map[string][]float32, error) {
	f := func(f []float32) val { return val{f: f} }
	work := f(array(s.Size()))
	out := map[string][]float32{"dx": array(len(s.x)), "dwi": array(len(s.wi)), "dwh": array(len(s.wh)), "db": array(4 * s.H)}
	steps := []struct {
		run func(*lstm, *call) error
		in  []val
		out val
	}{
		{lstmForward, []val{f(s.x), f(s.wi), f(s.wh), f(s.bi), f(s.bh), f(s.h0), f(s.c0)}, work},
		{lstmBackward, []val{work, f(s.dy), f(s.wh)}, work},
		{lstmDX, []val{work, f(s.wi)}, f(out["dx"])},
		{lstmDWi, []val{work, f(s.x)}, f(out["dwi"])},
		{lstmDWh, []val{work, f(s.h0)}, f(out["dwh"])},
		{lstmDB, []val{work}, f(out["db"])},
	}
	for i, st := range steps {
		c := &call{dev: d, in: st.in, out: []val{st.out}}
		if err := st.run(newLSTM(s.LSTM, c), c); err != nil {
			return nil, err
		}
		if i == 0 {
			out["y"] = append([]float32{}, work.f[:s.T*s.N*s.H]...)
			out["cells"] = append([]float32{}, work.f[s.Cells():s.Cells()+s.N*s.H]...)
		}
	}
	return out, nil
}

// plain is run by the definition, in double precision, one number after the other.
func (s *seqCase) plain() map[string][]float64 {
	t, n, in, h := s.T, s.N, s.I, s.H
	y, cells := make([]float64, t*n*h), make([]float64, (t+1)*n*h)
	gates := make([]float64, t*n*4*h)
	sig := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	for i, v := range s.c0 {
		cells[i] = float64(v)
	}
	before := func(k, row, j int) float64 { // output j before step k
		if k == 0 {
			return float64(s.h0[row*h+j])
		}
		return y[((k-1)*n+row)*h+j]
	}
	for k := range t {
		for row := range n {
			g := gates[(k*n+row)*4*h:][:4*h]
			for q := range g {
				g[q] = float64(s.bi[q]) + float64(s.bh[q])
				for j := range in {
					g[q] += float64(s.x[(k*n+row)*in+j]) * float64(s.wi[q*in+j])
				}
				for j := range h {
					g[q] += before(k, row, j) * float64(s.wh[q*h+j])
				}
			}
			for j := range h {
				i, f, c, o := sig(g[j]), sig(g[h+j]), math.Tanh(g[2*h+j]), sig(g[3*h+j])
				g[j], g[h+j], g[2*h+j], g[3*h+j] = i, f, c, o
				v := f*cells[(k*n+row)*h+j] + i*c
				cells[((k+1)*n+row)*h+j] = v
				y[(k*n+row)*h+j] = o * math.Tanh(v)
			}
		}
	}
	out := map[string][]float64{
		"y": y, "cells": cells[t*n*h:], "dx": make([]float64, len(s.x)), "dwi": make([]float64, len(s.wi)), "dwh": make([]float64, len(s.wh)), "db": make([]float64, 4*h),
	}
	dh, dc := make([]float64, n*h), make([]float64, n*h)
	for k := t - 1; k >= 0; k-- {
		for row := range n {
			g := gates[(k*n+row)*4*h:][:4*h]
			for j := range h {
				i, f, c, o := g[j], g[h+j], g[2*h+j], g[3*h+j]
				tc := math.Tanh(cells[((k+1)*n+row)*h+j])
				d := float64(s.dy[(k*n+row)*h+j]) + dh[row*h+j]
				e := dc[row*h+j] + d*o*(1-tc*tc)
				g[j], g[h+j] = e*c*i*(1-i), e*cells[(k*n+row)*h+j]*f*(1-f)
				g[2*h+j], g[3*h+j] = e*i*(1-c*c), d*tc*o*(1-o)
				dc[row*h+j] = e * f
			}
			clear(dh[row*h : (row+1)*h])
			for q, v := range g {
				out["db"][q] += v
				for j := range in {
					out["dx"][(k*n+row)*in+j] += v * float64(s.wi[q*in+j])
					out["dwi"][q*in+j] += v * float64(s.x[(k*n+row)*in+j])
				}
				for j := range h {
					dh[row*h+j] += v * float64(s.wh[q*h+j])
					out["dwh"][q*h+j] += v * before(k, row, j)
				}
			}
		}
	}
	return out
}

// TestLSTM holds layers against their definition: sizes beside those of tiles and blocks, and one whose recurrent
// matrix is cut into stretches, each with a state to begin with.
func TestLSTM(t *testing.T) {
	const tol = 2e-5 // of the largest
	rng := rand.New(rand.NewPCG(21, 22))
	for _, s := range [][4]int{{2, 14, 5, 400}, {4, 13, 31, 33}, {2, 25, 64, 48}, {5, 1, 3, 7}} {
		c := newSeqCase(s[0], s[1], s[2], s[3], func(n int) []float32 { return normal(rng, n) })
		want := c.plain()
		for _, isa := range available {
			for _, threads := range []int{1, 2} {
				d := New(threads)
				d.isa = isa
				got, err := c.run(d, func(n int) []float32 { return make([]float32, n) })
				if err != nil {
					t.Fatal(err)
				}
				for name, w := range want {
					if far := apart(got[name], w); !(far < tol) {
						t.Errorf("%v %s, %d threads: %s is %g of its largest apart", s, isa.name, threads, name, far)
					}
				}
				d.Close()
			}
		}
	}
}

// TestSequenceNotFinite: NaN and infinity go through gates and losses as in PyTorch. A NaN among the inputs of a row
// makes that row's outputs NaN from there on, and no other's; infinite gates are full or empty ones; a score that is NaN
// or +Inf makes the loss NaN, one of -Inf is a word that cannot be.
func TestSequenceNotFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, isa := range available {
		d := New(1)
		d.isa = isa
		for _, odd := range []float32{nan, inf, -inf} {
			s := newSeqCase(3, 2, 4, 20, func(n int) []float32 { return normal(rng, n) })
			s.x[(1*2+1)*4+2] = odd // step 1, row 1
			got, err := s.run(d, func(n int) []float32 { return make([]float32, n) })
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range s.plain()["y"] {
				if v := float64(got["y"][i]); math.IsNaN(v) != math.IsNaN(w) || math.Abs(v-w) > 1e-5 {
					t.Fatalf("%s, %g: output %d is %g, want %g", isa.name, odd, i, v, w)
				}
			}
		}
		for name, c := range map[string]struct {
			bias float32
			nan  bool
		}{"NaN": {nan, true}, "+Inf": {inf, true}, "-Inf": {-inf, false}} {
			a := device.Decoder{R: 6, E: 8, V: 300, Bias: true, Grad: true}
			bias := normal(rng, a.V)
			bias[77] = c.bias
			words := []int64{1, 2, 3, 4, 5, 299}
			work := make([]float32, a.Size())
			in := []val{{f: normal(rng, a.R*a.E)}, {f: normal(rng, a.V*a.E)}, {shape: []int{2, 3}, i: words}, {f: bias}}
			if err := decoderXent(a, &call{dev: d, in: in, out: []val{{f: work}}}); err != nil {
				t.Fatal(err)
			}
			for _, v := range []float32{work[0], work[a.DH()], work[a.DW()], work[a.DB()]} {
				if (v != v) != c.nan {
					t.Errorf("%s, a bias of %s: loss %g, derivatives %g, %g, %g", isa.name, name, work[0], work[a.DH()], work[a.DW()], work[a.DB()])
					break
				}
			}
		}
		d.Close()
	}
}

// TestProducts holds packed products of every kind of sides against their definition, at sizes around those of tiles.
func TestProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	for _, isa := range available {
		k := &isa.seq
		for _, s := range [][3]int{{1, 1, 1}, {5, 33, 7}, {13, 16, 400}, {150, 31, 9}, {12, 65, 385}, {7, 3, 8}} {
			m, n, depth := s[0], s[1], s[2]
			x, w := normal(rng, m*depth), normal(rng, depth*n)
			flip := func(f []float32, rows, cols int) []float32 {
				out := make([]float32, len(f))
				for i := range rows {
					for j := range cols {
						out[j*rows+i] = f[i*cols+j]
					}
				}
				return out
			}
			xt, wt := flip(x, m, depth), flip(w, depth, n)
			want := make([]float64, m*n)
			for i := range m {
				for j := range n {
					for p := range depth {
						want[i*n+j] += float64(x[i*depth+p]) * float64(w[p*n+j])
					}
				}
			}
			for left, a := range map[string]packLeft{"plain": k.rowsOfMatrix(x, depth), "transposed": k.transposed(xt, m)} {
				for right, b := range map[string]packRight{"plain": k.matrixRight(w, n, n), "transposed": k.transposedRight(wt, depth, n)} {
					for _, acc := range []bool{false, true} {
						d := New(2)
						d.isa = isa
						c := make([]float32, m*n)
						d.product(product{m: m, n: n, k: depth, a: a, b: b, c: c, ldc: n})
						whole := want
						if acc {
							d.product(product{m: m, n: n, k: depth, a: a, b: b, c: c, ldc: n, acc: true})
							whole = make([]float64, m*n)
							for i, v := range want {
								whole[i] = 2 * v
							}
						}
						if far := apart(c, whole); !(far < 1e-5) {
							t.Errorf("%s %v, left %s, right %s: %g of the largest apart", isa.name, s, left, right, far)
						}
						d.Close()
					}
				}
			}
		}
	}
}

// sequencesWithin runs recurrent layers, decoders and products on guarded arrays, see TestWithinBounds.
func sequencesWithin(d *Device, array func(n int) []float32) error {
	for _, s := range [][4]int{{2, 3, 5, 17}, {1, 13, 33, 16}, {2, 1, 400, 40}} {
		if _, err := newSeqCase(s[0], s[1], s[2], s[3], array).run(d, array); err != nil {
			return fmt.Errorf("lstm %v: %w", s, err)
		}
	}
	for _, a := range []device.Decoder{{R: 6, E: 8, V: 300, Bias: true, Grad: true}, {R: 2, E: 33, V: 17}, {R: 26, E: 7, V: 241, Grad: true}} {
		words := make([]int64, a.R)
		in := []val{{f: array(a.R * a.E)}, {f: array(a.V * a.E)}, {shape: []int{2, a.R / 2}, i: words}}
		if a.Bias {
			in = append(in, val{f: array(a.V)})
		}
		if err := decoderXent(a, &call{dev: d, in: in, out: []val{{f: array(a.Size())}}}); err != nil {
			return fmt.Errorf("decoder %+v: %w", a, err)
		}
	}
	k := &d.isa.seq
	for _, s := range [][3]int{{5, 33, 7}, {13, 17, 9}, {6, 16, 16}, {1, 1, 1}} {
		m, n, depth := s[0], s[1], s[2]
		for _, a := range []packLeft{k.rowsOfMatrix(array(m*depth), depth), k.transposed(array(m*depth), m)} {
			for _, b := range []packRight{k.matrixRight(array(depth*n), n, n), k.transposedRight(array(depth*n), depth, n)} {
				d.product(product{m: m, n: n, k: depth, a: a, b: b, c: array(m * n), ldc: n})
			}
		}
	}
	return nil
}

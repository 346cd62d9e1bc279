package cpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
)

// The LSTM layer: of the input x and the last output h of N rows it makes gates and from them, unit by unit,
//
//	z = x wi' + h wh' + bi + bh, in the order i, f, g, o
//	c = sigmoid(f) c + sigmoid(i) tanh(g),  h = sigmoid(o) tanh(c)
//
// What takes the time are the products, so the layout serves them. Units are taken in blocks of 16; a block's four
// gates are 64 columns that lie together, so that the worker that has computed them turns them into cells and outputs
// while they are in its cache. Each worker owns a range of blocks for the whole sequence and meets the others once a
// step. The gates of all steps are one matrix [T*N, 4*units]:
//
//   - forward (lstm_forward.go): first what the inputs give, in one product over all steps; then each step adds what
//     the last outputs give and activates in place.
//   - backward (lstm_backward.go): step by step from the end, derivatives take the place of the activated gates.
//   - gradients (lstm_gradients.go): with all derivatives there, each is one product over all steps.
//
// lstm_weights.go packs the weights in this order, lstm_few.go makes words one by one.

const (
	unitBlock = 16            // units of a block
	gateBlock = 4 * unitBlock // columns of a block: i, f, g, o
)

func init() {
	kernels["lstm"] = lstmKernel(lstmForward)
	kernels["lstm_dgates"] = lstmKernel(lstmBackward)
	kernels["lstm_dx"] = lstmKernel(lstmDX)
	kernels["lstm_dwi"] = lstmKernel(lstmDWi)
	kernels["lstm_dwh"] = lstmKernel(lstmDWh)
	kernels["lstm_db"] = lstmKernel(lstmDB)
	inPlace["lstm_dgates"] = true
}

func lstmKernel(run func(l *lstm, c *call) error) builder {
	return func(st *device.Step, _ *device.Plan) (kernel, error) {
		a, ok := st.Attrs.(device.LSTM)
		if !ok {
			return nil, fmt.Errorf("attributes %T", st.Attrs)
		}
		return func(c *call) error { return run(newLSTM(a, c), c) }, nil
	}
}

// lstm is a layer at work.
type lstm struct {
	device.LSTM
	d     *Device
	s     *seqKernels
	units int       // H rounded up to whole blocks
	wide  int       // gates of a row: 4*units
	work  []float32 // outputs, gates and cells of all steps, see device.LSTM
}

func newLSTM(a device.LSTM, c *call) *lstm {
	l := &lstm{LSTM: a, d: c.dev, s: &c.dev.isa.seq, units: a.Units(), work: c.in[0].f}
	l.wide = 4 * l.units
	return l
}

// own is the range of blocks of a worker: whole panels of nr columns of units.
func (l *lstm) own(worker int) (from, to int) {
	per := max(1, l.s.nr/unitBlock)
	blocks := l.units / unitBlock
	n := (blocks + per - 1) / per
	return min(n*worker/l.d.team.n*per, blocks), min(n*(worker+1)/l.d.team.n*per, blocks)
}

// gatesOf are the gates [N, 4*units] from step t on.
func (l *lstm) gatesOf(t int) []float32 { return l.work[l.Gates()+t*l.N*l.wide : l.AllCells()] }

// stepRows are the rows of a step as the left side of the recurrent product: packed into stretches of the right side's
// kc steps, and in each into panels of mr rows.
type stepRows struct {
	f      []float32
	tall   int // rows, rounded up to whole panels
	kc, k  int
	mr, rs int // rows of a panel, rows that are there
}

func (l *lstm) stepRowsSize(k int) int { return roundUp(l.N, l.s.mr) * k }

func (l *lstm) stepRows(f []float32, r rightPanels) stepRows {
	return stepRows{f: f, tall: roundUp(l.N, l.s.mr), kc: r.kc, k: r.k, mr: l.s.mr, rs: l.N}
}

// stretch is where the stretch that holds step k begins and how long it is.
func (r stepRows) stretch(k int) (k0, kc int) {
	k0 = k / r.kc * r.kc
	return k0, min(r.kc, r.k-k0)
}

// pack takes width columns of rows [N, ld] in as steps k and on, which are of one stretch.
func (r stepRows) pack(s *seqKernels, rows []float32, ld, width, k int) {
	k0, kc := r.stretch(k)
	for i := 0; i < r.rs; i += r.mr {
		s.packA(r.f[k0*r.tall+i*kc+(k-k0)*r.mr:], rows[i*ld:], ld, min(r.mr, r.rs-i), width)
	}
}

// times adds the rows times panel j to out [N, ld], or sets it, in whole blocks of units. Meanwhile the next panel is
// fetched, and what w says.
func (r stepRows) times(s *seqKernels, w rightPanels, j int, out []float32, ld int, acc bool, want *wanted) {
	run, _ := s.tileFor(w.n - j*s.nr)
	for k0 := 0; k0 < r.k; k0 += r.kc {
		_, kc := r.stretch(k0)
		b := w.at(s, k0, j)
		next := b
		if len(b) >= 2*kc*s.nr {
			next = b[kc*s.nr:]
		}
		for i, q := 0, 0; i < r.rs; i, q = i+r.mr, q+1 {
			far, ldfar := want.take(&b[0])
			run(min(r.mr, r.rs-i), kc, &r.f[k0*r.tall+i*kc], &b[0], &out[i*ld], ld, acc || k0 > 0, lookAhead{s.share(next, q, kc), far, ldfar})
		}
	}
}

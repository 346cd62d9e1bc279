package fastnb

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// fakeEngine answers scripted losses and remembers what it was asked.
type fakeEngine struct {
	losses []float64 // of training batches, the last repeated
	eval   float64
	n      int
	fed    []string       // each training batch's input
	ahead  []string       // and those that might go up before their turn, with the batch under way
	hypers []engine.Hyper // of the last group
	weight float32        // moved by every step
	onStep func()
	trains func(*nn.Param) bool
	opt    bool
	sums   []float64   // weights added since the last take
	taken  [][]float64 // and those of each take
	purged int
	closed bool
	scales []float64            // the loss scale of each training batch
	scale  float64              // of the next
	bad    func(batch int) bool // whether its gradients overflow; nil: never
}

// fakeResult is a loss and an output of rows.
type fakeResult struct {
	loss float64
	rows int
}

func (r fakeResult) Loss(context.Context) (float32, error) { return float32(r.loss), nil }
func (r fakeResult) Output(context.Context) (*Tensor, error) {
	return tensor.New(tensor.Float32, r.rows, 2), nil
}

func (e *fakeEngine) Train(ctx context.Context, b engine.Batch) (engine.Result, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	l := e.losses[min(e.n, len(e.losses)-1)]
	e.scales = append(e.scales, e.scale)
	e.fed = append(e.fed, fmt.Sprintf("%p", b.X[0]))
	e.n++
	return fakeResult{l, firstSize(b.X)}, nil
}

func (e *fakeEngine) Ahead(b engine.Batch, behind engine.Result) bool {
	e.ahead = append(e.ahead, fmt.Sprintf("%p during batch %d", b.X[0], e.n-1))
	return true
}

func (e *fakeEngine) Forward(ctx context.Context, b engine.Batch) (engine.Result, error) {
	return fakeResult{e.eval, firstSize(b.X)}, ctx.Err()
}

func (e *fakeEngine) Eval(ctx context.Context, x, y []*Tensor) (float32, *Tensor, error) {
	return float32(e.eval), tensor.New(tensor.Float32, firstSize(x), 2), ctx.Err()
}

func (e *fakeEngine) Step(h []engine.Hyper) error {
	e.hypers = append(e.hypers, h[len(h)-1])
	e.weight++
	e.opt = true
	if e.onStep != nil {
		e.onStep()
	}
	return nil
}

func (e *fakeEngine) SetTrainable(f func(*nn.Param) bool) error {
	e.trains, e.opt = f, false
	return nil
}
func (e *fakeEngine) SetLossScale(s float64) error       { e.scale = s; return nil }
func (e *fakeEngine) GradsOverflow() (bool, error)       { return e.bad != nil && e.bad(e.n-1), nil }
func (e *fakeEngine) SetActivations(tensor.DType) error  { return nil }
func (e *fakeEngine) Activations() tensor.DType          { return tensor.Float32 }
func (e *fakeEngine) Memory() (programs, params int64)   { return 0, 0 }
func (e *fakeEngine) ScaleGrads(float64) error           { return nil }
func (e *fakeEngine) ClipGrads(float64) (float64, error) { return 1, nil }
func (e *fakeEngine) State() (map[string]*Tensor, error) {
	return map[string]*Tensor{"w": tensor.FromFloat32([]float32{e.weight}, 1)}, nil
}

func (e *fakeEngine) LoadState(s map[string]*Tensor, strict bool) error {
	t := s["w"]
	if t == nil {
		return fmt.Errorf("no w")
	}
	e.weight = t.Float32s()[0]
	return nil
}

func (e *fakeEngine) OptState() (map[string]*Tensor, error) {
	return map[string]*Tensor{"m": tensor.FromFloat32([]float32{e.weight}, 1)}, nil
}
func (e *fakeEngine) LoadOptState(map[string]*Tensor) error { e.opt = true; return nil }
func (e *fakeEngine) ZeroOptimizer()                        { e.opt = false }
func (e *fakeEngine) HasOptimizer() bool                    { return e.opt }
func (e *fakeEngine) Seed(uint64)                           {}
func (e *fakeEngine) FreezeNorm(bool)                       {}
func (e *fakeEngine) Watch([]string) error                  { return nil }
func (e *fakeEngine) Watched() ([]*Tensor, error)           { return nil, nil }
func (e *fakeEngine) DropGrads()                            { e.sums = nil }
func (e *fakeEngine) AddGrads(weight float64) error {
	e.sums = append(e.sums, weight)
	return nil
}

func (e *fakeEngine) TakeGrads() error {
	e.taken = append(e.taken, e.sums)
	e.sums = nil
	return nil
}

func (e *fakeEngine) Inspect(context.Context, *Tensor, string, *Tensor) (*engine.Activation, error) {
	return nil, fmt.Errorf("nothing to see")
}

func (e *fakeEngine) EvalWithDropout(context.Context, *Tensor, int, uint64) ([]*Tensor, error) {
	return nil, nil
}
func (e *fakeEngine) LayerShapes(*Tensor) ([]engine.LayerShape, error)        { return nil, nil }
func (e *fakeEngine) Prepare(x, y []engine.Spec, norm device.Normalize) error { return nil }
func (e *fakeEngine) Wait(context.Context) error                              { return nil }
func (e *fakeEngine) Info() device.Info                                       { return device.Info{} }
func (e *fakeEngine) ResetState()                                             {}
func (e *fakeEngine) Hold() func()                                            { return func() {} }
func (e *fakeEngine) PutAside() (*engine.Carried, error)                      { return nil, nil }
func (e *fakeEngine) TakeUp(*engine.Carried) error                            { return nil }
func (e *fakeEngine) DropPrograms()                                           {}
func (e *fakeEngine) SelectState([]int) error                                 { return nil }
func (e *fakeEngine) Purge()                                                  { e.purged++ }
func (e *fakeEngine) Close()                                                  { e.closed = true }

// fakeFeed gives n batches of two rows.
type fakeFeed struct{ n, items, bs int }

func (f fakeFeed) Len() int       { return f.n }
func (f fakeFeed) Items() int     { return f.items }
func (f fakeFeed) BatchSize() int { return f.bs }
func (f fakeFeed) Run(context.Context, int64) batches {
	return func(yield func(*data.Batch, error) bool) {
		for range f.n {
			b := &data.Batch{X: []*Tensor{tensor.New(tensor.Float32, 2, 3)}, Y: []*Tensor{tensor.New(tensor.Int64, 2)}, N: 2}
			if !yield(b, nil) {
				return
			}
		}
	}
}

// fakeLearner has a scripted engine and groups of one parameter each.
func fakeLearner(t testing.TB, train, valid, groups int, losses ...float64) (*Learner, *fakeEngine) {
	t.Helper()
	e := &fakeEngine{losses: losses, eval: .5}
	l := &Learner{
		Data: &data.DataBunch{}, Metrics: []Metric{Accuracy()}, Recorder: newRecorder(nil), WD: .01, Silent: true,
		Path: datasets.NewPath(t.TempDir()), ModelDir: "models", eng: e, mom: defaultMom, cfg: Configure(),
		feeds: map[data.DSType]feed{data.Train: fakeFeed{train, 2 * train, 2}, data.Valid: fakeFeed{valid, 2 * valid, 2}},
	}
	l.Model = newModel(nil, l.Data, l.Loss, nil)
	l.Model.eng, l.asks = e, &dialogue{}
	for range groups {
		l.groups = append(l.groups, []*nn.Param{{Kind: nn.Weight}, {Kind: nn.NormWeight}})
	}
	return l, e
}

// jsonFloat reads the goldens' "nan" and "inf" too.
type jsonFloat float64

func (f *jsonFloat) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"nan"`, "NaN", "null":
		*f = jsonFloat(math.NaN())
		return nil
	case `"inf"`, "Infinity":
		*f = jsonFloat(math.Inf(1))
		return nil
	}
	_, err := fmt.Sscan(string(b), (*float64)(f))
	return err
}

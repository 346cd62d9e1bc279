package fastnb

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// scaleStep is a step of the golden: the overflow fed in (0: none), and then the scale that its loss was
// multiplied with, and the scale and the counter afterwards.
type scaleStep [4]float64

func TestLossScaleGolden(t *testing.T) {
	var cases []struct {
		Pattern string
		First   float64 `json:"initial_scale"` // 0: by default
		Every   int     `json:"max_noskip"`
		Dynamic bool
		Max     float64 `json:"max_scale"`
		Steps   []scaleStep
	}
	golden(t, "loss_scale.json", &cases)
	if len(cases) != 15 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.Pattern, " ", c.First, " ", c.Dynamic), func(t *testing.T) {
			l, e := fakeLearner(t, len(c.Steps), 0, 1, .5)
			e.bad = func(k int) bool { return c.Steps[k][0] != 0 }
			o := []FP16Option{MaxNoskip(c.Every), Dynamic(c.Dynamic), MaxScale(c.Max)}
			if c.First != 0 {
				o = append(o, LossScale(c.First))
			}
			if err := l.ToFP16(o...); err != nil {
				t.Fatal(err)
			}
			k, good, last := 0, 0, -1
			check := Callback{AfterStep: func(l *Learner) error {
				if got, want := (scaleStep{c.Steps[k][0], e.scales[k], l.scale.now, float64(l.scale.noskip)}), c.Steps[k]; got != want {
					t.Errorf("batch %d: %v, want %v", k, got, want)
				}
				if c.Steps[k][0] == 0 {
					good++
				}
				if len(e.hypers) != good {
					t.Errorf("batch %d: %d steps, want %d", k, len(e.hypers), good)
				}
				k++
				return nil
			}}
			for k, s := range c.Steps { // where no smaller scale can follow, fastai goes on and we do not
				if s[0] != 0 && (!c.Dynamic || s[1] <= 1) {
					last = k
					break
				}
			}
			err := l.Fit(1, LR(.1), Callbacks(check))
			if last < 0 {
				if err != nil || k != len(c.Steps) {
					t.Fatalf("%d batches, error %v", k, err)
				}
				return
			}
			if err == nil || k != last || !strings.Contains(err.Error(), fmt.Sprintf("batch %d of", last+1)) || !strings.Contains(err.Error(), "overflow") {
				t.Fatalf("after %d batches, want %d: %v", k, last, err)
			}
			// The figures themselves go on as fastai's.
			s := *l.scale
			for k := last + 1; k < len(c.Steps); k++ {
				was := s.now
				s.saw(c.Steps[k][0] != 0)
				if got, want := (scaleStep{c.Steps[k][0], was, s.now, float64(s.noskip)}), c.Steps[k]; got != want {
					t.Errorf("batch %d: %v, want %v", k, got, want)
				}
			}
		})
	}
}

// TestOverflowWhileAccumulating: an overflowed batch is left out of the sum; the step is taken if another
// batch is in it.
func TestOverflowWhileAccumulating(t *testing.T) {
	l, e := fakeLearner(t, 6, 0, 1, .5)
	e.bad = func(k int) bool { return k == 1 || k == 2 || k == 3 }
	if err := l.ToFP16(LossScale(8)); err != nil {
		t.Fatal(err)
	}
	if err := l.Fit(1, LR(.1), Callbacks(AccumulateScheduler(2, false))); err != nil {
		t.Fatal(err)
	}
	if len(e.hypers) != 2 || len(e.taken) != 2 || len(e.taken[0]) != 1 || len(e.taken[1]) != 2 {
		t.Errorf("%d steps of sums %v", len(e.hypers), e.taken)
	}
	if want := []float64{8, 8, 4, 2, 1, 1}; !slices.Equal(e.scales, want) {
		t.Errorf("scales %v, want %v", e.scales, want)
	}
}

func TestToFP16Options(t *testing.T) {
	l, e := fakeLearner(t, 3, 0, 1, .5)
	for _, o := range []FP16Option{LossScale(.5), LossScale(-1), LossScale(1e39), MaxScale(0), MaxNoskip(0)} {
		if l.ToFP16(o) == nil || l.scale != nil {
			t.Error("a bad option is accepted")
		}
	}
	if err := l.ToFP16(Dynamic(false)); err != nil || e.scale != 512 {
		t.Errorf("scale %v, error %v", e.scale, err)
	}
	if err := l.ToFP16(); err != nil || e.scale != 65536 || l.scale.every != 1000 || l.scale.max != 1<<24 {
		t.Errorf("scale %v, %+v, error %v", e.scale, l.scale, err)
	}
	e.bad = func(int) bool { return true }
	if err := l.LRFind(NumIt(3)); err != nil {
		t.Fatal(err)
	}
	if e.scale != 65536 || l.scale.now != 65536 || l.scale.noskip != 0 || e.scales[2] != 16384 {
		t.Errorf("the finder leaves a scale of %v after %v", e.scale, e.scales)
	}
	if err := l.ToFP16(BF16(), LossScale(8)); err == nil || !strings.Contains(err.Error(), "LossScale") {
		t.Errorf("BF16 with a loss scale: %v", err)
	}
	if err := l.ToFP16(BF16()); err != nil || e.scale != 1 || l.scale != nil {
		t.Errorf("BF16: scale %v, error %v", e.scale, err)
	}
	if err := l.ToFP32(); err != nil || e.scale != 1 || l.scale != nil {
		t.Errorf("scale %v, error %v", e.scale, err)
	}
}

// halfProducts reports whether the processor has products in bfloat16.
func halfProducts(t *testing.T) bool {
	t.Helper()
	d, err := device.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	return len(d.Info().Products) > 0
}

// mixedDevices are devices that compute in mixed precision when ToFP16 asks, with what a loss of the goldens'
// trainings may be off by in float16 and bfloat16.
func mixedDevices(t *testing.T) []string {
	t.Helper()
	out := append([]string{"fake"}, gpuDevices(t)...)
	if halfProducts(t) {
		out = append(out, "cpu")
	}
	return out
}

// TestFP16Trajectory: the goldens' trainings in mixed precision, with the dynamic loss scale, go where those in
// single precision go, are rounded to half precision, and come back by ToFP32.
func TestFP16Trajectory(t *testing.T) {
	var cases []struct {
		Name string
		Loss []float64 `json:"batch_loss_incl_regularisation"`
	}
	golden(t, "trajectories.json", &cases)
	ts := goldenTensors(t, "trajectories.safetensors")
	for _, dev := range mixedDevices(t) {
		for _, c := range cases {
			if c.Name != "cnn_default" && c.Name != "cnn_clip" {
				continue
			}
			for _, p := range []struct {
				name string
				tol  float64
				to   func(l *Learner) error
			}{
				{"f16", .05, func(l *Learner) error { return l.ToFP16(LossScale(1024), MaxNoskip(3)) }},
				{"bf16", .12, func(l *Learner) error { return l.ToFP16(BF16()) }},
				{"f32 again", tolLoss, func(l *Learner) error { return errors.Join(l.ToFP16(), l.ToFP32()) }},
			} {
				t.Run(c.Name+"/"+dev+"/"+p.name, func(t *testing.T) {
					var losses []float64
					l := trajectoryRun(t, dev, ts, c.Name, &losses, p.to)
					off, same := 0.0, true
					for k, want := range c.Loss {
						off = max(off, math.Abs(losses[k]-want))
						same = same && math.Abs(losses[k]-want) < 1e-5
					}
					t.Logf("largest difference of a loss %.2g", off)
					if off > p.tol {
						t.Errorf("losses differ by %.3g, at most %g is allowed: %v, want %v", off, p.tol, losses, c.Loss)
					}
					if half := p.name != "f32 again"; half && same {
						t.Error("nothing was rounded to half precision")
					}
					if p.name == "f16" && l.scale.now <= 1024 {
						t.Errorf("the scale is %v after %d batches without overflow", l.scale.now, len(losses))
					}
					state, err := l.eng.State()
					if err != nil {
						t.Fatal(err)
					}
					for name, w := range state {
						if w.DType() != tensor.Float32 {
							t.Errorf("%s is %v", name, w.DType())
						}
					}
				})
			}
		}
	}
}

// TestFP16SavesAndLoads: what mixed precision trained goes on in single precision, and back, with the same bits.
func TestFP16SavesAndLoads(t *testing.T) {
	ts := goldenTensors(t, "trajectories.safetensors")
	l := trajectoryLearner(t, "fake", ts, 2)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(l.ToFP16())
	must(l.Fit(1, LR(1e-3)))
	must(l.Save("half"))
	want, err := l.StateDict()
	must(err)
	other := trajectoryLearner(t, "fake", ts, 2, ModelPath(l.Path))
	must(other.Load("half"))
	got, err := other.StateDict()
	must(err)
	for name, w := range want {
		if !slices.Equal(w.Float32s(), got[name].Float32s()) {
			t.Errorf("%s differs", name)
		}
	}
	must(other.ToFP16(BF16()))
	must(other.Fit(1, LR(1e-3)))
	must(other.ToFP32())
	must(other.Fit(1, LR(1e-3)))
}

// TestFP16SameWeights: the golden's training with a loss scale gives every weight of the one without.
func TestFP16SameWeights(t *testing.T) {
	ts := goldenTensors(t, "trajectories.safetensors")
	for _, dev := range []string{"host", "cpu"} { // which keep activations in single precision
		var want map[string]*Tensor
		for k := range 2 {
			l := trajectoryLearner(t, dev, ts, 2)
			if k == 1 {
				if err := errors.Join(l.ToFP16(MaxNoskip(3)), l.setActivations(tensor.Float32)); err != nil { // the scale alone
					t.Fatal(err)
				}
			}
			if err := l.FitOneCycle(2, LR(.01), Callbacks(GradientClipping(.5))); err != nil {
				t.Fatal(err)
			}
			got, err := l.eng.State()
			if err != nil {
				t.Fatal(err)
			}
			if k == 0 {
				want = got
				continue
			}
			if l.scale.now != 1<<18 {
				t.Errorf("%s: the scale ends at %v", dev, l.scale.now)
			}
			for name, w := range want {
				if !slices.Equal(got[name].Float32s(), w.Float32s()) {
					t.Errorf("%s: %s differs", dev, name)
				}
			}
		}
	}
}

package gpu

import (
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	for _, name := range []string{"lstm_step_1", "lstm_step_2", "lstm_step_3", "lstm_back_3", "lstm_piped_step_1", "lstm_piped_step_2", "lstm_piped_step_3", "lstm_piped_back_3"} {
		softKernels[name] = func(*soft, []Arg) {}
	}
}

// steps gives how a new card over one home does the steps of a layer, and what it loaded to find out.
func steps(t *testing.T, n, h int) (ahead, behind stepChoice, loads int) {
	t.Helper()
	s := newSoft(1 << 30)
	s.card.Driver, s.card.Name, s.card.Compute, s.card.Units, s.card.Tensor = "cuda", "Soft Card/1", 90, 132, true
	d, err := New(s, tensor.Float16)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c, l := &compiler{dev: d, act: tensor.Float16}, &lstmWork{LSTM: device.LSTM{N: n, H: h}}
	ahead, behind = c.stepsAhead(l), c.stepsBehind(l)
	if k := d.tuning(); k != nil {
		k.keep()
	}
	return ahead, behind, len(s.loads)
}

// The steps of a layer are measured once on a card, those of small ones never.
func TestStepsAreMeasuredOnce(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	ahead, behind, loads := steps(t, 64, 256)
	if loads < 8 || ahead.parts < 1 || behind.parts < 1 {
		t.Errorf("%v, %v: %d kernels were loaded", ahead, behind, loads)
	}
	a, b, loads := steps(t, 64, 256)
	if loads != 0 || a != ahead || b != behind {
		t.Errorf("%v, %v after %v, %v: %d kernels were loaded", a, b, ahead, behind, loads)
	}
	if _, _, loads := steps(t, 2, 40); loads != 0 {
		t.Errorf("a small layer is measured: %d kernels were loaded", loads)
	}
	t.Setenv("FASTNB_GPU_TUNE", "0")
	if a, b, loads = steps(t, 64, 1152); loads != 0 || a != (stepChoice{true, 3}) || b != (stepChoice{true, 5}) {
		t.Errorf("guessed: %v, %v: %d kernels were loaded", a, b, loads)
	}
}

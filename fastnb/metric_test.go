package fastnb

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/tensor"
)

// goldenTensors reads a safetensors file of testdata.
func goldenTensors(t testing.TB, name string) map[string]*Tensor {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b)
	var head map[string]struct {
		DType   string
		Shape   []int
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(b[8:8+n], &head); err != nil {
		t.Fatal(err)
	}
	out := map[string]*Tensor{}
	for name, h := range head {
		raw := b[8+int(n):][h.Offsets[0]:h.Offsets[1]]
		switch h.DType {
		case "F32":
			x := tensor.New(tensor.Float32, h.Shape...)
			for k := range x.Float32s() {
				x.Float32s()[k] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))
			}
			out[name] = x
		case "I64":
			x := tensor.New(tensor.Int64, h.Shape...)
			for k := range x.Int64s() {
				x.Int64s()[k] = int64(binary.LittleEndian.Uint64(raw[8*k:]))
			}
			out[name] = x
		}
	}
	return out
}

func TestMetricsGolden(t *testing.T) {
	camvid := NewMetric("acc_camvid", func(pred, targ *Tensor) *Tensor {
		targ = targ.Squeeze(1)
		mask := targ.Ne(float64(5))
		return pred.ArgMax(1).Mask(mask).Eq(targ.Mask(mask)).Mean()
	})
	metrics := map[string]Metric{
		"fbeta_0.2": FBeta(Thresh(.2)), "fbeta_0.5": FBeta(Thresh(.5)), "fbeta_beta1_nosig": FBeta(Thresh(.5), Beta(1), WithSigmoid(false)),
		"accuracy_thresh_0.2": AccuracyThresh(Thresh(.2)), "accuracy_thresh_0.5": AccuracyThresh(),
		"accuracy": Accuracy(), "error_rate": ErrorRate(), "accuracy_lm": Accuracy(), "top_k_2": TopKAccuracy(2),
		"acc_camvid_void5": camvid, "foreground_acc_void5": ForegroundAcc(5), "dice": Dice(), "dice_iou": Dice(IoU(true)),
		"mse": MSE(), "mae": MAE(), "rmse": RMSE(), "msle": MSLE(), "r2": R2Score(), "explained_variance": ExplainedVariance(), "exp_rmspe": ExpRMSPE(),
	}
	var cases []struct {
		Name  string
		Value float64
	}
	golden(t, "metrics.json", &cases)
	ts := goldenTensors(t, "metrics.safetensors")
	for _, c := range cases {
		m, ok := metrics[c.Name]
		if !ok {
			t.Errorf("no metric for %s", c.Name)
			continue
		}
		got, err := m.Of(ts[c.Name+"/x"], ts[c.Name+"/y"])
		if err != nil {
			t.Error(err)
		}
		if math.Abs(got-c.Value) > 1e-6*math.Max(1, math.Abs(c.Value)) {
			t.Errorf("%s: got %v, want %v", c.Name, got, c.Value)
		}
	}
}

func TestMetricErrors(t *testing.T) {
	x, y := tensor.New(tensor.Float32, 4, 3), tensor.New(tensor.Int64, 5)
	for _, m := range []Metric{
		Accuracy(), FBeta(), MSE(), TopKAccuracy(9),
		{Name: "empty"},
		NewMetric("odd", 3),
		NewMetric("panics", func(p, t *Tensor) float64 { panic("boom") }),
		NewMetric("vector", func(p, t *Tensor) *Tensor { return p }),
	} {
		if _, err := m.Of(x, y); err == nil || !strings.Contains(err.Error(), m.Name) {
			t.Errorf("%s: got error %v", m.Name, err)
		}
	}
}

func TestMetricWeightsRows(t *testing.T) {
	m := NewMetric("first", func(p, t *Tensor) float64 { return p.At(0).Item() })
	s := m.start()
	_ = s.add(tensor.FromFloat32([]float32{1, 0, 0}, 3), tensor.New(tensor.Int64, 3))
	_ = s.add(tensor.FromFloat32([]float32{5}, 1), tensor.New(tensor.Int64, 1))
	if got := s.value(); got != 2 {
		t.Errorf("got %v, want (3*1+1*5)/4", got)
	}
}

// TestAccuracyOfPixels: each pixel of a picture counts.
func TestAccuracyOfPixels(t *testing.T) {
	out := tensor.FromFloat32([]float32{1, 1, 1, 0, 0, 2, 0, 3}, 1, 2, 2, 2)
	targ := tensor.FromInt64([]int64{0, 1, 1, 1}, 1, 1, 2, 2)
	if v, err := Accuracy().Of(out, targ); err != nil || v != .75 {
		t.Errorf("accuracy %v, error %v", v, err)
	}
}

package engine

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	_ "github.com/fastnb/go/fastnb/device/cpu"
	_ "github.com/fastnb/go/fastnb/device/hostdev"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// tolText is what single precision may add to values of size 1 and to gradients, by the makers of the
// figures.
const tolText = 1e-4

func textGoldens(t *testing.T) (map[string]*tensor.Tensor, map[string]map[string]any) {
	t.Helper()
	ts, _, err := safetensors.Read("testdata/text_layers.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	js, err := os.ReadFile("testdata/text_layers.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []map[string]any
	if err := json.Unmarshal(js, &cases); err != nil {
		t.Fatal(err)
	}
	byName := map[string]map[string]any{}
	for _, c := range cases {
		byName[c["name"].(string)] = c
	}
	return ts, byName
}

// engineOf brings a model with the parameters of a golden case to a device.
func engineOf(t *testing.T, dev string, net nn.Layer, ts map[string]*tensor.Tensor, prefix string) *Engine {
	t.Helper()
	d, err := device.Open(dev)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(d, net, nn.CrossEntropyFlat, nil, optim.Config{Kind: "adam", TrueWD: true, BNWD: true})
	if err != nil {
		t.Fatal(err)
	}
	state := map[string]*tensor.Tensor{}
	for k, v := range ts {
		if name, ok := strings.CutPrefix(k, prefix); ok && !strings.HasSuffix(k, "num_batches_tracked") {
			state[name] = v
		}
	}
	if err := e.LoadState(state, true); err != nil {
		t.Fatal(err)
	}
	return e
}

func near(t *testing.T, what string, got, want *tensor.Tensor, tol float64) {
	t.Helper()
	if got.Len() != want.Len() {
		t.Errorf("%s: %v, want %v", what, got.Shape(), want.Shape())
		return
	}
	worst := 0.0
	for i, v := range got.Float32s() {
		d := math.Abs(float64(v - want.Float32s()[i]))
		if !(d <= worst) {
			worst = d
		}
	}
	if !(worst <= tol) {
		t.Errorf("%s: differs by %g", what, worst)
	}
}

func checkGrads(t *testing.T, e *Engine, ts map[string]*tensor.Tensor, prefix string) {
	t.Helper()
	n := 0
	for k, w := range ts {
		name, ok := strings.CutPrefix(k, prefix)
		if !ok {
			continue
		}
		n++
		g, err := e.read(context.Background(), e.byName[name].grad, e.byName[name].Layout)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "gradient of "+name, g, w, tolText)
	}
	if n == 0 {
		t.Error("no gradients to compare")
	}
}

func noDropout(c models.AWDConfig, emb, hid, layers int) models.AWDConfig {
	c = c.DropMult(0)
	c.EmbSz, c.NHid, c.NLayers = emb, hid, layers
	return c
}

// The language model's scores, loss, state and gradients are fastai's.
func TestLanguageModelGolden(t *testing.T) {
	ts, cases := textGoldens(t)
	for _, dev := range goldentest.Devices {
		t.Run(dev, func(t *testing.T) {
			m, err := models.NewLanguageModel(40, noDropout(models.LMConfig(), 8, 12, 3), nn.NewRNG(1))
			if err != nil {
				t.Fatal(err)
			}
			const c = "awd_lm_eval/"
			e := engineOf(t, dev, m, ts, c+"param/")
			x0, x1, y := []*tensor.Tensor{ts[c+"x_0"]}, []*tensor.Tensor{ts[c+"x_1"]}, []*tensor.Tensor{ts[c+"y"]}
			ctx := context.Background()
			for i, x := range [][]*tensor.Tensor{x0, x1} {
				_, out, err := e.Eval(ctx, x, nil)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "scores", out, ts[c+[]string{"dec_0", "dec_1"}[i]], tolText)
			}
			for l := range 3 {
				for _, s := range []string{"h", "c"} {
					got, err := e.read(context.Background(), e.hidden.sets[4]["rnns."+string(rune('0'+l))+"."+s], device.Plain)
					if err != nil {
						t.Fatal(err)
					}
					near(t, "state", got, ts[c+s+"_1_"+string(rune('0'+l))], tolText)
				}
			}
			e.ResetState()
			if _, _, err := e.Eval(ctx, x0, nil); err != nil {
				t.Fatal(err)
			}
			loss, words, err := e.TrainBatch(ctx, x1, y)
			if err != nil {
				t.Fatal(err)
			}
			if d := math.Abs(float64(loss) - cases["awd_lm_eval"]["ce"].(float64)); d > tolText {
				t.Errorf("loss %v, want %v", loss, cases["awd_lm_eval"]["ce"])
			}
			best := ts[c+"dec_1"].ArgMax(-1).Int64s()
			for i, v := range words.Float32s() {
				if int64(v) != best[i] {
					t.Errorf("likeliest word %d is %v, want %d", i, v, best[i])
				}
			}
			checkGrads(t, e, ts, c+"grad/")
			// Evaluated with targets: the same loss, now from where the last batch ended.
			e.ResetState()
			if _, _, err := e.Eval(ctx, x0, y); err != nil {
				t.Fatal(err)
			}
			again, _, err := e.Eval(ctx, x1, y)
			if err != nil || math.Abs(float64(again-loss)) > 1e-5 {
				t.Errorf("evaluated loss %v, %v; trained %v", again, err, loss)
			}
		})
	}
}

// The classifier's scores, loss and gradients are fastai's, also where only a text's end is pooled.
func TestTextClassifierGolden(t *testing.T) {
	ts, cases := textGoldens(t)
	for _, dev := range goldentest.Devices {
		for _, c := range []string{"classifier", "classifier_maxlen"} {
			t.Run(c+"/"+dev, func(t *testing.T) {
				of := cases[c]
				head := models.TextHead{BPTT: int(of["bptt"].(float64)), MaxLen: int(of["max_len"].(float64)), PS: []float64{0}}
				m, err := models.NewTextClassifier(40, 3, noDropout(models.ClasConfig(), 8, 12, 2), head, nn.NewRNG(1))
				if err != nil {
					t.Fatal(err)
				}
				m.Regularisation = models.Regularisation{}
				e := engineOf(t, dev, m, ts, c+"/param/")
				y := tensor.New(tensor.Int64, 4)
				for i, v := range of["y"].([]any) {
					y.Int64s()[i] = int64(v.(float64))
				}
				loss, out, err := e.TrainBatch(context.Background(), []*tensor.Tensor{ts[c+"/x"]}, []*tensor.Tensor{y})
				if err != nil {
					t.Fatal(err)
				}
				near(t, "scores", out, ts[c+"/logits"], tolText)
				if d := math.Abs(float64(loss) - of["loss"].(float64)); d > tolText {
					t.Errorf("loss %v, want %v", loss, of["loss"])
				}
				checkGrads(t, e, ts, c+"/grad/")
			})
		}
	}
}

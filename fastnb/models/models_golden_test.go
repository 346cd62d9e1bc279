package models

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// summary is what the reference keeps of an array.
type summary struct {
	Shape   []int
	Sum, L2 float64
	Abs     float64
	First   []float64
	Last    []float64
}

// goldenModel is a case of models.json.
type goldenModel struct {
	Name    string
	Prefix  string
	Params  []json.RawMessage // [prefixed name, shape]
	NParams int               `json:"n_params"`
	Loss    float64           `json:"loss_train"`
	Grads   map[string]summary
	Running map[string]summary `json:"running_after_one_training_forward"`
	Error   struct {
		Grad float64 `json:"grad_rel_l2_worst"`
		Out  float64 `json:"out_train_max_abs_over_max"`
	} `json:"float32_vs_float64"`
}

// TestModelsGolden holds whole networks with the formula's weights to torchvision's bodies with fastai's heads:
// outputs in evaluation and training, loss, every gradient and the running statistics. Single precision
// alone moves gradients of deep networks by up to the case's own error, since ReLUs switch.
func TestModelsGolden(t *testing.T) {
	var cases []goldenModel
	goldentest.JSON(t, "models.json", &cases)
	ts := goldentest.Tensors(t, "models.safetensors")
	none := []float64{0}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if testing.Short() && c.Name != "resnet18" {
				t.Skip("seconds of arithmetic")
			}
			arch, err := ByName(strings.TrimSuffix(c.Prefix, ":"))
			if err != nil {
				t.Fatal(err)
			}
			loss, out, o := nn.BCEWithLogitsFlat, 5, HeadOptions{PS: none}
			x, y := goldentest.Fill("resnet.x", 2, 0, 4, 3, 64, 64), ts["resnet/y"]
			if c.Name == "resnet34@headpose" {
				loss, out, o = nn.MSELossFlat, 2, HeadOptions{LinFtrs: []int{100, 30}, PS: none}
				x, y = goldentest.Fill("pose.x", 2, 0, 4, 3, 60, 80), ts["pose/y"]
			}
			// The reference counts its dropout layers; without them the head's numbers would be others.
			net, err := CNN(arch, out, o, nn.NewRNG(1))
			if err != nil {
				t.Fatal(err)
			}
			net.Layers[1] = withDropouts(net.Layers[1].(*nn.Sequential))
			nn.NamePaths(net, "")
			c.check(t, net, loss, x, y, ts)
		})
	}
}

// withDropouts puts dropouts that drop nothing where a head has them by default.
func withDropouts(head *nn.Sequential) *nn.Sequential {
	out := nn.NewSequential()
	for _, l := range head.Layers {
		out.Layers = append(out.Layers, l)
		if _, ok := l.(*nn.BatchNorm); ok {
			out.Layers = append(out.Layers, nn.NewDropout(0))
		}
	}
	return out
}

func (c goldenModel) check(t *testing.T, net nn.Layer, loss nn.Loss, x, y *tensor.Tensor, ts map[string]*tensor.Tensor) {
	t.Helper()
	state, n := c.weights(t, net)
	if n != c.NParams {
		t.Errorf("%d parameters, want %d", n, c.NParams)
	}
	dev, err := device.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	// Stochastic gradient descent keeps the gradient of its first step as it is.
	eng, err := engine.New(dev, net, loss, nil, optim.Config{Kind: "sgd", TrueWD: true})
	if err == nil {
		err = eng.LoadState(state, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, xs, ys := context.Background(), []*tensor.Tensor{x}, []*tensor.Tensor{y}
	_, got, err := eng.Eval(ctx, xs, ys)
	if err != nil {
		t.Fatal(err)
	}
	want := ts[c.Name+"/out_eval"]
	goldentest.Near(t, "output in evaluation", got, want, 1e-3*want.Abs().Max())
	v, got, err := eng.TrainBatch(ctx, xs, ys)
	if err != nil {
		t.Fatal(err)
	}
	want = ts[c.Name+"/out_train"]
	goldentest.Near(t, "output in training", got, want, 1e-3*want.Abs().Max())
	// The reference is in single precision, too: rounding that a deep network makes larger moves its loss as well.
	if math.Abs(float64(v)-c.Loss) > max(1e-4, 3*c.Error.Out*c.Loss) {
		t.Errorf("loss %v, want %v", v, c.Loss)
	}
	if err := eng.Step([]engine.Hyper{{}}); err != nil {
		t.Fatal(err)
	}
	grads, err := eng.OptState()
	if err != nil {
		t.Fatal(err)
	}
	c.checkGrads(t, grads)
	after, err := eng.State()
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range c.Running {
		s.near(t, name, after[name], 1e-4)
	}
}

// checkGrads compares norms of all gradients, and their first and last elements.
func (c goldenModel) checkGrads(t *testing.T, grads map[string]*tensor.Tensor) {
	t.Helper()
	tol := max(5e-2, 3*c.Error.Grad)
	worst := 0.0
	for name, s := range c.Grads {
		g := grads["0."+name]
		if g == nil {
			t.Errorf("no gradient of %s", name)
			continue
		}
		s.near(t, "gradient of "+name, g, tol)
		worst = max(worst, math.Abs(norm(g)-s.L2)/s.L2)
	}
	t.Logf("largest relative difference of a gradient's norm: %.2g (tolerance %.2g)", worst, tol)
}

// near compares an array with its summary: tol is relative to the norm.
func (s summary) near(t *testing.T, what string, x *tensor.Tensor, tol float64) {
	t.Helper()
	if x == nil || x.Len() != tensor.Count(s.Shape) {
		t.Errorf("%s: missing or of another shape", what)
		return
	}
	if d := math.Abs(norm(x) - s.L2); !(d <= tol*s.L2+1e-9) {
		t.Errorf("%s: norm %v, want %v", what, norm(x), s.L2)
	}
	v := x.Float32s()
	for i, want := range s.First {
		if d := math.Abs(float64(v[i]) - want); !(d <= tol*s.L2+1e-9) {
			t.Errorf("%s: element %d is %v, want %v", what, i, v[i], want)
		}
	}
	for i, want := range s.Last {
		k := len(v) - len(s.Last) + i
		if d := math.Abs(float64(v[k]) - want); !(d <= tol*s.L2+1e-9) {
			t.Errorf("%s: element %d is %v, want %v", what, k, v[k], want)
		}
	}
}

func norm(x *tensor.Tensor) float64 {
	var s float64
	for _, v := range x.Float32s() {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s)
}

// weights fills the network by the formula and holds names and shapes, in order, to the reference's.
func (c goldenModel) weights(t *testing.T, net nn.Layer) (map[string]*tensor.Tensor, int) {
	t.Helper()
	type entry struct {
		Name  string
		Shape []int
	}
	var want, got []entry
	for _, p := range c.Params {
		e := entry{}
		if err := json.Unmarshal(p, &[]any{&e.Name, &e.Shape}); err != nil {
			t.Fatal(err)
		}
		if len(e.Shape) > 0 { // PyTorch's count of batches has none
			want = append(want, e)
		}
	}
	state, n := map[string]*tensor.Tensor{}, 0
	for _, p := range nn.AllParams(net) {
		got = append(got, entry{c.Prefix + p.Name, p.Shape})
		state[p.Name] = goldentest.Weight(c.Prefix+p.Name, p.Shape...)
		if p.Kind.Trainable() {
			n += tensor.Count(p.Shape)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal("names and shapes, in order:", d)
	}
	return state, n
}

// TestInitsGolden holds the spread of fresh parameters to fastai's, over three seeds as the reference.
func TestInitsGolden(t *testing.T) {
	if testing.Short() {
		t.Skip("draws millions of numbers")
	}
	var want map[string][]struct {
		Name      string
		Shape     []int
		Mean, Std float64
		Min, Max  float64
	}
	goldentest.JSON(t, "inits.json", &want)
	for seed := range uint64(3) {
		net, err := CNN(ResNet34, 17, HeadOptions{}, nn.NewRNG(seed))
		if err != nil {
			t.Fatal(err)
		}
		nn.NamePaths(net.Layers[0], "")
		nn.NamePaths(net.Layers[1], "")
		for part, layer := range map[string]nn.Layer{"resnet34_body_no_pretrain": net.Layers[0], "cnn_learner_resnet34_head": net.Layers[1]} {
			ours := map[string]*nn.Param{}
			for _, p := range nn.AllParams(layer) {
				ours[p.Name] = p
			}
			for _, w := range want[part] {
				p := ours[w.Name]
				if p == nil {
					t.Errorf("%s: no parameter %s", part, w.Name)
					continue
				}
				n := float64(p.Value.Len())
				mean := float64(0)
				for _, v := range p.Value.Float32s() {
					mean += float64(v) / n
				}
				std := 0.0
				for _, v := range p.Value.Float32s() {
					std += (float64(v) - mean) * (float64(v) - mean) / n
				}
				std = math.Sqrt(std)
				if w.Std == 0 && (std != 0 || math.Abs(mean-w.Mean) > 1e-6) || n >= 1000 && math.Abs(std-w.Std) > .1*w.Std {
					t.Errorf("%s, %s %v: mean %v and deviation %v, want %v and %v", part, w.Name, p.Shape, mean, std, w.Mean, w.Std)
				}
				if n >= 1000 && math.Abs(mean-w.Mean) > 5*w.Std/math.Sqrt(n)+math.Abs(w.Mean)*.1 && w.Std > 0 {
					t.Errorf("%s, %s: mean %v, want about %v", part, w.Name, mean, w.Mean)
				}
			}
		}
	}
}

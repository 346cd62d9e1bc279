package models

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/internal/goldentest"
)

// sums are the sum, sum of sizes, length, and for outputs the first six and last two elements.
type sums []float64

type unetGolden struct {
	Name           string
	Shape          []int
	OutEval        sums `json:"out_eval"`
	OutTrain       sums `json:"out_train"`
	Loss, Noise    float64
	NParams        int `json:"n_params"`
	Grads, Running map[string]sums
}

func unetGoldens(t *testing.T) []*unetGolden {
	var gs []*unetGolden
	readGz(t, "testdata/unets.json.gz", &gs)
	return gs
}

func readGz(t *testing.T, name string, v any) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(v); err != nil {
		t.Fatal(err)
	}
}

// TestUnetsGolden runs whole U-Nets forward and backward with the formula's weights and holds outputs,
// losses, gradients and running statistics to fastai's.
func TestUnetsGolden(t *testing.T) {
	options := map[string]UnetOptions{
		"unet_resnet18_blur":    {Blur: true, Bottle: true},
		"unet_resnet18_nocross": {NoLastCross: true},
		"unet_resnet18_yrange":  {YRange: &[2]float64{-1, 2}},
	}
	for _, g := range unetGoldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			if testing.Short() && g.Name != "unet_resnet18_odd" {
				t.Skip("seconds of arithmetic")
			}
			arch := ResNet18
			if g.Name == "unet_resnet34" {
				arch = ResNet34
			}
			net, err := Unet(arch, g.Shape[1], [2]int{g.Shape[2], g.Shape[3]}, options[g.Name], nn.NewRNG(1))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range nn.AllParams(net) {
				p.Value = goldentest.Weight(g.Name+":"+p.Name, p.Shape...)
			}
			g.check(t, net)
		})
	}
}

func formulaInts(name string, classes int, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Int64, shape...)
	for i := range t.Int64s() {
		t.Int64s()[i] = int64(goldentest.Uniform(name, i) * float64(classes))
	}
	return t
}

func (g *unetGolden) check(t *testing.T, net nn.Layer) {
	n, h, w := g.Shape[0], g.Shape[2], g.Shape[3]
	x, y, loss := goldentest.Fill("unet.x", 2, 0, n, 3, h, w), formulaInts(g.Name+".y", g.Shape[1], n, 1, h, w), nn.CrossEntropyFlat
	n = 0
	for _, p := range nn.AllParams(net) {
		if p.Kind.Trainable() {
			n += tensor.Count(p.Shape)
		}
	}
	if n != g.NParams {
		t.Errorf("%d parameters, want %d", n, g.NParams)
	}
	got := runNet(t, net, x, nil, loss, false)
	compareSums(t, "evaluation", got.Out, g.OutEval, 1e-3)
	got = runNet(t, net, x, y, loss, true)
	compareSums(t, "training", got.Out, g.OutTrain, 1e-3)
	if l := got.Loss; math.Abs(l-g.Loss) > 1e-4*math.Abs(g.Loss) {
		t.Errorf("loss %g, want %g", l, g.Loss)
	}
	tol := max(5e-2, 3*g.Noise)
	for name, want := range g.Grads {
		d := got.Grads[name]
		if d == nil {
			t.Errorf("no gradient of %s", name)
			continue
		}
		if l := norm(d); math.Abs(l-want[2]) > tol*want[2]+1e-7 {
			t.Errorf("gradient of %s has length %g, want %g", name, l, want[2])
		}
	}
	for name, want := range g.Running {
		compareSums(t, name, got.After[name], want, 1e-3)
	}
}

func compareSums(t *testing.T, what string, got *tensor.Tensor, want sums, tol float64) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: nothing", what)
		return
	}
	var sum, abs, top float64
	for _, v := range got.Float32s() {
		sum += float64(v)
		abs += math.Abs(float64(v))
		top = max(top, math.Abs(float64(v)))
	}
	if l := norm(got); math.Abs(sum-want[0]) > tol*want[1] || math.Abs(abs-want[1]) > tol*want[1] || math.Abs(l-want[2]) > tol*want[2] {
		t.Errorf("%s: sum %g, sizes %g, length %g, want %v", what, sum, abs, l, want[:3])
	}
	n := got.Len()
	for i, w := range want[3:] {
		at := i
		if i > 5 {
			at = n - 8 + i
		}
		if v := float64(got.Float32s()[at]); math.Abs(v-w) > tol*top {
			t.Errorf("%s[%d] = %g, want %g", what, at, v, w)
		}
	}
}

// runNet runs a network for one batch with its start values; without y there is no loss and no gradient.
func runNet(t *testing.T, net nn.Layer, x, y *tensor.Tensor, loss nn.Loss, train bool) goldentest.Result {
	t.Helper()
	p := goldentest.Pass{Device: "cpu", Train: train, Layer: net, X: []*tensor.Tensor{x}, State: map[string]*tensor.Tensor{}}
	if y != nil {
		p.Y, p.Loss = y, &loss
	}
	nn.NamePaths(net, "")
	for _, q := range nn.AllParams(net) {
		p.State[q.Name] = q.Value
	}
	return p.Run(t)
}

package vision

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// TestOwnLossTrains: a learner trains with a loss of one's own, tells its items' losses, and an export predicts
// with its activation.
func TestOwnLossTrains(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_OFFLINE", "1")
	data.Seed(3)
	dir := tiles(t, 12)
	d, err := source(dir).Transform(nil, data.Size(16)).DataBunch(data.BS(4))
	check(t, err)
	brier := nn.NewLoss("brier", func(b *nn.Builder, out, y *nn.Node) *nn.Node {
		return b.Square(b.Sub(b.Affine(b.Tanh(out), .5, .5), y))
	}, nn.WithActivation(""))
	learn, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), fastnb.Silent(true), fastnb.LossFunc(brier))
	check(t, err)
	check(t, learn.Fit(2, fastnb.LR(1e-3)))
	if l := learn.Recorder.BatchLosses; !(l[len(l)-1] < l[0]) {
		t.Errorf("losses %v", l)
	}
	check(t, learn.Export())
	full := datasets.NewPath(t.TempDir()).Join("app.fastnb")
	check(t, learn.Export(full.String()))
	if !full.Exists() {
		t.Errorf("Export put %s under the learner's path", full)
	}
	again, err := fastnb.LoadLearner(full)
	check(t, err)
	item := d.ValidDS.Items()[0]
	a, err := learn.Predict(item)
	check(t, err)
	b, err := again.Predict(item)
	check(t, err)
	if df := cmp.Diff(a.Probs, b.Probs); df != "" {
		t.Errorf("the export predicts otherwise: %s", df)
	}
	check(t, again.SetData(d))
	if err := again.Fit(1, fastnb.LR(1e-3)); err == nil || !strings.Contains(err.Error(), "the loss brier is not kept in an export") {
		t.Errorf("training an export with another loss: %v", err)
	}
	weighted, err := CNNLearner(d, models.ResNet18, fastnb.Pretrained(false), fastnb.Silent(true), fastnb.LossFunc(nn.BCEWithLogitsPosWeight(1, 2, 3)))
	check(t, err)
	in, err := weighted.Interpret()
	check(t, err)
	v, err := weighted.Validate()
	check(t, err)
	sum := 0.0
	for _, x := range in.Losses {
		sum += x / float64(len(in.Losses))
	}
	if diff := sum - v[0]; diff > 1e-4 || diff < -1e-4 {
		t.Errorf("the mean of single items is %v, the loss %v", sum, v[0])
	}
}

package fastnb

import (
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// The tree has a line for each layer with its numbers, and each part the sum of its own.
func TestModelTree(t *testing.T) {
	body := nn.NewSequential(nn.NewConv2D(3, 8, 3, nn.NoBias()), nn.NewBatchNorm(8), nn.NewReLU())
	m := &Model{Layer: nn.NewSequential(body, nn.NewLinear(8, 2))}
	h := m.HTML()
	for _, want := range []string{"3, 8, kernel=3", "<summary>0 <b>Sequential</b>", "232 parameters", "250 parameters", "18 parameters", "<b>ReLU</b>"} {
		if !strings.Contains(h, want) { // 3·8·9, 2·8; 8·2+2; all of them
			t.Errorf("no %q in %s", want, h)
		}
	}
	if strings.Count(h, "<details open>") != 1 || strings.Count(h, "<details>") != 1 || strings.Count(h, "</details>") != 2 {
		t.Errorf("what is open: %s", h)
	}
}

func TestShortNames(t *testing.T) {
	c := &ClassificationInterpretation{
		Preds: tensor.FromFloat32([]float32{.9, .1, .2, .8, .6, .4}, 3, 2), Targs: tensor.FromInt64([]int64{0, 1, 1}, 3),
		Losses: []float64{1, 2, 3}, l: &Learner{Loss: nn.CrossEntropyFlat}, on: 1,
	}
	if s := c.String(); !strings.HasPrefix(s, "Interpretation of 3 valid items, 1 wrong") {
		t.Error(s)
	}
	r := &Recorder{Losses: make([]float64, 1000), ValLosses: []float64{1, 2}}
	if s := r.String(); !strings.HasPrefix(s, "Recorder: 1000 batches, 2 epochs") {
		t.Error(s)
	}
}

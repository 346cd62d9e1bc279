package nbtest

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/nb"
)

// TestTrainingTools runs the notebook of callbacks, schedules and interpretation, and checks what its cells
// show, found by a piece of their source.
func TestTrainingTools(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a whole notebook")
	}
	n, err := nb.Read(filepath.Join("..", "..", "notebooks", "training-tools.ipynb"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FASTNB_OFFLINE", "1")
	t.Setenv("FASTNB_HOME", t.TempDir())
	sum, err := nb.Run(context.Background(), n, nb.Options{
		Params:   map[string]string{"items": "80", "bs": "10", "epochs": "2", "streets": "10"},
		Progress: testLog{t}, Dir: filepath.Join("..", "..", "notebooks"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Failed > 0 || sum.Skipped > 0 {
		t.Fatal(sum)
	}
	shows := map[string][]check{
		"learn.Summary()":                    {htmlTable("type", "parameters"), textLike(`GlobalPool +\[128\]`), textLike(`Conv2D +\[16, 14, 14\] +432 +\d +true`)},
		"Suggestion(true)":                   {textLike(`Min numerical gradient: \d\.\d\dE[-+]\d\d`), chart("Learning Rate")},
		"ShowGraph()":                        {htmlTable("accuracy", "error_rate", "f_beta"), picture("Validation (2)"), textLike(`Better model found at epoch 0 with accuracy`)},
		`learn.ReadLoggedFile("history")`:    {htmlTable("train_loss", "f_beta")},
		"learn.Recorder.PlotMetrics()":       {picture("3 pictures in 3 rows")},
		"ReduceLROnPlateau(":                 {textLike(`Epoch 2: reducing lr to 0\.0015\nEpoch 3: early stopping`)},
		"float32(math.NaN())":                {textLike(`Invalid loss, terminating training`)},
		"AccumulateScheduler(":               {htmlTable("train_loss", "accuracy")},
		"MixUp(":                             {htmlTable("train_loss", "accuracy")},
		"LabelSmoothingCrossEntropy(":        {htmlTable("train_loss", "accuracy")},
		"learn.FitFC(":                       {chart("Learning Rate over Iterations")},
		"learn.FitCyclical(":                 {chart("Learning Rate over Iterations")},
		"GeneralScheduler(":                  {chart("Momentum")},
		"BnFreeze()":                         {htmlTable("train_loss")},
		"TrackEpoch(":                        {textLike(`broke off: .*the power went`), textLike(`Going on with epoch 1\.\nLoaded tools_0\.`)},
		"PlotConfusionMatrix(":               {chart("3")},
		"interp.MostConfused(":               {htmlTable("actual", "predicted", "times")},
		"WithHeatmap(true)":                  {picture("4 pictures")},
		"learn.GradCAM(":                     {picture("1 pictures")},
		"learn.Validate()":                   {textLike(`^\[\d+\.\d+ \d`)},
		"learn.PredBatch()":                  {textLike(`\[3 2\]`)},
		"learn.ShowResults(":                 {picture("9 pictures")},
		"learn.TTA(":                         {textLike(`accuracy 0\.\d{4}|accuracy 1\.0000`)},
		"masks.PlotConfusion()":              {chart("Road")},
		"masks.PlotTopLosses(":               {picture("4 pictures in 2 rows of 2"), textLike(`item \d+: loss \d`)},
		`fmt.Printf("data: %s (%s), %d item`: {textLike(`data: mnist_tiny-twin \(twin\), 80 items`)},
	}
	for piece, checks := range shows {
		found := false
		for _, c := range n.Cells {
			if c.Type != "code" || !strings.Contains(c.Source, piece) {
				continue
			}
			found = true
			for _, ch := range checks {
				if !ch.ok(c.Outputs) {
					t.Errorf("cell %s shows no %s; it shows %s", piece, ch.what, kinds(c.Outputs))
				}
			}
		}
		if !found {
			t.Errorf("no cell has %s", piece)
		}
	}
}

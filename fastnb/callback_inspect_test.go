package fastnb

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestActivationStats sees each layer's output of each training batch, and changes no training.
func TestActivationStats(t *testing.T) {
	ts := goldenTensors(t, "trajectories.safetensors")
	var first *LayerStats
	for _, dev := range []string{"host", "cpu", "fake"} {
		plain := trajectoryLearner(t, dev, ts, 2)
		if err := plain.Fit(2, LR(1e-2)); err != nil {
			t.Fatal(err)
		}
		l, stats := trajectoryLearner(t, dev, ts, 2), ActivationStats()
		before, err := l.Model.inspect(context.Background(), ts["cnn/x"].Slice(0, 8), "0.0.0", nil)
		if err != nil {
			t.Fatal(err)
		}
		var lastMean float64 // of the model's output, which the last layer gives
		look := Callback{AfterLoss: func(l *Learner) error {
			if l.Training {
				lastMean, _ = meanStd(l.Output)
			}
			return nil
		}}
		stats.Layers = []string{"old"}
		if err := l.Fit(2, LR(1e-2), Callbacks(stats.Callback, look)); err == nil || !strings.Contains(err.Error(), "no items") {
			t.Fatal("data without items to ask for the layers:", err)
		}
		stats = ActivationStats("0.0.0", "0.0.2", "1.6")
		if err := l.Fit(2, LR(1e-2), Callbacks(stats.Callback, look)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(l.Recorder.BatchLosses, plain.Recorder.BatchLosses) {
			t.Errorf("%s: looking changes the losses: %v, %v", dev, l.Recorder.BatchLosses, plain.Recorder.BatchLosses)
		}
		if len(stats.Means) != 3 || len(stats.Means[0]) != 8 || len(stats.Stds[2]) != 8 {
			t.Fatalf("%s: %v %v", dev, stats.Means, stats.Stds)
		}
		if m, s := meanStd(before.Value); math.Abs(m-stats.Means[0][0]) > 1e-5 || math.Abs(s-stats.Stds[0][0]) > 1e-5 {
			t.Errorf("%s: the first layer gives %v ± %v, recorded %v ± %v", dev, m, s, stats.Means[0][0], stats.Stds[0][0])
		}
		// A batch norm gives channels of mean beta and standard deviation gamma.
		gamma, beta := ts["cnn/init/0.0.2.weight"].Float32s(), ts["cnn/init/0.0.2.bias"].Float32s()
		var mean, square float64
		for c, g := range gamma {
			b, n := float64(beta[c]), float64(len(gamma))
			mean, square = mean+b/n, square+(float64(g)*float64(g)+b*b)/n
		}
		if m, s := stats.Means[1][0], stats.Stds[1][0]; math.Abs(m-mean) > 1e-4 || math.Abs(s-math.Sqrt(square-mean*mean)) > 1e-2 {
			t.Errorf("%s: the batch norm gives %v ± %v, want %v ± %v", dev, m, s, mean, math.Sqrt(square-mean*mean))
		}
		if got := stats.Means[2][7]; math.Abs(got-lastMean) > 1e-6 {
			t.Errorf("%s: the last layer gives %v, recorded %v", dev, lastMean, got)
		}
		if first == nil {
			first = stats
		}
		for k := range stats.Means {
			for i := range stats.Means[k] {
				near(t, dev+" mean", stats.Means[k][i], first.Means[k][i], 1e-3)
				near(t, dev+" std", stats.Stds[k][i], first.Stds[k][i], 1e-3)
			}
		}
		if got, err := l.eng.Watched(); err != nil || len(got) != 0 {
			t.Errorf("%s: still watching after the fit: %d, %v", dev, len(got), err)
		}
		if f, err := stats.PlotStds(); err != nil || len(f.PNG()) == 0 {
			t.Error(err)
		}
		if err := l.Fit(1, LR(1e-2), Callbacks(ActivationStats("0.9").Callback)); err == nil || !strings.Contains(err.Error(), `layer "0.9"`) {
			t.Error("a layer that is not there:", err)
		}
		if err := l.Fit(1, LR(1e-2)); err != nil {
			t.Error("after such a mistake:", err)
		}
	}
	if _, err := ActivationStats().PlotMeans(); err == nil {
		t.Error("nothing recorded: no error")
	}
}

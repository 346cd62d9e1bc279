package fastnb

import (
	"math"
	"time"
)

// nan marks what was not measured.
var nan = math.NaN()

// Recorder holds the course of one fit. Every fit makes a new one.
type Recorder struct {
	// Names heads the columns of the epoch table: "epoch", "train_loss", "valid_loss", the metrics,
	// "time".
	Names []string
	// Losses is the smoothed training loss after each batch.
	Losses []float64
	// BatchLosses is the raw training loss of each batch.
	BatchLosses []float64
	// LRs and Moms are the last layer group's learning rate and momentum at each batch.
	LRs, Moms []float64
	// ValLosses is the validation loss after each epoch; NaN where validation was skipped.
	ValLosses []float64
	// Metrics has the metrics' values after each epoch, in the order of Names.
	Metrics [][]float64
	// NBatches is the number of training batches of each epoch.
	NBatches []int
	// Times is what each epoch took, validation included.
	Times []time.Duration
	// MinGradLR is the learning rate that Plot(Suggestion(true)) marked; 0 before.
	MinGradLR float64

	rows [][]string // of the epoch table
}

func newRecorder(metrics []Metric) *Recorder {
	r := &Recorder{Names: []string{"epoch", "train_loss", "valid_loss"}}
	for _, m := range metrics {
		r.Names = append(r.Names, m.Name)
	}
	r.Names = append(r.Names, "time")
	return r
}

// LastLoss is the smoothed training loss after the last batch, NaN before the first.
func (r *Recorder) LastLoss() float64 { return last(r.Losses) }

// LastValLoss is the validation loss of the last epoch, NaN before the first.
func (r *Recorder) LastValLoss() float64 { return last(r.ValLosses) }

// EpochTime is the mean of Times, 0 before the first epoch ends.
func (r *Recorder) EpochTime() time.Duration {
	if len(r.Times) == 0 {
		return 0
	}
	var sum time.Duration
	for _, t := range r.Times {
		sum += t
	}
	return sum / time.Duration(len(r.Times))
}

// LastRow is the last row of the epoch table as it is shown, in the order of Names; nil before the first.
func (r *Recorder) LastRow() []string {
	if len(r.rows) == 0 {
		return nil
	}
	return r.rows[len(r.rows)-1]
}

func last(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	return x[len(x)-1]
}

// Monitored is the last value of a column of the epoch table, such as "valid_loss" or a metric's
// name, and whether there is one.
func (r *Recorder) Monitored(name string) (float64, bool) {
	switch name {
	case "train_loss":
		return r.LastLoss(), len(r.Losses) > 0
	case "valid_loss":
		n := len(r.Metrics)
		return r.LastValLoss(), n > 0 && r.Metrics[n-1] != nil
	}
	for k, n := range r.Names[3 : len(r.Names)-1] {
		if n == name && len(r.Metrics) > 0 {
			if row := r.Metrics[len(r.Metrics)-1]; k < len(row) {
				return row[k], true
			}
		}
	}
	return math.NaN(), false
}

// gradient is the slope of y along its index: central differences, one-sided at the ends.
func gradient(y []float64) []float64 {
	n := len(y)
	if n < 2 {
		return nil
	}
	g := make([]float64, n)
	// Single precision, as the losses are: equal slopes stay equal.
	g[0], g[n-1] = float64(float32(y[1]-y[0])), float64(float32(y[n-1]-y[n-2]))
	for i := 1; i < n-1; i++ {
		g[i] = float64(float32(y[i+1]-y[i-1])) / 2
	}
	return g
}

// argMin is the index of the smallest number, the first of equal ones; -1 of none.
func argMin(x []float64) int {
	best := -1
	for k, v := range x {
		if best < 0 || v < x[best] || isNaN(v) && !isNaN(x[best]) {
			best = k
		}
	}
	return best
}

func isNaN(x float64) bool { return x != x }

// suggest gives the index of the steepest fall and of the lowest loss; ok is false where there are
// too few points.
func suggest(losses []float64) (steepest, lowest int, ok bool) {
	g := gradient(losses)
	if g == nil {
		return 0, 0, false
	}
	return argMin(g), argMin(losses), true
}

// cut drops the first start and the last end elements, as far as there are any.
func cut(x []float64, start, end int) []float64 {
	start = min(max(start, 0), len(x))
	end = max(len(x)-max(end, 0), start)
	return x[start:end]
}

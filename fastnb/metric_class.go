package fastnb

import (
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/device"
)

// Accuracy is the part of rows whose largest output is the target class. Outputs [N, ..., C],
// targets [N, ...] class numbers; for pictures [N, C, H, W] and [N, 1, H, W], each pixel a row; a language
// model's outputs are the likeliest words themselves, of the targets' shape. (fastai metrics.accuracy)
func Accuracy() Metric { return Metric{Name: "accuracy", batch: accuracy} }

// ErrorRate is 1 - Accuracy.
func ErrorRate() Metric {
	return Metric{Name: "error_rate", batch: func(out, targ *Tensor) (float64, error) {
		a, err := accuracy(out, targ)
		return 1 - a, err
	}}
}

func accuracy(out, targ *Tensor) (float64, error) {
	if slices.Equal(out.Shape(), targ.Shape()) {
		return item(out.Eq(targ.Float()).Mean())
	}
	return item(out.ArgMax(device.ClassAxis(device.SpecOf(out))).Reshape(-1).Eq(targ.Reshape(-1)).Mean())
}

// TopKAccuracy is the part of rows whose target class is among the k largest outputs [N, C]; of equal
// outputs the first counts. k is 5 in the usual measure.
func TopKAccuracy(k int) Metric {
	return Metric{Name: "top_k_accuracy", batch: func(out, targ *Tensor) (float64, error) {
		s := out.Shape()
		if len(s) != 2 || targ.Len() != s[0] || k < 1 || k > s[1] {
			return 0, fmt.Errorf("top %d needs outputs [N, C] with C >= %d and N targets", k, k)
		}
		x, y, hit := out.Float().Float32s(), targ.Long().Int64s(), 0
		for r, t := range y {
			row, better := x[r*s[1]:(r+1)*s[1]], 0
			if t < 0 || int(t) >= len(row) {
				return 0, fmt.Errorf("target %d of row %d is no class of %d", t, r, s[1])
			}
			for c, v := range row {
				if v > row[t] || v == row[t] && c < int(t) {
					better++
				}
			}
			if better < k {
				hit++
			}
		}
		return float64(hit) / float64(s[0]), nil
	}}
}

// AccuracyThresh is the part of all labels predicted right, for multi-label outputs and targets
// [N, C]: a label is predicted if its sigmoid is above Thresh (0.5). Option: WithSigmoid.
// (fastai metrics.accuracy_thresh)
func AccuracyThresh(o ...MetricOption) Metric {
	c, err := configured("AccuracyThresh", .5, o)
	return Metric{Name: "accuracy_thresh", err: err, batch: func(out, targ *Tensor) (float64, error) {
		return item(c.predicted(out).Eq(targ).Mean())
	}}
}

// predicted is 1 where a label is predicted.
func (c metricConfig) predicted(out *Tensor) *Tensor {
	if c.sigmoid {
		out = out.Sigmoid()
	}
	return out.Gt(c.thresh)
}

// fbetaEps keeps the divisions of FBeta finite (fastai: 1e-9).
const fbetaEps = 1e-9

// FBeta is the mean over rows of (1+b²)PR/(b²P+R), P precision and R recall of the labels of a row,
// for multi-label outputs and targets [N, C]. Options: Thresh (0.2), Beta (2), WithSigmoid (true).
// (fastai metrics.fbeta)
func FBeta(o ...MetricOption) Metric {
	c, err := configured("FBeta", .2, o)
	b2 := c.beta * c.beta
	return Metric{Name: "fbeta", err: err, batch: func(out, targ *Tensor) (float64, error) {
		s := out.Shape()
		if len(s) != 2 || targ.Len() != out.Len() {
			return 0, fmt.Errorf("needs outputs and targets [N, C] of one shape")
		}
		p := c.predicted(out)
		if err := p.Err(); err != nil {
			return 0, err
		}
		pred, y, total := p.Uint8s(), targ.Float().Float32s(), 0.0
		for r := 0; r < s[0]; r++ {
			var tp, np, nt float64
			for k := r * s[1]; k < (r+1)*s[1]; k++ {
				tp += float64(pred[k]) * float64(y[k])
				np += float64(pred[k])
				nt += float64(y[k])
			}
			prec, rec := tp/(np+fbetaEps), tp/(nt+fbetaEps)
			total += prec * rec / (prec*b2 + rec + fbetaEps) * (1 + b2)
		}
		return total / float64(s[0]), nil
	}}
}

// Dice is the overlap of prediction and target in two-class segmentation: 2*|both|/(|one|+|other|)
// per row, 1 where both are empty; with IoU(true) intersection over union. Outputs [N, 2, H, W],
// targets [N, 1, H, W]. (fastai metrics.dice)
func Dice(o ...MetricOption) Metric {
	c, err := configured("Dice", .5, o)
	return Metric{Name: "dice", err: err, batch: func(out, targ *Tensor) (float64, error) {
		am := out.ArgMax(1)
		if err := am.Err(); err != nil {
			return 0, err
		}
		if am.Len() != targ.Len() {
			return 0, fmt.Errorf("outputs [N, 2, H, W] need targets [N, 1, H, W]")
		}
		p, y, n, total := am.Int64s(), targ.Long().Int64s(), am.Shape()[0], 0.0
		size := am.Len() / n
		for r := 0; r < n; r++ {
			var inter, sum float64
			for k := r * size; k < (r+1)*size; k++ {
				inter += float64(p[k] * y[k])
				sum += float64(p[k] + y[k])
			}
			v := 2 * inter / sum
			if c.iou {
				v = inter / (sum - inter + 1e-8)
			}
			if sum == 0 {
				v = 1
			}
			total += v
		}
		return total / float64(n), nil
	}}
}

// ForegroundAcc is pixel accuracy where the target is not the class void. Outputs [N, C, H, W],
// targets [N, 1, H, W]. (fastai metrics.foreground_acc)
func ForegroundAcc(void int) Metric {
	return Metric{Name: "foreground_acc", batch: func(out, targ *Tensor) (float64, error) {
		targ = targ.Squeeze(1)
		mask := targ.Ne(void)
		return item(out.ArgMax(1).Mask(mask).Eq(targ.Mask(mask)).Mean())
	}}
}

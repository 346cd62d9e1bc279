package plotting

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// ticker marks about n round numbers, written by the fmt verb format or, without one, with as many
// decimals as the step needs.
func ticker(format string, n int) plot.TickerFunc {
	return func(lo, hi float64) []plot.Tick {
		step := niceStep((hi - lo) / float64(n))
		if step <= 0 || lo+step == lo || math.IsInf(step, 0) || math.IsNaN(step) {
			return nil
		}
		var out []plot.Tick
		for k := math.Ceil(lo/step - 1e-9); k*step <= hi+step*1e-9; k++ {
			v := k * step
			if math.Abs(v) < step*1e-6 {
				v = 0
			}
			out = append(out, plot.Tick{Value: v, Label: tickLabel(v, step, format)})
		}
		return out
	}
}

// niceStep is the round number next to x, 1, 2, 3 or 5 times a power of ten: as ECharts picks it, so that both
// forms of a chart have the same numbers.
func niceStep(x float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(x)))
	switch f := x / p; {
	case f < 1.5:
		return p
	case f < 2.5:
		return 2 * p
	case f < 4:
		return 3 * p
	case f < 7:
		return 5 * p
	}
	return 10 * p
}

func tickLabel(v, step float64, format string) string {
	if format != "" {
		return fmt.Sprintf(format, v)
	}
	if a := math.Abs(v); a >= 1e6 || step < 1e-5 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := 0
	for d := step; digits < 8 && math.Abs(d-math.Round(d)) > 1e-6*d; d *= 10 {
		digits++
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// logTicks marks powers of ten with numbers, their multiples without; a range within a decade or so
// has numbers at 1, 2 and 5.
func logTicks(lo, hi float64, format string) []plot.Tick {
	decades := math.Log10(hi / lo)
	every := 1
	if decades > 10 {
		every = int(math.Ceil(decades / 10))
	}
	if !(decades > 0) || decades > 700 {
		return nil
	}
	var out []plot.Tick
	for e := int(math.Floor(math.Log10(lo))); e <= int(math.Ceil(math.Log10(hi))); e++ {
		for m := 1; m <= 9 && (m == 1 || every == 1); m++ {
			v := float64(m) * math.Pow10(e)
			if v < lo*(1-1e-9) || v > hi*(1+1e-9) {
				continue
			}
			t := plot.Tick{Value: v}
			if m == 1 && (e%every == 0) || decades < 1.5 && (m == 2 || m == 5) {
				t.Label = fmt.Sprintf(format, v)
			}
			out = append(out, t)
		}
	}
	return out
}

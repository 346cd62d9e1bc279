package fastnb

import (
	"fmt"
	"math"
)

// LRs is a learning rate, or a range of them over the layer groups. Make one with [LR], [Slice] or
// [LRList].
type LRs struct {
	list  []float64 // as given
	slice bool      // Slice: one number is the last group's, two are a range
}

// LR is the same learning rate for every layer group.
func LR(x float64) LRs { return LRs{list: []float64{x}} }

// Slice with one number gives that rate to the last layer group and a tenth of it to the others;
// with two it spreads the rates from the first to the last group geometrically. It is the lesson's
// slice(stop) and slice(start, stop). With a single group the last number counts.
func Slice(stop float64, more ...float64) LRs {
	return LRs{list: append([]float64{stop}, more...), slice: true}
}

// LRList gives one learning rate for each layer group.
func LRList(xs ...float64) LRs { return LRs{list: xs} }

// defaultLRs is fastai's slice(3e-3).
var defaultLRs = Slice(3e-3)

// Groups gives the learning rate of each of n layer groups. It is an error if a list has another
// length, or if a rate is not a positive number.
func (r LRs) Groups(n int) ([]float64, error) { return r.spread(n, false) }

// spread is Groups; zero says that rates of 0 will do, as the end of a schedule.
func (r LRs) spread(n int, zero bool) ([]float64, error) {
	if len(r.list) == 0 {
		r = defaultLRs
	}
	for _, x := range r.list {
		if !(x > 0 || zero && x == 0) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("fastnb: learning rates: %v: not a positive number", x)
		}
	}
	out := make([]float64, n)
	switch k := len(r.list); {
	case r.slice && k > 2:
		return nil, fmt.Errorf("fastnb: learning rates: Slice of %d numbers (try Slice(stop), Slice(start, stop) or LRList)", k)
	case r.slice && k == 2:
		a, b := r.list[0], r.list[1]
		mult := 1.0
		if n > 1 && a > 0 {
			mult = math.Pow(b/a, 1/float64(n-1))
		} else {
			a = b
		}
		for i := range out {
			out[i] = a * math.Pow(mult, float64(i))
		}
	case r.slice:
		for i := range out {
			out[i] = r.list[0] / 10
		}
		out[n-1] = r.list[0]
	case k == 1:
		for i := range out {
			out[i] = r.list[0]
		}
	case k != n:
		return nil, fmt.Errorf("fastnb: learning rates: %d rates for %d layer groups", k, n)
	default:
		copy(out, r.list)
	}
	return out, nil
}

// String is the range as it was written.
func (r LRs) String() string {
	switch {
	case len(r.list) == 0:
		return defaultLRs.String()
	case r.slice && len(r.list) == 1:
		return fmt.Sprintf("Slice(%g)", r.list[0])
	case r.slice && len(r.list) == 2:
		return fmt.Sprintf("Slice(%g, %g)", r.list[0], r.list[1])
	case len(r.list) == 1:
		return fmt.Sprintf("LR(%g)", r.list[0])
	}
	return fmt.Sprintf("LRList%v", r.list)
}

// The annealings go from start (p = 0) to end (p = 1).

// AnnealNo stays at the start.
func AnnealNo(start, _, _ float64) float64 { return start }

// AnnealCos goes along half a cosine.
func AnnealCos(start, end, p float64) float64 { return end + (start-end)/2*(math.Cos(math.Pi*p)+1) }

// AnnealExp goes by a constant factor.
func AnnealExp(start, end, p float64) float64 { return start * math.Pow(end/start, p) }

// AnnealLinear goes by a constant step.
func AnnealLinear(start, end, p float64) float64 { return start + p*(end-start) }

// AnnealPoly goes by a polynomial of the given degree.
func AnnealPoly(start, end, p, degree float64) float64 {
	return end + (start-end)*math.Pow(1-p, degree)
}

// hypers are the hyperparameters a schedule moves, for one batch.
type hypers struct {
	lr    []float64 // per layer group
	mom   float64
	beta2 float64  // 0: the default
	wd    *float64 // nil: the fit's
}

// schedule gives the hyperparameters of batch k (from 0) of the whole fit.
type schedule func(k int) hypers

// constant is the schedule of a plain fit.
func constant(lr []float64, mom float64) schedule {
	return func(int) hypers { return hypers{lr: lr, mom: mom} }
}

// oneCycleConfig are the knobs of the one-cycle policy.
type oneCycleConfig struct {
	momHi, momLo float64 // .95, .85
	div          float64 // 25: the first rate is max/div
	finalDiv     float64 // 0 means div * 1e4: the last rate is max/finalDiv
	pctStart     float64 // .3: part of the batches that go up
}

func (c oneCycleConfig) check() error {
	switch {
	case !(c.pctStart >= 0 && c.pctStart <= 1):
		return fmt.Errorf("fastnb: fit one cycle: PctStart(%g): must be between 0 and 1", c.pctStart)
	case !(c.div > 0):
		return fmt.Errorf("fastnb: fit one cycle: DivFactor(%g): must be positive", c.div)
	case c.finalDiv < 0:
		return fmt.Errorf("fastnb: fit one cycle: FinalDiv(%g): must be positive", c.finalDiv)
	}
	for _, m := range []float64{c.momHi, c.momLo} {
		if !(m >= 0 && m < 1) {
			return fmt.Errorf("fastnb: fit one cycle: Moms: %g: must be at least 0 and below 1", m)
		}
	}
	return nil
}

// schedule is the one-cycle policy over n batches: the rate rises from max/div to max along a cosine
// and falls to max/finalDiv along another, the momentum does the opposite (L. Smith 2018; both
// phases cosine and these defaults as in fastai 1.0.61, callbacks/one_cycle.py). Batch n gives what
// the optimizer is left with.
func (c oneCycleConfig) schedule(max []float64, n int) schedule {
	up := int(float64(n) * c.pctStart)
	down := n - up
	final := c.finalDiv
	if final == 0 {
		final = c.div * 1e4
	}
	// A phase always takes at least one step, even one of no batches.
	up, down = atLeast1(up), atLeast1(down)
	return func(k int) hypers {
		h := hypers{lr: make([]float64, len(max))}
		for g, m := range max {
			if k <= up {
				h.lr[g] = AnnealCos(m/c.div, m, float64(k)/float64(up))
			} else {
				h.lr[g] = AnnealCos(m, m/final, float64(k-up)/float64(down))
			}
		}
		if k <= up {
			h.mom = AnnealCos(c.momHi, c.momLo, float64(k)/float64(up))
		} else {
			h.mom = AnnealCos(c.momLo, c.momHi, float64(k-up)/float64(down))
		}
		return h
	}
}

func atLeast1(n int) int { return max(n, 1) }

// finder is the schedule of the learning-rate finder: exponential from start to end in n batches,
// the same factor for all groups.
func finder(start, end []float64, n int, mom float64) schedule {
	return func(k int) hypers {
		h := hypers{lr: make([]float64, len(start)), mom: mom}
		for g := range start {
			h.lr[g] = AnnealExp(start[g], end[g], float64(k)/float64(n))
		}
		return h
	}
}

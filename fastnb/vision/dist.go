package vision

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Dist says how a value of a transform is drawn, each time anew: Fixed, Uniform, LogUniform or
// UniformInt.
type Dist struct {
	Kind   string  `json:"kind"`
	Lo, Hi float64 // both ends; a uniform draw never gives Hi itself
}

// Fixed is always v.
func Fixed(v float64) Dist { return Dist{"fixed", v, v} }

// Uniform is any number from lo up to hi, each as likely.
func Uniform(lo, hi float64) Dist { return Dist{"uniform", lo, hi} }

// LogUniform is a number from lo up to hi, both positive, whose logarithm is uniform: as likely doubled
// as halved.
func LogUniform(lo, hi float64) Dist { return Dist{"log_uniform", lo, hi} }

// UniformInt is a whole number from lo to hi, both included.
func UniformInt(lo, hi int) Dist { return Dist{"uniform_int", float64(lo), float64(hi)} }

func (d Dist) draw(rng *rand.Rand) float64 {
	switch d.Kind {
	case "uniform":
		return d.Lo + (d.Hi-d.Lo)*rng.Float64()
	case "log_uniform":
		return math.Exp(math.Log(d.Lo) + (math.Log(d.Hi)-math.Log(d.Lo))*rng.Float64())
	case "uniform_int":
		return d.Lo + float64(rng.IntN(int(d.Hi-d.Lo)+1))
	}
	return d.Lo
}

func (d Dist) check() error {
	bad := func(why string) error { return fmt.Errorf("%s from %g to %g: %s", d.Kind, d.Lo, d.Hi, why) }
	switch {
	case math.IsNaN(d.Lo) || math.IsNaN(d.Hi) || math.IsInf(d.Lo, 0) || math.IsInf(d.Hi, 0):
		return bad("the ends must be finite")
	case d.Kind == "fixed":
		return nil
	case d.Hi < d.Lo:
		return bad("the upper end is below the lower")
	case d.Kind == "log_uniform" && d.Lo <= 0:
		return bad("the ends must be positive")
	case d.Kind != "uniform" && d.Kind != "log_uniform" && d.Kind != "uniform_int":
		return fmt.Errorf("distribution %q is not known", d.Kind)
	}
	return nil
}

// String is the distribution as it is written in Go.
func (d Dist) String() string {
	switch d.Kind {
	case "fixed":
		return fmt.Sprintf("%g", d.Lo)
	case "uniform_int":
		return fmt.Sprintf("UniformInt(%g, %g)", d.Lo, d.Hi)
	case "log_uniform":
		return fmt.Sprintf("LogUniform(%.4g, %.4g)", d.Lo, d.Hi)
	}
	return fmt.Sprintf("Uniform(%.4g, %.4g)", d.Lo, d.Hi)
}

package device

import "math"

// The functions of Map.
const (
	MapAffine   = "affine"   // A x + B
	MapAbs      = "abs"      // |x|
	MapSqrt     = "sqrt"     // √x
	MapExp      = "exp"      // e^x
	MapLog      = "log"      // ln x
	MapSigmoid  = "sigmoid"  // 1/(1+e^-x)
	MapTanh     = "tanh"     // tanh x
	MapSoftplus = "softplus" // ln(1+e^x)
	MapPow      = "pow"      // x^A
	MapClamp    = "clamp"    // x within A and B
)

// Map is a function of each element by itself.
type Map struct {
	Fn   string
	A, B float32
}

// At is the function's value.
func (m Map) At(x float64) float64 {
	switch m.Fn {
	case MapAffine:
		return float64(m.A)*x + float64(m.B)
	case MapAbs:
		return math.Abs(x)
	case MapSqrt:
		return math.Sqrt(x)
	case MapExp:
		return math.Exp(x)
	case MapLog:
		return math.Log(x)
	case MapSigmoid:
		return 1 / (1 + math.Exp(-x))
	case MapTanh:
		return math.Tanh(x)
	case MapSoftplus:
		return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x)))
	case MapPow:
		return math.Pow(x, float64(m.A))
	case MapClamp:
		return math.Min(math.Max(x, float64(m.A)), float64(m.B))
	}
	return math.NaN()
}

// Slope is the function's derivative; 0 at the corner of abs and outside clamp.
func (m Map) Slope(x float64) float64 {
	switch m.Fn {
	case MapAffine:
		return float64(m.A)
	case MapAbs:
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return 0
	case MapSqrt:
		return .5 / math.Sqrt(x)
	case MapExp:
		return math.Exp(x)
	case MapLog:
		return 1 / x
	case MapSigmoid:
		s := 1 / (1 + math.Exp(-x))
		return s * (1 - s)
	case MapTanh:
		t := math.Tanh(x)
		return 1 - t*t
	case MapSoftplus:
		return 1 / (1 + math.Exp(-x))
	case MapPow:
		return float64(m.A) * math.Pow(x, float64(m.A)-1)
	case MapClamp:
		if x >= float64(m.A) && x <= float64(m.B) {
			return 1
		}
		return 0
	}
	return math.NaN()
}

// Weights multiply along the last axis, one for each of its elements.
type Weights struct{ W []float32 }

// Spread is what a gradient of a sum is multiplied by.
type Spread struct{ Factor float32 }

package nn

import (
	"math"
	"math/rand/v2"
)

// RNG draws start values. The same seed gives the same values.
type RNG struct{ *rand.Rand }

// NewRNG makes a generator.
func NewRNG(seed uint64) *RNG { return &RNG{rand.New(rand.NewPCG(seed, 0x66617374_6e620001))} }

// Initialiser fills a parameter's values.
type Initialiser = func(rng *RNG, dst []float32)

// Ones fills with 1.
func Ones(_ *RNG, dst []float32) {
	for i := range dst {
		dst[i] = 1
	}
}

// Zeros fills with 0.
func Zeros(_ *RNG, dst []float32) { clear(dst) }

// Normal draws from a normal distribution with mean 0.
func Normal(std float64) Initialiser {
	return func(rng *RNG, dst []float32) {
		for i := range dst {
			dst[i] = float32(rng.NormFloat64() * std)
		}
	}
}

// Uniform draws evenly from (-bound, bound).
func Uniform(bound float64) Initialiser {
	return func(rng *RNG, dst []float32) {
		for i := range dst {
			dst[i] = float32((2*rng.Float64() - 1) * bound)
		}
	}
}

// KaimingNormal draws with standard deviation sqrt(2/fan), fan being the inputs or the outputs of
// the layer (He et al. 2015, for ReLU).
func KaimingNormal(fan int) Initialiser { return Normal(math.Sqrt(2 / float64(fan))) }

// torchDefault is PyTorch's start for linear and convolution weights and biases: uniform within
// 1/sqrt(fan in).
func torchDefault(fanIn int) Initialiser { return Uniform(1 / math.Sqrt(float64(fanIn))) }

// InitHead draws the parameters of a new head anew, as fastai's apply_init does: weights Kaiming
// normal over the inputs, biases 0, normalisation layers left at 1 and 0.
func InitHead(l Layer, rng *RNG) {
	for _, p := range AllParams(l) {
		switch p.Kind {
		case Weight:
			fan := 1
			for _, d := range p.Shape[1:] {
				fan *= d
			}
			p.Init = KaimingNormal(fan)
		case Bias:
			p.Init = Zeros
		}
		p.Value = nil
	}
	InitParams(l, rng)
}

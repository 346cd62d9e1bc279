package goldentest

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
)

// JSON reads a file of the package's testdata into v.
func JSON(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Tensors reads a safetensors file of the package's testdata.
func Tensors(t testing.TB, name string) map[string]*tensor.Tensor {
	t.Helper()
	ts, _, err := safetensors.Read(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

// Under gives the tensors whose names start with prefix, without it.
func Under(ts map[string]*tensor.Tensor, prefix string) map[string]*tensor.Tensor {
	out := map[string]*tensor.Tensor{}
	for k, v := range ts {
		if rest, ok := strings.CutPrefix(k, prefix); ok {
			out[rest] = v
		}
	}
	return out
}

func mix(x uint32) uint32 {
	x ^= x >> 16
	x *= 0x7feb352d
	x ^= x >> 15
	x *= 0x846ca68b
	return x ^ x>>16
}

// Uniform is element i of the array of a name, in [0, 1): the makers of reference files and their
// readers fill arrays alike, so that weights need not be stored.
func Uniform(name string, i int) float64 {
	h := uint32(2166136261)
	for _, b := range []byte(name) {
		h = (h ^ uint32(b)) * 16777619
	}
	return float64(mix(uint32(i)+mix(h))>>8) / (1 << 24)
}

// Fill is an array of shift + scale*s with s in [-1, 1) by the formula.
func Fill(name string, scale, shift float64, shape ...int) *tensor.Tensor {
	x := tensor.New(tensor.Float32, shape...)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(shift + scale*(2*Uniform(name, i)-1))
	}
	return x
}

// Weight is the value of a whole model's parameter by its prefixed name, scaled by what its name and
// shape say it is.
func Weight(name string, shape ...int) *tensor.Tensor {
	switch {
	case strings.HasSuffix(name, "running_var"):
		return Fill(name, .2, 1, shape...)
	case strings.HasSuffix(name, "running_mean"):
		return Fill(name, .1, 0, shape...)
	case len(shape) > 1:
		gain := 1.0
		if len(shape) == 4 {
			gain = 2
		}
		return Fill(name, math.Sqrt(3)*math.Sqrt(gain/float64(tensor.Count(shape[1:]))), 0, shape...)
	case strings.HasSuffix(name, "weight"):
		return Fill(name, .1, .7, shape...)
	}
	return Fill(name, .1, 0, shape...)
}

// Near fails unless got and want have the same shape and differ by at most tol anywhere.
func Near(t testing.TB, what string, got, want *tensor.Tensor, tol float64) {
	t.Helper()
	if got == nil || want == nil {
		t.Errorf("%s: missing (got %v, want %v)", what, got != nil, want != nil)
		return
	}
	if got.Len() != want.Len() {
		t.Errorf("%s: shape %v, want %v", what, got.Shape(), want.Shape())
		return
	}
	for i, w := range want.Float32s() {
		g := got.Float32s()[i]
		if d := math.Abs(float64(g) - float64(w)); !(d <= tol) {
			t.Errorf("%s: element %d is %v, want %v (tolerance %v)", what, i, g, w, tol)
			return
		}
	}
}

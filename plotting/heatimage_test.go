package plotting

import (
	"image/color"
	"math"
	"testing"
)

func TestHeatImage(t *testing.T) {
	m := HeatImage([][]float64{{0, 5}, {10, math.NaN()}}, .6)
	if m.Bounds().Dx() != 2 || m.Bounds().Dy() != 2 {
		t.Fatal(m.Bounds())
	}
	for at, want := range map[[2]int]color.NRGBA{{0, 0}: {0, 0, 4, 153}, {1, 0}: {181, 54, 122, 153}, {0, 1}: {252, 253, 191, 153}, {1, 1}: {}} {
		if got := color.NRGBAModel.Convert(m.At(at[0], at[1])); got != want {
			t.Errorf("%v is %v, want %v", at, got, want)
		}
	}
	if m := HeatImage([][]float64{{3, 3}}, 2); m.Bounds().Dx() != 2 {
		t.Error("a flat field is a picture too")
	}
}

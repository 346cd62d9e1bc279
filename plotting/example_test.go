package plotting_test

import (
	"fmt"

	"github.com/fastnb/go/plotting"
)

func ExampleLines() {
	fig := plotting.Lines(plotting.LineOpts{
		XLabel: "Learning Rate", YLabel: "Loss", LogX: true,
		Series: []plotting.Series{{Name: "train", X: []float64{1e-6, 1e-4, 1e-2}, Y: []float64{0.9, 0.7, 0.5}}},
	})
	fmt.Println(fig)
	// Output: Figure: Loss over Learning Rate: train (3) 0.9 … 0.5
}

func ExampleHTMLTable() {
	fmt.Println(plotting.HTMLTable([]string{"stage", "fbeta"}, [][]string{{"head", "0.925"}, {"all", "0.931"}}))
	// Output:
	// stage  fbeta
	// head   0.925
	// all    0.931
}

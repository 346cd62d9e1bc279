package plotting

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// redYellowGreen are colours from 0 to 1 at even steps (ColorBrewer's RdYlGn, 11 classes).
var redYellowGreen = [][3]float64{
	{165, 0, 38},
	{215, 48, 39},
	{244, 109, 67},
	{253, 174, 97},
	{254, 224, 139},
	{255, 255, 191},
	{217, 239, 139},
	{166, 217, 106},
	{102, 189, 99},
	{26, 152, 80},
	{0, 104, 55},
}

// HighlightedWords shows words on a ground from red by yellow to green, by their weights in [0, 1]; a
// word's weight shows when the pointer rests on it. As text each weight stands behind its word.
func HighlightedWords(words []string, weights []float64) *Figure {
	if len(words) != len(weights) {
		return failed(fmt.Errorf("fastnb: highlighted words: %d words, %d weights", len(words), len(weights)))
	}
	var h, t []string
	for i, w := range words {
		c := blend(weights[i])
		h = append(h, fmt.Sprintf(`<span style="font-family: monospace; background-color: rgba(%.0f, %.0f, %.0f, 0.5)" title="%.3f">%s</span>`,
			c[0], c[1], c[2], weights[i], html.EscapeString(w)))
		t = append(t, fmt.Sprintf("%s(%.2f)", w, weights[i]))
	}
	return &Figure{html: strings.Join(h, " "), text: strings.Join(t, " ")}
}

// blend is the colour of a weight.
func blend(x float64) (c [3]float64) {
	if math.IsNaN(x) {
		x = 0
	}
	at := min(max(x, 0), 1) * float64(len(redYellowGreen)-1)
	i := min(int(at), len(redYellowGreen)-2)
	for k := range c {
		c[k] = redYellowGreen[i][k] + (at-float64(i))*(redYellowGreen[i+1][k]-redYellowGreen[i][k])
	}
	return c
}

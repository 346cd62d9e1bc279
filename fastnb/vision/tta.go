package vision

import (
	"fmt"

	"github.com/fastnb/go/fastnb/data"
)

// TestTime are the eight ways in which test-time augmentation looks at a picture: magnified by scale
// towards each corner, as it is and mirrored, with the training transforms but for crop, flip, dihedral
// and zoom. (fastai vision/tta.py)
func (t *Transforms) TestTime(scale float64) ([]data.Augmenter, error) {
	if !(scale >= 1) {
		return nil, fmt.Errorf("scale %g: must be at least 1", scale)
	}
	var rest []Transform
	for _, f := range t.Train {
		switch f.spec {
		case cropPadSpec, flipLRSpec, dihedralSpec, zoomSpec:
		default:
			rest = append(rest, f)
		}
	}
	var ways []data.Augmenter
	for k := range 8 {
		row, col := RowPct(Fixed(float64(k&1))), ColPct(Fixed(float64(k>>1&1)))
		list := append(rest[:len(rest):len(rest)], Zoom(Fixed(scale), row, col), CropPad(row, col))
		if k&4 != 0 {
			list = append(list, FlipLR())
		}
		ways = append(ways, NewTransforms(nil, list))
	}
	return ways, nil
}

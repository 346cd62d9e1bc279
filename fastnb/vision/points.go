package vision

import (
	"fmt"

	"github.com/fastnb/go/fastnb/data"
)

// pointSet is points (x, y) in [-1, 1] on which transforms are done. They move against the picture: where
// a picture's map says from where a place is read, a point at that place goes the other way.
type pointSet struct {
	xy   [][2]float64
	h, w int // of the picture
	args data.TransformArgs

	srcH, srcW int // of the picture as it was last sampled

	aff   matrix   // pending, as a canvas has it
	coord []matrix // inverses of the pending projective maps, first first
}

// do notes or does one operation.
func (p *pointSet) do(o op) error {
	switch o := o.(type) {
	case affineOp:
		p.aff = p.aff.mul(o.affine())
	case coordOp:
		m, err := o.homography(p.srcH, p.srcW)
		if err != nil {
			return err
		}
		if m, err = m.inverse(); err != nil {
			return err
		}
		p.coord = append(p.coord, m)
	case gridOp:
		return fmt.Errorf("points cannot be moved by it")
	case pixelOp:
		if err := p.flush(); err != nil {
			return err
		}
		return o.points(p)
	}
	return nil
}

// flush moves the points: back through the affine map, then through the projective ones, last first.
func (p *pointSet) flush() error {
	inv, err := p.aff.aspect(p.h, p.w).inverse()
	if err != nil {
		return err
	}
	for k, v := range p.xy {
		x, y := inv.apply(v[0], v[1])
		for i := len(p.coord) - 1; i >= 0; i-- {
			x, y = p.coord[i].apply(x, y)
		}
		p.xy[k] = [2]float64{x, y}
	}
	p.aff, p.coord, p.srcH, p.srcW = identity, nil, p.h, p.w
	return nil
}

// scale multiplies and shifts the points.
func (p *pointSet) scale(kx, ky, tx, ty float64) {
	for k, v := range p.xy {
		p.xy[k] = [2]float64{v[0]*kx + tx, v[1]*ky + ty}
	}
}

// crop is the picture cut to rows by cols from (r, c) on.
func (p *pointSet) crop(rows, cols, r, c int) {
	kx, ky := float64(p.w)/float64(cols), float64(p.h)/float64(rows)
	p.scale(kx, ky, -1+kx-2*float64(c)/float64(cols), -1+ky-2*float64(r)/float64(rows))
	p.h, p.w = rows, cols
}

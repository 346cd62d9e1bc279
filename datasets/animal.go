package datasets

import "math"

// animal is how one kind of head looks: a toy of a face, in which ears, coat and marks tell the kinds apart.
type animal struct {
	name   string
	ear    earShape
	coat   rgb
	marks  rgb // ears' points, stripes, patches or mask, as the pattern says
	how    pattern
	muzzle float64 // how far it stands out: 0 flat, 1 long
	fluff  float64 // how far hair stands off, in head widths
}

type earShape int

const (
	earPointed earShape = iota
	earHanging
	earRound
	earFolded
)

type pattern int

const (
	plain pattern = iota
	masked
	striped
	patched
	points // ears, nose
	bicolour
)

// drawAnimal draws a head before a room or a meadow, turned and lit as chance has it.
func drawAnimal(p *painter, a animal) {
	w, h := float64(p.w), float64(p.h)
	light := float32(p.between(.8, 1.12))
	tint := func(c rgb) rgb {
		var o rgb
		for k := range o {
			o[k] = max(0, min(255, c[k]*light+float32(6*p.rng.NormFloat64())))
		}
		return o
	}
	p.backdrop(tint)
	r := min(w, h) * p.between(.26, .36)
	cx, cy := w*p.between(.42, .58), h*p.between(.44, .55)
	lean := p.between(-.35, .35)
	sin, cos := math.Sincos(lean)
	at := func(x, y float64) pt { return pt{cx + r*(x*cos-y*sin), cy + r*(x*sin+y*cos)} }
	blob := func(x, y, rx, ry float64, c rgb) {
		q := at(x, y)
		p.ellipse(q.x, q.y, r*rx, r*ry, c, 0)
	}
	poly := func(c rgb, xy ...float64) {
		var q []pt
		for i := 0; i+1 < len(xy); i += 2 {
			q = append(q, at(xy[i], xy[i+1]))
		}
		p.polygon(q, c, 0)
	}
	coat, marks := tint(a.coat), tint(a.marks)
	dark := rgb{coat[0] * .72, coat[1] * .72, coat[2] * .72}
	blob(.1, 1.75, 1.15, 1.2, dark) // the body, below and behind
	ears(a, blob, poly, coat, marks, dark)
	if a.fluff > 0 {
		for k := range 26 {
			s, c := math.Sincos(2 * math.Pi * (float64(k) + p.between(-.3, .3)) / 26)
			blob(c*(.95+a.fluff*.5), s*(.9+a.fluff*.5), .2+a.fluff, .2+a.fluff, dark)
		}
	}
	blob(0, 0, 1, .92, coat)
	p.markings(a, blob, poly, marks)
	p.face(a, blob, poly, coat, marks, tint)
	p.soften(.2)
}

func ears(a animal, blob func(x, y, rx, ry float64, c rgb), poly func(c rgb, xy ...float64), coat, marks, dark rgb) {
	out, in := coat, rgb{205, 150, 145}
	if a.how == points || a.how == masked {
		out = marks
	}
	for _, s := range []float64{-1, 1} {
		switch a.ear {
		case earPointed:
			poly(out, s*.92, -.25, s*.95, -1.35, s*.2, -.85)
			poly(in, s*.8, -.5, s*.83, -1.1, s*.4, -.8)
		case earHanging:
			if a.how == plain {
				out = dark
			}
			blob(s*1.05, .25, .34, .85, out)
		case earRound:
			blob(s*.75, -.75, .36, .36, out)
			blob(s*.75, -.72, .2, .2, in)
		case earFolded:
			poly(out, s*.95, -.3, s*.75, -1.02, s*.2, -.85)
			poly(dark, s*.95, -.3, s*1.1, -.65, s*.55, -.95)
		}
	}
}

func (p *painter) markings(a animal, blob func(x, y, rx, ry float64, c rgb), poly func(c rgb, xy ...float64), marks rgb) {
	switch a.how {
	case plain:
	case masked:
		blob(0, .35, .62, .52, marks)
	case striped:
		for k := range 5 {
			x := -.5 + .25*float64(k)
			poly(marks, x-.05, -.85, x+.06, -.85, x*.8+.03, -.35)
		}
		for _, s := range []float64{-1, 1} {
			poly(marks, s*.95, .1, s*.95, .22, s*.5, .2)
			poly(marks, s*.9, .4, s*.86, .52, s*.48, .38)
		}
	case patched:
		s := 1.0
		if p.chance(.5) {
			s = -1
		}
		blob(s*.42, -.2, .42, .46, marks)
		blob(-s*.65, -.62, .3, .25, marks)
	case points:
		blob(0, .38, .5, .46, marks)
		blob(0, .05, .3, .4, marks)
	case bicolour:
		poly(marks, -.16, -.92, .16, -.92, .34, .5, -.34, .5)
		blob(0, .5, .55, .38, marks)
	}
}

func (p *painter) face(a animal, blob func(x, y, rx, ry float64, c rgb), poly func(c rgb, xy ...float64), coat, marks rgb, tint func(rgb) rgb) {
	pale := rgb{min(255, coat[0]*1.16), min(255, coat[1]*1.16), min(255, coat[2]*1.14)}
	if a.how == masked || a.how == points || a.how == bicolour {
		pale = marks
	}
	blob(0, .42+.1*a.muzzle, .34+.1*a.muzzle, .26+.2*a.muzzle, pale)
	iris := tint(rgb{62, 42, 26})
	if a.ear == earPointed && a.muzzle < .2 {
		iris = tint(rgb{150, 168, 62})
	}
	for _, s := range []float64{-1, 1} {
		blob(s*.4, -.14, .19, .16, rgb{236, 234, 226})
		blob(s*.4, -.14, .15, .15, iris)
		blob(s*.4, -.14, .07, .1, rgb{12, 10, 10})
		blob(s*.4+.05, -.19, .03, .03, rgb{245, 245, 245})
	}
	nose := tint(rgb{38, 30, 30})
	if a.coat[0] > 190 && a.muzzle < .2 {
		nose = tint(rgb{208, 128, 126})
	}
	y := .3 + .18*a.muzzle
	poly(nose, -.14, y-.05, .14, y-.05, .03, y+.12, -.03, y+.12)
	poly(rgb{60, 40, 40}, -.02, y+.1, .02, y+.1, .02, y+.3, -.02, y+.3)
}

// backdrop is a wall with a floor, or a meadow, out of focus.
func (p *painter) backdrop(tint func(rgb) rgb) {
	wall := tint(p.pick(14, rgb{196, 188, 172}, rgb{150, 160, 172}, rgb{176, 150, 132}, rgb{110, 124, 104}))
	floor := tint(p.pick(14, rgb{96, 122, 66}, rgb{128, 98, 74}, rgb{160, 150, 140}, rgb{84, 104, 72}))
	w, h := float64(p.w), float64(p.h)
	line := h * p.between(.55, .8)
	p.rect(0, 0, w, line, wall, 0)
	p.rect(0, line, w, h, floor, 0)
	n := p.noise(4, 3, .55)
	for i, v := range n {
		for k := range 3 {
			p.px[3*i+k] += (v - .5) * 46
		}
	}
	for range 3 {
		p.ellipse(w*p.between(0, 1), h*p.between(0, .5), w*p.between(.05, .16), h*p.between(.05, .2), tint(p.pick(40, rgb{140, 130, 120})), 0)
	}
}

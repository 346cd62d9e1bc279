package datasets

import (
	"math"
	"math/rand/v2"
)

// vec is a place or direction: right, down, ahead.
type vec [3]float64

func (a vec) dot(b vec) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func (a vec) plus(b vec) vec { return vec{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }

// turn is m·v, back its transpose times v.
func turn(m [3][3]float64, v vec) vec {
	return vec{vec(m[0]).dot(v), vec(m[1]).dot(v), vec(m[2]).dot(v)}
}

func back(m [3][3]float64, v vec) vec {
	var r vec
	for k := range 3 {
		r[k] = m[0][k]*v[0] + m[1][k]*v[1] + m[2][k]*v[2]
	}
	return r
}

// sitter is a person: what stays the same in all frames.
type sitter struct {
	skin, hair, shirt, wallCol rgb
	axes                       vec // half axes of the head in millimetres
	hairline                   float64
	long, beard, glasses       bool
	light                      vec
	room                       *rand.Rand // what the wall looks like
}

func newSitter(person int) sitter {
	c := newPainter(1, 1, biwiSeed+2, uint64(person))
	s := sitter{
		skin:    c.pick(6, rgb{232, 190, 160}, rgb{214, 164, 130}, rgb{176, 124, 92}, rgb{122, 84, 62}, rgb{244, 208, 184}),
		hair:    c.pick(5, rgb{40, 30, 24}, rgb{96, 66, 40}, rgb{180, 140, 84}, rgb{122, 120, 118}, rgb{24, 22, 22}),
		shirt:   rgb{float32(c.between(20, 220)), float32(c.between(20, 220)), float32(c.between(20, 220))},
		wallCol: c.pick(8, rgb{206, 204, 198}, rgb{180, 190, 200}, rgb{152, 142, 130}, rgb{122, 134, 122}),
		axes:    vec{c.between(70, 82), c.between(102, 120), c.between(88, 100)},
		light:   vec{c.between(-.5, .5), -.6, -.7}, hairline: c.between(-.62, -.35),
		long: c.chance(.4), beard: c.chance(.3), glasses: c.chance(.3), room: c.rng,
	}
	return s
}

// scene is a head before a wall, on its way into a picture.
type scene struct {
	*painter
	sitter
	pose
	rot      [3][3]float64
	focal    float64
	midX     float64
	midY     float64
	u, v, mm float64 // where the head is seen, and pixels per millimetre there
}

// drawHead draws a person in a pose. The head's centre is seen at the place that the pose file and the
// calibration give.
func drawHead(p *painter, who sitter, at pose) {
	s := &scene{painter: p, sitter: who, pose: at, rot: at.rotation()}
	s.focal, s.midX, s.midY = biwiCamera(p.h, p.w)
	z := at.centre[2]
	s.u, s.v, s.mm = at.centre[0]*s.focal/z+s.midX, at.centre[1]*s.focal/z+s.midY, s.focal/z
	s.drawRoom()
	s.body()
	s.face()
	k := float32(p.between(.9, 1.08))
	for i := range p.px {
		p.px[i] *= k
	}
	p.soften(.2)
}

// drawRoom is the wall with its panels and a dark thing before it, the same in all of a person's frames.
func (s *scene) drawRoom() {
	w, h := float64(s.w), float64(s.h)
	for y := range s.h {
		k := float32(1.15 - .3*float64(y)/h)
		col := rgb{s.wallCol[0] * k, s.wallCol[1] * k, s.wallCol[2] * k}
		for x := range s.w {
			s.set(x, y, col, 0)
		}
	}
	r := s.room
	for range 2 + r.IntN(4) {
		x := w * r.Float64()
		s.rect(x, 0, x+max(1, w/300), h, rgb{s.wallCol[0] * .7, s.wallCol[1] * .7, s.wallCol[2] * .7}, 0)
	}
	x, y := w*r.Float64()*.85, h*(.25+.35*r.Float64())
	grey := float32(20 + 120*r.Float64())
	s.rect(x, y, x+w*(.06+.1*r.Float64()), y+h*.35, rgb{grey, grey * .95, grey * .9}, 0)
	old := s.painter.rng
	s.painter.rng = r
	for i, n := range s.noise(5, 4, .55) {
		for k := range 3 {
			s.px[3*i+k] += (n - .5) * 26
		}
	}
	s.painter.rng = old
}

// body is the neck and the shoulders below the head.
func (s *scene) body() {
	u, v, m := s.u, s.v, s.mm
	dark := rgb{s.skin[0] * .72, s.skin[1] * .72, s.skin[2] * .72}
	s.rect(u-46*m, v+60*m, u+46*m, v+140*m, dark, 0)
	low := float64(s.h) + 1
	s.polygon([]pt{{u - 46*m, v + 118*m}, {u + 46*m, v + 118*m}, {u + 120*m, v + 150*m}, {u + 185*m, v + 185*m}, {u + 215*m, max(low, v+190*m)}, {u - 215*m, max(low, v+190*m)}, {u - 185*m, v + 185*m}, {u - 120*m, v + 150*m}}, s.shirt, 0)
}

// hit is where a ray from the camera first meets an ellipsoid: its distance factor along the ray, and the
// place in the ellipsoid's own units.
func (s *scene) hit(ray, centre, axes vec) (t float64, local vec, ok bool) {
	o, d := back(s.rot, centre), back(s.rot, ray)
	for k := range 3 {
		o[k], d[k] = -o[k]/axes[k], d[k]/axes[k]
	}
	a, b, c := d.dot(d), d.dot(o), o.dot(o)-1
	disc := b*b - a*c
	if disc <= 0 {
		return 0, vec{}, false
	}
	t = (-b - math.Sqrt(disc)) / a
	return t, vec{o[0] + t*d[0], o[1] + t*d[1], o[2] + t*d[2]}, true
}

// lit is the brightness of a place of an ellipsoid.
func (s *scene) lit(local, axes vec) float32 {
	n := turn(s.rot, vec{local[0] / axes[0], local[1] / axes[1], local[2] / axes[2]})
	cos := n.dot(s.light) / math.Sqrt(n.dot(n)*s.light.dot(s.light))
	return float32(.45 + .65*max(0, cos))
}

// face draws the head: long hair behind, skull, and nose. It looks along -z, towards the camera.
func (s *scene) face() {
	centre := vec(s.centre)
	behind, behindAxes := centre.plus(turn(s.rot, vec{0, 28, 26})), vec{s.axes[0] * 1.15, s.axes[1] * 1.2, s.axes[2] * .95}
	nose, noseAxes := centre.plus(turn(s.rot, vec{0, 14, -s.axes[2] * .98})), vec{13, 24, 20}
	r := 190 * s.mm
	for y := max(0, int(s.v-r)); y < min(s.h, int(s.v+r)); y++ {
		for x := max(0, int(s.u-r)); x < min(s.w, int(s.u+r)); x++ {
			ray := vec{(float64(x) - s.midX) / s.focal, (float64(y) - s.midY) / s.focal, 1}
			best := math.Inf(1)
			put := func(t float64, col rgb, k float32) {
				if t < best {
					best = t
					s.set(x, y, rgb{col[0] * k, col[1] * k, col[2] * k}, 0)
				}
			}
			if s.long {
				if t, l, ok := s.hit(ray, behind, behindAxes); ok {
					put(t, s.hair, s.lit(l, behindAxes))
				}
			}
			if t, l, ok := s.hit(ray, centre, s.axes); ok {
				if s.long && l[2] < .2 {
					best = math.Inf(1) // hair never falls over the face
				}
				put(t, s.colour(l), s.lit(l, s.axes))
			}
			if t, l, ok := s.hit(ray, nose, noseAxes); ok {
				put(t, s.skin, s.lit(l, noseAxes))
			}
		}
	}
}

// colour is what the head's surface shows at a place: skin, and what is on it.
func (s *scene) colour(l vec) rgb {
	x, y, z := l[0], l[1], l[2]
	within := func(cx, cy, rx, ry float64) bool {
		return (x-cx)*(x-cx)/(rx*rx)+(y-cy)*(y-cy)/(ry*ry) < 1
	}
	if y < s.hairline+.3*math.Max(0, z+1)+.06*math.Sin(9*x) || z > .12 && y < .55 {
		return s.hair
	}
	if z >= 0 {
		return s.skin
	}
	for _, ex := range []float64{-.4, .4} {
		ring := math.Hypot((x-ex)/.17, (y+.1)/.1)
		switch {
		case s.glasses && math.Abs(ring-1.4) < .2:
			return rgb{30, 30, 34}
		case within(ex, -.1, .075, .075):
			return rgb{50, 36, 28}
		case within(ex, -.1, .17, .08):
			return rgb{240, 240, 236}
		case math.Abs(x-ex) < .2 && math.Abs(y+.3-.05*math.Cos(7*(x-ex))) < .035:
			return rgb{s.hair[0] * .8, s.hair[1] * .8, s.hair[2] * .8}
		}
	}
	switch {
	case s.glasses && math.Abs(x) < .17 && math.Abs(y+.1) < .03:
		return rgb{30, 30, 34}
	case math.Abs(y-.5) < .012 && math.Abs(x) < .25:
		return rgb{90, 36, 36}
	case within(0, .5, .27, .055):
		return rgb{168, 72, 70}
	case s.beard && y > .34 && math.Abs(x) < .75:
		return rgb{.2*s.skin[0] + .8*s.hair[0], .2*s.skin[1] + .8*s.hair[1], .2*s.skin[2] + .8*s.hair[2]}
	}
	return s.skin
}

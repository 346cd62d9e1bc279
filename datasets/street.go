package datasets

import (
	"cmp"
	"math"
	"slices"
)

// street is a scene as a camera behind a windscreen sees it: a straight road, what stands along it, and
// what moves on it. Places are in metres: x to the right of the camera, y above the ground, z ahead.
type street struct {
	*painter
	focal, cx, cy float64 // of the camera, pixels; cy is the horizon
	light         float32 // of the day
	left, right   float64 // edges of the road
	kerb          float64 // width of the pavements
}

const (
	cameraHeight = 1.4  // metres
	nearest      = 2.5  // nothing is drawn closer
	farthest     = 90.0 // facades end
)

// drawStreet draws one scene with its classes.
func drawStreet(p *painter) {
	s := &street{painter: p, light: 1}
	s.focal = float64(p.w) * s.between(.85, 1.05)
	s.cx, s.cy = float64(p.w)*s.between(.42, .58), float64(p.h)*s.between(.42, .52)
	if s.chance(.3) { // dusk
		s.light = float32(s.between(.45, .65))
	}
	s.left, s.right, s.kerb = -s.between(3.5, 7), s.between(2.5, 6), s.between(1.6, 3.8)
	s.sky()
	s.ground()
	s.skyline()
	if s.chance(.2) {
		s.overpass()
	}
	s.facades(-1)
	s.facades(1)
	s.things()
	if s.chance(.4) { // the edge of the bonnet, which nobody labelled
		w, h := float64(p.w), float64(p.h)
		s.ellipse(w*s.between(.3, 1), h*1.05, w*s.between(.3, .6), h*s.between(.07, .14), s.shade(rgb{48, 48, 52}), cvVoid)
	}
	s.soften(.22)
	s.texture()
}

// shade is a colour in the light of the day, no two things alike.
func (s *street) shade(col rgb) rgb {
	k := s.light * float32(1+.06*s.rng.NormFloat64())
	return rgb{col[0] * k, col[1] * k, col[2] * k}
}

// at is where a place is seen.
func (s *street) at(x, y, z float64) pt {
	z = max(z, nearest)
	return pt{s.cx + s.focal*x/z, s.cy - s.focal*(y-cameraHeight)/z}
}

// patch fills a field of the ground between two distances and four edges.
func (s *street) patch(x0, x1, z0, z1 float64, col rgb, class uint8) {
	s.polygon([]pt{s.at(x0, 0, z0), s.at(x1, 0, z0), s.at(x1, 0, z1), s.at(x0, 0, z1)}, col, class)
}

// panel fills an upright field along the street, at the side x.
func (s *street) panel(x, z0, z1, y0, y1 float64, col rgb, class uint8) {
	s.polygon([]pt{s.at(x, y0, z0), s.at(x, y0, z1), s.at(x, y1, z1), s.at(x, y1, z0)}, col, class)
}

// board fills an upright field across the street.
func (s *street) board(x0, x1, y0, y1, z float64, col rgb, class uint8) {
	a, b := s.at(x0, y0, z), s.at(x1, y1, z)
	s.rect(a.x, a.y, b.x, b.y, col, class)
}

// ball fills an ellipse of half axes in metres.
func (s *street) ball(x, y, z, rx, ry float64, col rgb, class uint8) {
	c := s.at(x, y, z)
	s.ellipse(c.x, c.y, rx*s.focal/z, ry*s.focal/z, col, class)
}

func (s *street) sky() {
	base := s.shade(s.pick(5, rgb{150, 178, 214}, rgb{208, 214, 220}, rgb{172, 180, 192}))
	clouds := s.noise(3, 4, .55)
	for y := range s.h {
		glow := float32(y) / float32(s.h) * 30
		for x := range s.w {
			v := (clouds[y*s.w+x]-.5)*46 + glow
			s.set(x, y, rgb{base[0] + v, base[1] + v, base[2] + v*.8}, cvSky)
		}
	}
}

// ground is the pavement, the road on it, and what is painted on that.
func (s *street) ground() {
	w, h := float64(s.w), float64(s.h)
	s.rect(0, s.cy, w, h, s.shade(rgb{152, 148, 143}), cvSidewalk)
	s.patch(s.left, s.right, nearest, 400, s.shade(s.pick(4, rgb{96, 96, 100}, rgb{110, 107, 104})), cvRoad)
	if s.chance(.25) {
		s.patch(s.left-s.between(.5, 1.2), s.left, nearest, 60, s.shade(rgb{126, 118, 100}), cvRoadShoulder)
	}
	white := s.shade(rgb{218, 218, 210})
	middle := (s.left + s.right) / 2
	for z := s.between(4, 7); z < 60; z += 5 {
		s.patch(middle-.08, middle+.08, z, z+2.5, white, cvLaneMkgsDriv)
	}
	if s.chance(.6) {
		s.patch(s.left+.25, s.left+.4, nearest, 70, white, cvLaneMkgsDriv)
		s.patch(s.right-.4, s.right-.25, nearest, 70, white, cvLaneMkgsDriv)
	}
	if s.chance(.3) { // a zebra crossing
		z := s.between(7, 18)
		for x := s.left + .5; x+.6 < s.right; x += 1.1 {
			s.patch(x, x+.55, z, z+2.8, white, cvLaneMkgsNonDriv)
		}
	}
	if s.chance(.25) {
		z := s.between(6, 20)
		s.patch(s.right-1.9, s.right-.05, z, z+s.between(6, 14), s.shade(rgb{132, 116, 108}), cvParkingBlock)
	}
}

// skyline is what closes the view at the end of the street.
func (s *street) skyline() {
	for x := -50.; x < 50; {
		wide, high, class, col := s.between(5, 14), s.between(4, 11), cvTree, rgb{70, 96, 58}
		if s.chance(.45) {
			class, col = cvBuilding, rgb{150, 140, 134}
		}
		s.board(x, x+wide, 0, high, farthest, s.shade(col), class)
		x += wide
	}
}

// overpass is a bridge across the street, or the portal of a tunnel.
func (s *street) overpass() {
	z, stone := s.between(28, 60), s.shade(s.pick(5, rgb{140, 128, 116}, rgb{124, 124, 126}))
	l, r := s.left-s.kerb-9, s.right+s.kerb+9
	switch {
	case s.chance(.25):
		s.board(l, r, 0, 9, z, stone, cvWall)
		s.board(s.left-.3, s.right+.3, 0, 5, z, s.shade(rgb{30, 30, 32}), cvTunnel)
		s.board(s.left, s.right, 0, .6, z, s.shade(rgb{70, 70, 72}), cvRoad)
	case s.chance(.3):
		s.board(l, r, 0, 8.5, z, stone, cvArchway)
		s.board(s.left-.5, s.right+.5, 0, 5.5, z, s.shade(rgb{120, 130, 140}), cvVoid)
	default:
		s.board(l, r, 5, 6.6, z, stone, cvBridge)
		for _, x := range []float64{s.left - 1.2, s.right + 1.2} {
			s.board(x-.5, x+.5, 0, 5, z, stone, cvBridge)
		}
		if s.chance(.5) {
			s.board(l*.7, r*.8, 6.6, 9.6, z, s.shade(s.pick(8, rgb{160, 40, 40}, rgb{40, 80, 140})), cvTrain)
		}
	}
}

// facades is what stands along one side, from far to near.
func (s *street) facades(side float64) {
	edge := s.right + s.kerb
	if side < 0 {
		edge = s.left - s.kerb
	}
	var zs []float64
	for z := s.between(1, 4); z < farthest; z += s.between(5, 12) {
		zs = append(zs, z)
	}
	zs = append(zs, farthest)
	for i := len(zs) - 2; i >= 0; i-- {
		z0, z1 := zs[i], zs[i+1]
		switch u := s.rng.Float64(); {
		case u < .58:
			s.house(edge, side, z0, z1)
		case u < .76:
			s.trees(edge, side, z0, z1)
		case u < .84:
			s.panel(edge, z0, z1, 0, s.between(1.2, 2.4), s.shade(s.pick(6, rgb{152, 132, 114}, rgb{140, 136, 130})), cvWall)
		case u < .92:
			s.railing(edge, z0, z1)
		default:
			s.panel(edge, z0, z1, 0, s.between(.8, 1.8), s.shade(rgb{84, 114, 60}), cvVegetationMisc)
		}
	}
}

// house is a facade with its end wall, windows, and perhaps a shop's sign.
func (s *street) house(x, side, z0, z1 float64) {
	col := s.shade(s.pick(6, rgb{150, 110, 92}, rgb{178, 162, 142}, rgb{124, 116, 112}, rgb{194, 184, 172}, rgb{142, 84, 76}))
	floors := 2 + s.rng.IntN(3)
	high := 3.1 * float64(floors)
	s.board(x, x+side*12, 0, high, z0, rgb{col[0] * .8, col[1] * .8, col[2] * .8}, cvBuilding)
	s.panel(x, z0, z1, 0, high, col, cvBuilding)
	pane := s.shade(rgb{58, 66, 80})
	bays := max(2, int((z1-z0)/2))
	for f := range floors {
		for b := range bays {
			a := z0 + (float64(b)+.25)*(z1-z0)/float64(bays)
			y := 3.1*float64(f) + 1
			s.panel(x, a, a+.5*(z1-z0)/float64(bays), y, y+1.4, pane, cvBuilding)
		}
	}
	if s.chance(.15) {
		s.panel(x, z0+.5, z1-.5, 2.6, 3.2, s.shade(s.pick(10, rgb{200, 60, 50}, rgb{40, 90, 150}, rgb{230, 200, 80})), cvMiscText)
	}
}

func (s *street) trees(x, side, z0, z1 float64) {
	z, trunk := (z0+z1)/2, s.between(1.6, 2.6)
	x += side * s.between(0, 1.5)
	s.board(x-.15, x+.15, 0, trunk+.5, max(z, nearest+.5), s.shade(rgb{80, 66, 52}), cvTree)
	for range 14 {
		green := s.shade(s.pick(9, rgb{66, 98, 48}, rgb{84, 112, 56}))
		s.ball(x+s.rng.NormFloat64()*.9, trunk+s.between(.4, 3.2), max(z, nearest+.5), s.between(.7, 1.3), s.between(.6, 1.1), green, cvTree)
	}
}

func (s *street) railing(x, z0, z1 float64) {
	col, high := s.shade(rgb{96, 92, 88}), s.between(1, 1.8)
	s.panel(x, z0, z1, 0, high, col, cvFence)
	for z := z0; z < z1; z += .5 {
		s.panel(x, z, z+.12, 0, high, rgb{col[0] * .6, col[1] * .6, col[2] * .6}, cvFence)
	}
}

// texture gives surfaces a grain: leaves much, stone some, sky almost none.
func (s *street) texture() {
	coarse, fine := s.noise(9, 4, .7), s.noise(60, 2, .8)
	for i, c := range s.class {
		amount := float32(30)
		switch c {
		case cvTree, cvVegetationMisc:
			amount = 78
		case cvSky:
			amount = 8
		}
		v := ((coarse[i]-.5)*.7 + (fine[i]-.5)*.6) * amount * s.light
		for k := range 3 {
			s.px[3*i+k] += v
		}
	}
}

// thing is something on the street.
type thing struct {
	x, z float64
	draw func(s *street, x, z float64)
}

// things are drawn from far to near.
func (s *street) things() {
	var all []thing
	add := func(most int, from, to float64, x func() float64, draws ...func(*street, float64, float64)) {
		for range s.rng.IntN(most + 1) {
			// Even in 1/z: a thing of any apparent size is as likely.
			z := 1 / s.between(1/to, 1/from)
			all = append(all, thing{x(), z, draws[s.rng.IntN(len(draws))]})
		}
	}
	lane := func() float64 {
		lanes := []float64{s.left + 1.3, (s.left + s.right) / 2 * 1.6, s.right - 1.2, s.right - .6}
		return lanes[s.rng.IntN(len(lanes))]
	}
	pavement := func() float64 {
		if s.chance(.5) {
			return s.left - s.kerb*s.between(.2, .8)
		}
		return s.right + s.kerb*s.between(.2, .8)
	}
	add(5, 7, 60, lane, drawCar, drawCar, drawCar, drawSUV, drawTruck)
	add(4, 6, 40, pavement, drawPedestrian, drawPedestrian, drawPedestrian, drawChild, drawPram, drawDog)
	add(2, 6, 30, lane, drawBicyclist, drawBicyclist, drawScooter, drawCart)
	add(4, 6, 45, pavement, drawSign, drawLights, drawPole)
	add(1, 6, 25, lane, drawCone)
	slices.SortFunc(all, func(a, b thing) int { return cmp.Compare(b.z, a.z) })
	for _, t := range all {
		t.draw(s, t.x, t.z)
	}
}

// vehicle is a box with a cabin, wheels and lights.
func (s *street) vehicle(x, z, wide, high, cabin float64, class uint8, col rgb) {
	s.board(x-wide/2, x+wide/2, .25, high*.6, z, col, class)
	lo, hi := s.at(x, high*.58, z).y, s.at(x, high, z).y
	k := s.focal / z
	u := s.at(x, 0, z).x
	s.polygon([]pt{{u - wide*.48*k, lo}, {u - wide*cabin*k, hi}, {u + wide*cabin*k, hi}, {u + wide*.48*k, lo}}, col, class)
	glass := s.shade(rgb{62, 74, 88})
	s.polygon([]pt{{u - wide*.4*k, lo}, {u - wide*(cabin-.05)*k, hi + .12*high*k}, {u + wide*(cabin-.05)*k, hi + .12*high*k}, {u + wide*.4*k, lo}}, glass, class)
	for _, side := range []float64{-1, 1} {
		s.board(x+side*wide*.38-.11, x+side*wide*.38+.11, 0, .5, z, s.shade(rgb{26, 26, 28}), class)
		s.board(x+side*wide*.42-.09, x+side*wide*.42+.09, high*.42, high*.52, z, s.shade(rgb{222, 44, 34}), class)
	}
}

func (s *street) paint() rgb {
	return s.shade(s.pick(12, rgb{168, 34, 34}, rgb{44, 64, 122}, rgb{192, 192, 196}, rgb{42, 42, 46}, rgb{64, 112, 74}))
}

func drawCar(s *street, x, z float64) { s.vehicle(x, z, 1.75, 1.45, .36, cvCar, s.paint()) }

func drawSUV(s *street, x, z float64) { s.vehicle(x, z, 1.95, 1.85, .42, cvSuvPickupTruck, s.paint()) }

func drawTruck(s *street, x, z float64) {
	s.vehicle(x, z, 2.4, s.between(2.6, 3.6), .48, cvTruckBus, s.paint())
}

// person is a body, legs and a head.
func (s *street) person(x, z, high float64, class uint8) {
	s.board(x-.1*high, x+.1*high, 0, high*.5, z, s.shade(s.pick(10, rgb{40, 44, 62}, rgb{70, 60, 52})), class)
	s.board(x-.14*high, x+.14*high, high*.45, high*.84, z, s.shade(rgb{float32(s.between(30, 210)), float32(s.between(30, 210)), float32(s.between(30, 210))}), class)
	s.ball(x, high*.92, z, .08*high, .09*high, s.shade(s.pick(8, rgb{206, 164, 134}, rgb{120, 84, 62})), class)
}

func drawPedestrian(s *street, x, z float64) { s.person(x, z, s.between(1.55, 1.9), cvPedestrian) }

func drawChild(s *street, x, z float64) { s.person(x, z, s.between(.95, 1.3), cvChild) }

func drawPram(s *street, x, z float64) {
	drawPedestrian(s, x, z)
	s.board(x+.25, x+.85, .3, .9, z, s.shade(rgb{50, 60, 110}), cvCartLuggagePram)
	s.ball(x+.35, .15, z, .13, .15, s.shade(rgb{30, 30, 30}), cvCartLuggagePram)
	s.ball(x+.75, .15, z, .13, .15, s.shade(rgb{30, 30, 30}), cvCartLuggagePram)
}

func drawDog(s *street, x, z float64) {
	col := s.shade(s.pick(10, rgb{120, 90, 60}, rgb{40, 38, 36}))
	s.board(x-.35, x+.35, .3, .6, z, col, cvAnimal)
	s.ball(x+.42, .66, z, .15, .15, col, cvAnimal)
	s.board(x-.33, x-.23, 0, .3, z, col, cvAnimal)
	s.board(x+.23, x+.33, 0, .3, z, col, cvAnimal)
}

// rider is a person on two wheels.
func (s *street) rider(x, z, wheel, apart float64, class uint8) {
	for _, side := range []float64{-1, 1} {
		s.ball(x+side*apart, wheel, z, wheel, wheel, s.shade(rgb{28, 28, 30}), class)
		s.ball(x+side*apart, wheel, z, wheel*.6, wheel*.6, s.shade(rgb{112, 110, 108}), class)
	}
	s.board(x-.13, x+.13, wheel, 1.45, z, s.shade(rgb{float32(s.between(60, 220)), float32(s.between(40, 180)), 60}), class)
	s.ball(x, 1.6, z, .13, .15, s.shade(s.pick(8, rgb{206, 164, 134}, rgb{230, 230, 230})), class)
}

func drawBicyclist(s *street, x, z float64) { s.rider(x, z, .34, .38, cvBicyclist) }

func drawScooter(s *street, x, z float64) {
	s.rider(x, z, .26, .36, cvMotorcycleScooter)
	s.board(x-.5, x+.5, .4, .75, z, s.paint(), cvMotorcycleScooter)
}

func drawCart(s *street, x, z float64) {
	s.board(x-.8, x+.8, .4, 1.5, z, s.shade(rgb{180, 150, 60}), cvOtherMoving)
	s.ball(x-.5, .3, z, .3, .3, s.shade(rgb{30, 30, 30}), cvOtherMoving)
	s.ball(x+.5, .3, z, .3, .3, s.shade(rgb{30, 30, 30}), cvOtherMoving)
}

// pole gives its height.
func (s *street) pole(x, z, high float64) {
	half := max(.06, .8*z/s.focal) // never thinner than a pixel or two
	s.board(x-half, x+half, 0, high, z, s.shade(rgb{92, 94, 96}), cvColumnPole)
}

func drawPole(s *street, x, z float64) { s.pole(x, z, s.between(5, 8)) }

func drawSign(s *street, x, z float64) {
	high := s.between(2.3, 3)
	s.pole(x, z, high)
	if s.chance(.5) {
		s.ball(x, high, z, .36, .36, s.shade(s.pick(8, rgb{200, 40, 40}, rgb{36, 84, 170})), cvSignSymbol)
		s.ball(x, high, z, .22, .22, s.shade(rgb{232, 232, 232}), cvSignSymbol)
		return
	}
	s.board(x-.5, x+.5, high-.35, high+.35, z, s.shade(s.pick(8, rgb{36, 84, 170}, rgb{30, 110, 70})), cvSignSymbol)
}

func drawLights(s *street, x, z float64) {
	high := s.between(3, 4)
	s.pole(x, z, high)
	s.board(x-.2, x+.2, high, high+1, z, s.shade(rgb{24, 24, 26}), cvTrafficLight)
	k := s.rng.IntN(3)
	lamp := []rgb{{232, 46, 36}, {240, 184, 44}, {44, 220, 122}}[k]
	s.ball(x, high+.82-.32*float64(k), z, .13, .13, lamp, cvTrafficLight)
}

func drawCone(s *street, x, z float64) {
	a, b, top := s.at(x-.22, 0, z), s.at(x+.22, 0, z), s.at(x, .75, z)
	s.polygon([]pt{a, b, {top.x + math.Abs(b.x-a.x)*.1, top.y}, {top.x - math.Abs(b.x-a.x)*.1, top.y}}, s.shade(rgb{236, 108, 40}), cvTrafficCone)
}

package vision

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
)

// Orders of execution: transforms of a list run by order, those of one order as the list has them.
const (
	orderPad      = -10
	orderCoord    = 4
	orderAffine   = 5
	orderLighting = 8
	orderPixel    = 10
	orderCutout   = 20
	orderCrop     = 99
)

// spec is a transform as its file tfm_*.go registers it.
type spec struct {
	name   string
	order  int
	params []param
	// build makes the operation of drawn values, which are in the order of params. Operations that need
	// more than these draw it from rng at once, so that x and y see the same.
	build func(v []float64, rng *rand.Rand) (op, error)
}

// param is a value of a transform; several of the same distribution are written once with count.
type param struct {
	name  string
	def   Dist
	count int // 0 means 1
}

// specs are the transforms by name; init functions of tfm_*.go fill it.
var specs = map[string]*spec{}

func register(s spec) *spec {
	specs[s.name] = &s
	return &s
}

// op is a transform with its values drawn. It is one of affineOp, coordOp, lightOp, pixelOp.
type op interface{}

// affineOp maps positions of the result, (x, y, 1) in [-1, 1], to those of the source.
type affineOp interface{ affine() matrix }

// coordOp moves positions of the result by more than an affine map: a projective one.
type coordOp interface {
	homography(h, w int) (matrix, error) // h, w: of the picture as it is, not of the result
}

// gridOp moves positions each in a way of its own.
type gridOp interface {
	move(grid []float64, h, w int)
}

// lightOp changes a pixel's logit to scale*logit + shift.
type lightOp interface{ light() (scale, shift float64) }

// pixelOp works on pixels after sampling.
type pixelOp interface {
	pixels(c *canvas) error
	points(p *pointSet) error
}

// Transform is a change of pictures with the distributions of its values and a probability. Make one by
// its constructor, such as Rotate; change it by P.
type Transform struct {
	spec *spec
	args []Dist // as the spec's params
	p    float64
	notY bool // left out for targets
	err  error
}

// TransformSetting is a further argument of a transform's constructor.
type TransformSetting interface{ applySetting(*Transform) }

type settingFunc func(*Transform)

func (f settingFunc) applySetting(t *Transform) { f(t) }

// P is the probability with which a transform is applied (default 1).
func P(p float64) TransformSetting {
	return settingFunc(func(t *Transform) {
		if !(p >= 0 && p <= 1) {
			t.fail("probability %g is not between 0 and 1", p)
		}
		t.p = p
	})
}

// UseOnY says whether a transform is applied to targets such as masks and points too (default true), where
// targets are transformed at all. (fastai's use_on_y)
func UseOnY(on bool) TransformSetting { return settingFunc(func(t *Transform) { t.notY = !on }) }

// RowPct is where a transform acts from the top (0) to the bottom (1).
func RowPct(d Dist) TransformSetting { return set("row_pct", d) }

// ColPct is where a transform acts from the left (0) to the right (1).
func ColPct(d Dist) TransformSetting { return set("col_pct", d) }

// DihedralK says which of the eight views Dihedral and DihedralAffine give: 0 to 7, 0 as it was.
func DihedralK(d Dist) TransformSetting { return set("k", d) }

func set(name string, d Dist) TransformSetting {
	return settingFunc(func(t *Transform) { t.set(name, d) })
}

func (t *Transform) set(name string, d Dist) {
	for k, p := range t.spec.params {
		if p.name == name {
			t.args[k] = d
			return
		}
	}
	t.fail("it has no %s", name)
}

func (t *Transform) fail(format string, a ...any) {
	if t.err == nil {
		t.err = fmt.Errorf("fastnb: transform %s: "+format, append([]any{t.spec.name}, a...)...)
	}
}

// newTransform fills in the defaults; given sets the first params.
func newTransform(s *spec, settings []TransformSetting, given ...Dist) Transform {
	t := Transform{spec: s, args: make([]Dist, len(s.params)), p: 1}
	for k, p := range s.params {
		t.args[k] = p.def
	}
	copy(t.args, given)
	for _, o := range settings {
		o.applySetting(&t)
	}
	for k, d := range t.args {
		if err := d.check(); err != nil {
			t.fail("%s: %w", s.params[k].name, err)
		}
	}
	return t
}

// Err is what is wrong with the transform's arguments, or nil.
func (t Transform) Err() error { return t.err }

// Name is the transform's name, as in "rotate".
func (t Transform) Name() string { return t.spec.name }

// String is the transform with its distributions.
func (t Transform) String() string {
	var s []string
	for k, p := range t.spec.params {
		s = append(s, p.name+": "+t.args[k].String())
	}
	if t.p != 1 {
		s = append(s, fmt.Sprintf("p: %g", t.p))
	}
	if t.notY {
		s = append(s, "not on y")
	}
	return t.spec.name + "(" + strings.Join(s, ", ") + ")"
}

// Drawn is a transform with its random values drawn; applied to a picture and to its target it does the
// same to both.
type Drawn struct {
	spec   *spec
	values []float64
	run    bool // false: the coin of P fell the other way
	notY   bool // left out for targets
	op     op
}

// draw draws values, and last the coin: the values too where the coin then says no, so that what later
// transforms draw does not depend on it.
func (t Transform) draw(rng *rand.Rand) (Drawn, error) {
	if t.err != nil {
		return Drawn{}, t.err
	}
	d := Drawn{spec: t.spec, notY: t.notY}
	for k, p := range t.spec.params {
		for range max(p.count, 1) {
			d.values = append(d.values, t.args[k].draw(rng))
		}
	}
	o, err := t.spec.build(d.values, rng)
	if err != nil {
		return Drawn{}, fmt.Errorf("transform %s: %w", t.spec.name, err)
	}
	d.op, d.run = o, rng.Float64() < t.p
	return d, nil
}

// String is the transform with its values.
func (d Drawn) String() string {
	var s []string
	k := 0
	for _, p := range d.spec.params {
		n := max(p.count, 1)
		v := d.values[k : k+n]
		k += n
		if n == 1 {
			s = append(s, fmt.Sprintf("%s: %.4g", p.name, v[0]))
		} else {
			s = append(s, fmt.Sprintf("%s: %.4g", p.name, v))
		}
	}
	return d.spec.name + "(" + strings.Join(s, ", ") + ")"
}

// forTargets are those of the drawn transforms that targets have too.
func forTargets(list []Drawn) []Drawn {
	return slices.DeleteFunc(slices.Clone(list), func(d Drawn) bool { return d.notY })
}

// drawAll draws a list in the order in which it will run.
func drawAll(list []Transform, rng *rand.Rand) ([]Drawn, error) {
	sorted := append([]Transform{}, list...)
	sort.SliceStable(sorted, func(a, b int) bool { return sorted[a].spec.order < sorted[b].spec.order })
	out := make([]Drawn, len(sorted))
	for k, t := range sorted {
		var err error
		if out[k], err = t.draw(rng); err != nil {
			return nil, err
		}
	}
	return out, nil
}

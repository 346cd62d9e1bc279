package datasets

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func init() {
	twins["planet"] = generator{items: 1000, h: planetSide, w: planetSide, fixed: true, draw: drawPlanet}
	twins["planet_sample"] = generator{items: 1000, h: planetSide, w: planetSide, fixed: true, draw: drawPlanetSample}
}

// planetPart is a folder of tiles: how its files are called, which tiles they are, how many.
type planetPart struct {
	folder, prefix string
	stream         uint64
	count          func(n int) int
}

const (
	planetSide = 256 // pixels, as the real tiles
	planetSeed = 1969
)

// rarePlanet are the tags of fewer than 3 % of the real tiles, and the part of the tiles without
// full cloud that carry each (counts of train_v2.csv, 40,479 tiles).
var rarePlanet = []struct {
	tag  string
	part float64
}{
	{"bare_ground", .0225},
	{"selective_logging", .0089},
	{"artisinal_mine", .0088},
	{"blooming", .0086},
	{"slash_burn", .0054},
	{"conventional_mine", .0026},
	{"blow_down", .0026},
}

// firstPlanet are the tags of the real set's first five tiles, so that the head of the twin's table
// reads as in the lesson.
var firstPlanet = []string{
	"haze primary", "agriculture clear primary water", "clear primary", "clear primary",
	"agriculture clear habitation primary road",
}

// drawPlanet draws training tiles have..n and their table, and test tiles in proportion.
func drawPlanet(ctx context.Context, dir string, o order) error {
	return drawTiles(ctx, dir, o, "train_v2.csv", []planetPart{
		{"train-jpg", "train_", 0, func(n int) int { return n }},
		{"test-jpg", "test_", 1 << 32, func(n int) int { return max(10, n/8) }},
		{"test-jpg-additional", "file_", 2 << 32, func(n int) int { return max(5, n/20) }},
	})
}

// drawPlanetSample draws the layout of the sample: train/, labels.csv, no test tiles.
func drawPlanetSample(ctx context.Context, dir string, o order) error {
	return drawTiles(ctx, dir, o, "labels.csv", []planetPart{{"train", "train_", 0, func(n int) int { return n }}})
}

// drawTiles draws folders of tiles and the table of the first one's tags.
func drawTiles(ctx context.Context, dir string, o order, table string, parts []planetPart) error {
	have, n := o.have, o.n
	todo := 0
	for _, p := range parts {
		todo += p.count(n)
	}
	bar := newCount("drawing planet tiles", todo)
	defer bar.done()
	var tags []string
	for _, p := range parts {
		folder := filepath.Join(dir, p.folder)
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		from := 0
		if have > 0 {
			from = p.count(have)
		}
		bar.add(int64(from))
		err := inParallel(ctx, from, p.count(n), func(i int) error {
			defer bar.add(1)
			pic, err := planetTile(p.stream, i)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s%d.jpg", p.prefix, i)), pic, 0o666)
		})
		if err != nil {
			return err
		}
	}
	for i := range n {
		c := newCanvas(1, planetSeed, uint64(i))
		tags = append(tags, fmt.Sprintf("train_%d,%s\n", i, strings.Join(planetTags(c, i), " ")))
	}
	return writeFile(filepath.Join(dir, table), []byte("image_name,tags\n"+strings.Join(tags, "")))
}

// planetTags draws the tags of tile i, sorted, with the real set's frequencies. Among the first
// tiles each rare tag comes twice, so that small twins have all 17.
func planetTags(c *canvas, i int) []string {
	if i < len(firstPlanet) {
		return strings.Fields(firstPlanet[i])
	}
	forced := ""
	if k := (i - len(firstPlanet)) / 5; i%5 == 0 && k < 2*len(rarePlanet) {
		forced = rarePlanet[k%len(rarePlanet)].tag
	}
	w := c.rng.Float64()
	weather := "clear"
	switch {
	case w < .0516 && forced == "":
		return []string{"cloudy"}
	case w < .0516+.0666:
		weather = "haze"
	case w < .0516+.0666+.1794:
		weather = "partly_cloudy"
	}
	tags := []string{weather}
	add := func(tag string, p float64) bool {
		ok := c.chance(p) || tag == forced
		if ok {
			tags = append(tags, tag)
		}
		return ok
	}
	p := func(when bool, yes, no float64) float64 {
		if when {
			return yes
		}
		return no
	}
	farm := add("agriculture", .321)
	road := add("road", p(farm, .50, .075))
	add("habitation", p(road, .42, .012))
	water := add("water", .193)
	add("cultivation", p(farm, .25, .06))
	for _, r := range rarePlanet {
		add(r.tag, r.part)
	}
	add("primary", p(farm || water, .95, .995))
	slices.Sort(tags)
	return tags
}

// planetTile draws tile i of a stream as a JPEG file.
func planetTile(stream uint64, i int) ([]byte, error) {
	c := newCanvas(planetSide, planetSeed, stream+uint64(i))
	number := i
	if stream != 0 {
		number = math.MaxInt32 // test tiles have nothing forced
	}
	has := map[string]bool{}
	for _, t := range planetTags(c, number) {
		has[t] = true
	}
	c.rng = newCanvas(1, planetSeed+1, stream+uint64(i)).rng // the drawing does not hang on how tags were drawn
	if has["cloudy"] {
		c.overcast()
		return c.jpeg(88, 4)
	}
	c.land(has["primary"])
	paint := []struct {
		tag  string
		draw func()
	}{
		{"blooming", c.blooming},
		{"blow_down", c.blowDown},
		{"cultivation", c.cultivation},
		{"agriculture", c.agriculture},
		{"slash_burn", c.slashBurn},
		{"bare_ground", c.bareGround},
		{"water", c.water},
		{"selective_logging", c.logging},
		{"artisinal_mine", c.artisanalMine},
		{"conventional_mine", c.conventionalMine},
	}
	for _, p := range paint {
		if has[p.tag] {
			p.draw()
		}
	}
	c.settlement(has["road"], has["habitation"])
	switch {
	case has["haze"]:
		c.haze()
	case has["partly_cloudy"]:
		c.clouds()
	}
	return c.jpeg(88, 4)
}

// land is the ground: rain forest, or grass where the forest is gone.
func (c *canvas) land(forest bool) {
	base, canopy := c.pick(4, rgb{40, 66, 48}), rgb{40, 46, 36}
	if !forest {
		base, canopy = c.pick(6, rgb{104, 116, 74}, rgb{120, 120, 84}), rgb{16, 18, 12}
	}
	crowns, hills := c.noise(32, 3, .75), c.noise(3, 3, .5)
	for i := range crowns {
		for k := range 3 {
			c.px[3*i+k] = base[k] + (crowns[i]-.5)*canopy[k] + (hills[i]-.5)*16
		}
	}
}

// field is what lies nearer to (x, y) than to any other field's middle.
type field struct {
	x, y, near  float32
	col         rgb
	fx, fy, amp float32 // furrows: direction and strength
	on          bool    // else forest
}

// fieldAt is the field at a place, and whether its hedge runs there.
func fieldAt(fields []field, x, y float32) (f *field, hedge bool) {
	first, second, at := float32(math.MaxFloat32), float32(math.MaxFloat32), 0
	for i := range fields {
		dx, dy := x-fields[i].x, y-fields[i].y
		if d := dx*dx + dy*dy; d < first {
			first, second, at = d, first, i
		} else if d < second {
			second = d
		}
	}
	return &fields[at], second-first < 2*float32(math.Sqrt(float64(second)))
}

// agriculture is a patchwork of fields with furrows, along one side.
func (c *canvas) agriculture() {
	k := 8 + c.rng.IntN(16)
	n := float32(c.n)
	cx, cy := c.rng.Float32()*n, c.rng.Float32()*n
	fields := make([]field, k)
	for i := range fields {
		f := &fields[i]
		f.x, f.y = c.rng.Float32()*n, c.rng.Float32()*n
		f.near = (f.x-cx)*(f.x-cx) + (f.y-cy)*(f.y-cy)
		f.col = c.pick(7, rgb{118, 134, 82}, rgb{156, 142, 104}, rgb{104, 126, 74}, rgb{172, 152, 124}, rgb{138, 150, 92})
		sin, cos := math.Sincos(c.between(0, math.Pi))
		w := c.between(.5, 1.2)
		f.fx, f.fy, f.amp = float32(sin*w), float32(cos*w), float32(c.between(.02, .06))
	}
	slices.SortFunc(fields, func(a, b field) int { return int(a.near - b.near) })
	for i := range max(2, k/3+c.rng.IntN(k/3+1)) {
		fields[i].on = true
	}
	for y := range c.n {
		for x := range c.n {
			f, edge := fieldAt(fields, float32(x), float32(y))
			if !f.on {
				continue
			}
			furrow := 1 + f.amp*float32(math.Sin(float64(float32(x)*f.fx+float32(y)*f.fy)))
			for q := range 3 {
				v := f.col[q] * furrow
				if edge {
					v *= .8
				}
				c.px[3*(y*c.n+x)+q] = v
			}
		}
	}
}

// cultivation is small clearings of shifting growers.
func (c *canvas) cultivation() {
	m := times(over(c.noise(14, 3, .6), .56, 30, .85), c.blob(.42, 5))
	c.mix(m, c.pick(5, rgb{132, 142, 84}, rgb{150, 146, 96}))
}

// water is a river, or sometimes a lake, with sand at its shores.
func (c *canvas) water() {
	col := c.pick(5, rgb{128, 106, 80}, rgb{52, 70, 78}, rgb{40, 56, 72})
	if c.chance(.2) {
		c.mix(c.blob(c.between(.2, .35), 4), col)
		return
	}
	half := c.between(4, 24)
	xs, ys := c.curve(.25)
	bank := times(c.stroke(xs, ys, half*1.3), over(c.noise(6, 2, .5), .55, 10, .85))
	c.mix(bank, rgb{198, 184, 158})
	c.mix(c.stroke(xs, ys, half), col)
}

// settlement is roads, and roofs along them or in the open.
func (c *canvas) settlement(road, houses bool) {
	var xs, ys []float64
	if road {
		for range 1 + c.rng.IntN(2) {
			xs, ys = c.curve(.05)
			c.mix(c.stroke(xs, ys, c.between(1.2, 2)), c.pick(8, rgb{194, 172, 142}, rgb{180, 160, 136}))
		}
	}
	if !houses {
		return
	}
	x, y := c.between(.25, .75)*float64(c.n), c.between(.25, .75)*float64(c.n)
	if road {
		at := len(xs)/3 + c.rng.IntN(len(xs)/3)
		x, y = xs[at], ys[at]
	}
	for range 30 + c.rng.IntN(60) {
		w, h := 2+c.rng.IntN(4), 2+c.rng.IntN(4)
		c.rect(int(x+c.rng.NormFloat64()*20), int(y+c.rng.NormFloat64()*20), w, h,
			c.pick(8, rgb{210, 206, 202}, rgb{184, 124, 102}, rgb{164, 166, 174}))
	}
}

func (c *canvas) bareGround() {
	c.mix(over(c.blob(c.between(.25, .4), 4), 0, 1, .92), c.pick(6, rgb{182, 164, 138}, rgb{196, 176, 150}))
}

// slashBurn is a burnt field: dark, with ash.
func (c *canvas) slashBurn() {
	b := c.blob(c.between(.25, .38), 3)
	c.mix(over(b, 0, 1, .9), c.pick(4, rgb{54, 44, 44}, rgb{66, 50, 46}))
	c.mix(times(b, over(c.noise(20, 2, .6), .58, 20, .6)), rgb{134, 122, 116})
}

// blowDown is trees thrown down by a storm: pale parallel streaks.
func (c *canvas) blowDown() {
	b, wave := c.blob(.38, 3), c.noise(5, 2, .5)
	sin, cos := math.Sincos(c.between(0, math.Pi))
	for y := range c.n {
		for x := range c.n {
			i := y*c.n + x
			s := math.Sin((float64(x)*cos+float64(y)*sin)*.35 + 5*float64(wave[i]))
			b[i] *= clamp01(float32(s)*2-.3) * .75
		}
	}
	c.mix(b, rgb{142, 138, 104})
}

// logging is winding tracks with small clearings beside them.
func (c *canvas) logging() {
	for range 3 {
		xs, ys := c.curve(.15)
		c.mix(c.stroke(xs, ys, 1.1), rgb{158, 132, 102})
		for range 8 {
			at := c.rng.IntN(len(xs))
			side := 3 + c.rng.IntN(5)
			c.rect(int(xs[at]+c.rng.NormFloat64()*6), int(ys[at]+c.rng.NormFloat64()*6), side, side, c.pick(6, rgb{150, 128, 98}))
		}
	}
}

// blooming is single trees in flower: bright dots in the canopy.
func (c *canvas) blooming() {
	for range 220 {
		r := 2 + c.rng.IntN(3)
		c.rect(c.rng.IntN(c.n), c.rng.IntN(c.n), r, r, c.pick(8, rgb{206, 194, 92}, rgb{214, 206, 132}))
	}
}

// artisanalMine is a stream bed dug over: bright sand with turquoise ponds.
func (c *canvas) artisanalMine() {
	xs, ys := c.curve(.2)
	bed := times(c.stroke(xs, ys, c.between(20, 34)), over(c.noise(10, 3, .6), .38, 14, .95))
	c.mix(bed, c.pick(5, rgb{212, 196, 166}))
	c.mix(times(bed, over(c.noise(18, 2, .5), .55, 20, .95)), rgb{104, 158, 148})
}

// conventionalMine is a pit in terraces.
func (c *canvas) conventionalMine() {
	r := c.between(.18, .3) * float64(c.n)
	x0, y0 := c.between(.35, .65)*float64(c.n), c.between(.35, .65)*float64(c.n)
	wave := c.noise(4, 2, .5)
	col := c.pick(6, rgb{178, 148, 124}, rgb{166, 128, 104})
	m, steps := make([]float32, c.n*c.n), make([]float32, c.n*c.n)
	for y := range c.n {
		for x := range c.n {
			i := y*c.n + x
			d := math.Hypot(float64(x)-x0, (float64(y)-y0)*1.3) + 24*float64(wave[i]-.5)
			m[i] = clamp01(float32(r - d))
			if m[i] > 0 && math.Mod(d, 9) < 3 {
				steps[i] = -.28
			}
		}
	}
	c.mix(m, col)
	c.shade(steps)
}

// haze is a veil that takes the contrast away.
func (c *canvas) haze() {
	veil := c.noise(2, 3, .5)
	thick := float32(c.between(.42, .6))
	for i := range veil {
		veil[i] = thick + (veil[i]-.5)*.2
	}
	c.mix(veil, rgb{178, 186, 188})
}

// clouds are white heaps with shadows on the ground.
func (c *canvas) clouds() {
	f := c.noise(4, 5, .55)
	sorted := slices.Clone(f)
	slices.Sort(sorted)
	t := sorted[int(c.between(.7, .92)*float64(len(sorted)))]
	m := over(f, t, 14, 1)
	shadow := make([]float32, len(m))
	const dx, dy = 10, 9
	for y := dy; y < c.n; y++ {
		for x := dx; x < c.n; x++ {
			shadow[y*c.n+x] = -.45 * m[(y-dy)*c.n+x-dx]
		}
	}
	c.shade(shadow)
	c.mix(m, rgb{238, 240, 243})
}

// overcast hides the ground.
func (c *canvas) overcast() {
	c.land(true)
	f := c.noise(3, 5, .55)
	base := c.pick(6, rgb{196, 201, 206}, rgb{216, 219, 222})
	for i, v := range f {
		for k := range 3 {
			c.px[3*i+k] = c.px[3*i+k]*.1 + (base[k]+(v-.5)*90)*.9
		}
	}
}

package plotting

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/vector"
)

// Tile is one picture of a grid.
type Tile struct {
	Image      image.Image
	Title      string       // above the picture; lines are broken where it is too wide
	TitleColor string       // "#rrggbb"; default near black
	Overlay    image.Image  // stretched over the picture with its own transparency, such as a mask
	Smooth     bool         // interpolate the overlay (heat maps); default keeps hard edges (masks)
	Dots       [][2]float64 // (x, y) in pixels of Image, marked by small discs
}

// GridOpts says how a grid of pictures is laid out.
type GridOpts struct {
	Rows, Cols int     // default: as square as the number of tiles allows
	W, H       float64 // inches of the whole grid; default 3 per column and row
	Suptitle   string  // above everything
}

func (o *GridOpts) defaults(n int) {
	switch {
	case o.Rows <= 0 && o.Cols <= 0:
		o.Cols = max(1, int(math.Ceil(math.Sqrt(float64(n)))))
		o.Rows = max(1, (n+o.Cols-1)/o.Cols)
	case o.Rows <= 0:
		o.Rows = max(1, (n+o.Cols-1)/o.Cols)
	case o.Cols <= 0:
		o.Cols = max(1, (n+o.Rows-1)/o.Rows)
	}
	if o.W <= 0 {
		o.W = 3 * float64(o.Cols)
	}
	if o.H <= 0 {
		o.H = 3 * float64(o.Rows)
	}
}

// Sizes of a grid's text and gaps, in nominal pixels.
const (
	titleSize    = 11.0
	suptitleSize = 14.0
	lineFactor   = 1.25 // line height over font size
	gap          = 4.0  // around a picture
	maxTitle     = 3    // lines
	dotRadius    = 3.5
)

// Grid draws pictures in rows, without axes, each in its proportions; tiles beyond Rows x Cols are
// left out, and places without a tile stay empty. A tile without a picture is an error, reported by
// the figure's Err.
func Grid(tiles []Tile, o GridOpts) *Figure {
	o.defaults(len(tiles))
	if n := o.Rows * o.Cols; n < len(tiles) {
		tiles = tiles[:n]
	}
	for i, t := range tiles {
		if t.Image == nil || t.Image.Bounds().Empty() {
			return failed(fmt.Errorf("fastnb: picture grid: tile %d %q: %w", i, t.Title, errNoPicture))
		}
	}
	w, h := pixels(o.W, o.H)
	g := gridDrawer{scale: density(w, h), GridOpts: o}
	g.dst = image.NewRGBA(image.Rect(0, 0, g.px(float64(w)), g.px(float64(h))))
	draw.Draw(g.dst, g.dst.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	g.draw(tiles)
	return &Figure{img: g.dst, w: w, h: h, photo: true, text: fmt.Sprintf("Figure: %d pictures in %d rows of %d, %dx%d", len(tiles), o.Rows, o.Cols, w, h)}
}

var errNoPicture = errors.New("there is no picture")

type gridDrawer struct {
	GridOpts
	dst   *image.RGBA
	scale float64
	title xfont.Face
}

// px turns nominal pixels into drawn ones.
func (g *gridDrawer) px(x float64) int { return int(math.Round(x * g.scale)) }

func (g *gridDrawer) draw(tiles []Tile) {
	g.title = face(titleSize * g.scale)
	top := 0
	if g.Suptitle != "" {
		f := face(suptitleSize * g.scale)
		for _, l := range wrap(f, g.Suptitle, g.dst.Bounds().Dx(), 2) {
			top += g.px(suptitleSize * lineFactor)
			drawText(g.dst, f, l, (g.dst.Bounds().Dx()-textWidth(f, l))/2, top, ink)
		}
		top += g.px(gap)
	}
	cw, ch := float64(g.dst.Bounds().Dx())/float64(g.Cols), float64(g.dst.Bounds().Dy()-top)/float64(g.Rows)
	for r := range g.Rows {
		row := tiles[min(len(tiles), r*g.Cols):min(len(tiles), (r+1)*g.Cols)]
		titles := make([][]string, len(row))
		lines := 0
		for c, t := range row {
			if t.Title != "" {
				titles[c] = wrap(g.title, t.Title, int(cw)-2*g.px(gap), maxTitle)
				lines = max(lines, len(titles[c]))
			}
		}
		band := g.px(float64(lines) * titleSize * lineFactor)
		for c, t := range row {
			cell := image.Rect(int(float64(c)*cw), top+int(float64(r)*ch), int(float64(c+1)*cw), top+int(float64(r+1)*ch))
			g.cell(t, titles[c], cell, band)
		}
	}
}

// cell draws one tile: its title at the foot of the band above the picture, the picture centred in
// the rest.
func (g *gridDrawer) cell(t Tile, title []string, r image.Rectangle, band int) {
	pad := g.px(gap)
	room := image.Rect(r.Min.X+pad, r.Min.Y+pad+band, r.Max.X-pad, r.Max.Y-pad)
	b := t.Image.Bounds()
	k := min(float64(room.Dx())/float64(b.Dx()), float64(room.Dy())/float64(b.Dy()))
	w, h := int(math.Round(k*float64(b.Dx()))), int(math.Round(k*float64(b.Dy())))
	if w < 1 || h < 1 {
		return
	}
	at := image.Pt(room.Min.X+(room.Dx()-w)/2, room.Min.Y+(room.Dy()-h)/2)
	pic := image.Rectangle{at, at.Add(image.Pt(w, h))}
	draw.CatmullRom.Scale(g.dst, pic, t.Image, b, draw.Over, nil)
	if t.Overlay != nil {
		var s draw.Scaler = draw.NearestNeighbor
		if t.Smooth {
			s = draw.BiLinear
		}
		s.Scale(g.dst, pic, t.Overlay, t.Overlay.Bounds(), draw.Over, nil)
	}
	for _, d := range t.Dots {
		x := float64(pic.Min.X) + (d[0]-float64(b.Min.X)+.5)*k
		y := float64(pic.Min.Y) + (d[1]-float64(b.Min.Y)+.5)*k
		g.dot(pic, x, y)
	}
	y := pic.Min.Y - g.px(titleSize*.35)
	for i := len(title) - 1; i >= 0; i-- {
		x := r.Min.X + (r.Dx()-textWidth(g.title, title[i]))/2
		drawText(g.dst, g.title, title[i], x, y, hexColor(t.TitleColor, ink))
		y -= g.px(titleSize * lineFactor)
	}
}

// dot marks a point by a red disc with a white rim, so that it is seen on any ground. Points outside
// the picture are not drawn.
func (g *gridDrawer) dot(pic image.Rectangle, x, y float64) {
	if math.IsNaN(x) || math.IsNaN(y) || !image.Pt(int(math.Floor(x)), int(math.Floor(y))).In(pic) {
		return
	}
	disc(g.dst, x, y, (dotRadius+1)*g.scale, color.RGBA{0xff, 0xff, 0xff, 0xff})
	disc(g.dst, x, y, dotRadius*g.scale, color.RGBA{0xd6, 0x27, 0x28, 0xff})
}

// disc fills a circle, anti-aliased.
func disc(dst *image.RGBA, x, y, r float64, c color.Color) {
	box := image.Rect(int(x-r)-1, int(y-r)-1, int(x+r)+2, int(y+r)+2)
	ras := vector.NewRasterizer(box.Dx(), box.Dy())
	ox, oy := x-float64(box.Min.X), y-float64(box.Min.Y)
	const sides = 24
	for i := range sides {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / sides)
		px, py := float32(ox+r*cos), float32(oy+r*sin)
		if i == 0 {
			ras.MoveTo(px, py)
		} else {
			ras.LineTo(px, py)
		}
	}
	ras.ClosePath()
	ras.Draw(dst, box, image.NewUniform(c), image.Point{})
}

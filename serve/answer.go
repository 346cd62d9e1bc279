package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"net/http"
	"sort"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/vision"
)

// answer is what a model says about one input, as JSON.
type answer struct {
	// Result is the lesson's: the class, or the labels above the threshold joined with ";".
	Result string        `json:"result"`
	Name   string        `json:"name,omitempty"` // of the file
	Probs  []probability `json:"probabilities,omitempty"`
	Labels []string      `json:"labels,omitempty"` // of models with several labels an item
	Values []float64     `json:"values,omitempty"`
	Points []point       `json:"points,omitempty"` // in pixels of the picture as the model sees it
	Mask   string        `json:"mask,omitempty"`   // a PNG as data URL: the colour table's number is the class
	Parts  []part        `json:"parts,omitempty"`  // of a mask
	Size   []int         `json:"size,omitempty"`   // height and width of the picture as the model sees it
	Seen   string        `json:"seen,omitempty"`   // that picture as data URL, if asked for
	Words  []word        `json:"words,omitempty"`  // of a text, if asked for
}

// extras are what an answer has only if asked for: ?seen=1, ?words=1.
type extras struct{ seen, words bool }

func extrasOf(r *http.Request) extras {
	q := r.URL.Query()
	return extras{q.Get("seen") == "1", q.Get("words") == "1"}
}

type probability struct {
	Class string  `json:"class"`
	P     float64 `json:"p"`
}

type point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// part is a class of a mask: which part of the pixels has it, and its colour in the mask's picture.
type part struct {
	Class string  `json:"class"`
	Part  float64 `json:"part"`
	Color string  `json:"color"`
}

// open makes an item of an input.
func (s *Server) open(m *fastnb.Model, in input) (data.Item, error) {
	kind := m.Data().Kind()
	if in.text != nil {
		k, ok := kind.(data.TextOpener)
		if !ok {
			return nil, fail(http.StatusBadRequest, "this model takes pictures, not texts (try a part named file)")
		}
		x, err := k.OpenText(*in.text)
		if err != nil {
			return nil, fail(http.StatusBadRequest, "the text cannot be read: "+err.Error())
		}
		return x, nil
	}
	k, ok := kind.(data.BytesOpener)
	if !ok {
		return nil, fail(http.StatusBadRequest, "this model takes texts, not files (try a part named text)")
	}
	if len(in.file) == 0 {
		return nil, fail(http.StatusBadRequest, "the file is empty")
	}
	size, err := vision.SizeOfPicture(in.file)
	switch {
	case err != nil:
		return nil, fail(http.StatusUnprocessableEntity, "the picture cannot be read: "+err.Error())
	case size.H*size.W > s.cfg.MaxPixels:
		return nil, fail(http.StatusRequestEntityTooLarge, fmt.Sprintf("the picture has %dx%d pixels, more than this server takes", size.H, size.W))
	}
	x, err := k.OpenBytes(in.file)
	if err != nil {
		return nil, fail(http.StatusUnprocessableEntity, "the picture cannot be read: "+err.Error())
	}
	return x, nil
}

// answers asks the model about all inputs at once.
func (s *Server) answers(ctx context.Context, m *fastnb.Model, ins []input, with extras) ([]answer, error) {
	if m.Data().LabelKind().Name() == "lm" {
		return goneOn(ctx, m, ins)
	}
	items := make([]any, len(ins))
	for i, in := range ins {
		x, err := s.open(m, in)
		if err != nil {
			return nil, err
		}
		items[i] = x
	}
	ps, err := m.Predict(ctx, items...)
	if err != nil {
		return nil, late(err)
	}
	out := make([]answer, len(ps))
	for i, p := range ps {
		if out[i], err = answerOf(m, p); err != nil {
			return nil, err
		}
		out[i].Name = ins[i].name
		if err := out[i].picture(m, items[i].(data.Item), with.seen); err != nil {
			return nil, err
		}
		if with.words && ins[i].text != nil && p.Index >= 0 {
			if out[i].Words, err = weigh(ctx, m, *ins[i].text, p.Index); err != nil {
				return nil, late(err)
			}
		}
	}
	return out, nil
}

// answerOf reads a prediction.
func answerOf(m *fastnb.Model, p fastnb.Prediction) (answer, error) {
	if !p.IsNumber() {
		return answer{}, fail(http.StatusInternalServerError, "the model's answer is no number: its weights are of a training that went wrong (try exporting it again from a good checkpoint)")
	}
	a := answer{Result: p.Class}
	classes := m.Data().Classes
	switch {
	case len(p.Output.Shape()) == 3: // a class for each pixel
		return a, a.mask(p, classes)
	case p.Classes != nil:
		for k, v := range p.Probs {
			if k < len(classes) {
				a.Probs = append(a.Probs, probability{classes[k], v})
			}
		}
		sort.SliceStable(a.Probs, func(i, j int) bool { return a.Probs[i].P > a.Probs[j].P })
		if p.Index < 0 {
			a.Labels = p.Classes
		}
	default:
		a.Values = append(a.Values, p.Probs...)
	}
	return a, nil
}

// mask draws the class of each pixel.
func (a *answer) mask(p fastnb.Prediction, classes []string) error {
	best := p.Output.ArgMax(0) // [C, H, W] to [H, W]
	if err := best.Err(); err != nil {
		return err
	}
	sh := best.Shape()
	if len(sh) != 2 || len(classes) > 256 {
		return fmt.Errorf("a mask of shape %v with %d classes", sh, len(classes))
	}
	palette := make(color.Palette, max(len(classes), 1))
	for k := range palette {
		palette[k] = hue(k)
	}
	m := image.NewPaletted(image.Rect(0, 0, sh[1], sh[0]), palette)
	count := make([]int, len(palette))
	for i, c := range best.Int64s() {
		m.Pix[i] = uint8(c)
		count[c]++
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return err
	}
	a.Mask, a.Size, a.Result = "data:image/png;base64,"+base64.StdEncoding.EncodeToString(b.Bytes()), sh, ""
	for k, n := range count {
		if n > 0 {
			c := palette[k].(color.RGBA)
			a.Parts = append(a.Parts, part{classes[k], float64(n) / float64(len(m.Pix)), fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)})
		}
	}
	sort.SliceStable(a.Parts, func(i, j int) bool { return a.Parts[i].Part > a.Parts[j].Part })
	if len(a.Parts) > 0 {
		a.Result = a.Parts[0].Class
	}
	return nil
}

// hue is a colour for class k: each a golden angle further round the circle, so that neighbours differ.
func hue(k int) color.RGBA {
	h := math.Mod(float64(k)*0.61803398875, 1) * 6
	at := func(shift float64) uint8 {
		x := math.Mod(h+shift, 6)
		v := math.Max(0, math.Min(1, math.Min(x, 4-x)))
		return uint8(55 + 200*v)
	}
	return color.RGBA{at(2), at(0), at(4), 255}
}

// picture adds what is told in pixels of the picture as the model sees it.
func (a *answer) picture(m *fastnb.Model, x data.Item, seen bool) error {
	if _, ok := x.(*vision.Image); !ok {
		return nil
	}
	pts := a.Values != nil && m.Data().LabelKind().Name() == vision.PointsKind().Name()
	if !seen && !pts {
		return nil
	}
	y, err := m.Data().PrepareItem(x)
	if err != nil {
		return err
	}
	img, ok := y.(*vision.Image)
	if !ok {
		return nil
	}
	h, w := img.Height(), img.Width()
	a.Size = []int{h, w}
	if pts { // each is y and x from -1 to 1
		for i := 0; i+1 < len(a.Values); i += 2 {
			a.Points = append(a.Points, point{(a.Values[i+1] + 1) / 2 * float64(w), (a.Values[i] + 1) / 2 * float64(h)})
		}
		a.Values = nil
	}
	if seen {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img.Picture(), &jpeg.Options{Quality: 88}); err != nil {
			return err
		}
		a.Seen = "data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
	}
	return nil
}

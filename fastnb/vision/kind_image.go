package vision

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// imageKind opens, shows and collates pictures for package data.
type imageKind struct {
	EXIF bool `json:"exif,omitempty"` // pictures are turned as their EXIF data says
}

var errNotPictures = errors.New("option UseEXIF: the items are no pictures (try it with ImageListFromFolder and the like)")

// ImageKind is the kind of items that are pictures, for lists made by package data's constructors.
func ImageKind() data.Kind { return imageKind{} }

func init() {
	data.RegisterKind("image", func(state json.RawMessage) (data.Kind, error) {
		var k imageKind
		if len(state) == 0 {
			return k, nil
		}
		err := json.Unmarshal(state, &k)
		return k, err
	})
}

// State is how pictures are opened.
func (k imageKind) State() (json.RawMessage, error) { return json.Marshal(k) }

func (imageKind) Name() string { return "image" }

// Extensions are the file endings of pictures.
func (imageKind) Extensions() []string {
	return []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}
}

// Open keeps a failed *Image from becoming a non-nil Item.
func (k imageKind) Open(ref string) (data.Item, error) {
	x, err := k.open(ref)
	if err != nil {
		return nil, err
	}
	return x, nil
}

// DefaultAugmenter resizes and crops to the centre.
func (imageKind) DefaultAugmenter() data.Augmenter {
	return NewTransforms([]Transform{CropPad()}, []Transform{CropPad()})
}

// pair is a target with the prediction of it, as ShowResults passes them.
type pair interface {
	Pair() (truth, predicted data.Item)
}

// Show lays pictures out as show_batch does, targets drawn on them or as titles. Where targets are drawn
// and come with predictions, each picture stands twice in a row: truth and prediction.
func (imageKind) Show(xs, ys []data.Item, c data.ShowConfig) *plotting.Figure {
	if len(ys) > 0 {
		if p, ok := ys[0].(pair); ok {
			if truth, _ := p.Pair(); isOverlay(truth) {
				return showPairs(xs, ys, c)
			}
		}
	}
	tiles := make([]plotting.Tile, len(xs))
	for k := range xs {
		x, ok := xs[k].(*Image)
		if !ok {
			return plotting.TextFigure(fmt.Sprintf("item %d is no picture: %T", k, xs[k]))
		}
		one := c
		one.Title = ""
		tiles[k] = x.tile(ys[k], one)
	}
	return data.ShowTiles(tiles, c)
}

func isOverlay(y data.Item) bool { _, ok := y.(overlayer); return ok }

// showPairs shows as many rows as c says.
func showPairs(xs, ys []data.Item, c data.ShowConfig) *plotting.Figure {
	n := len(xs)
	if c.Rows > 0 {
		n = min(n, c.Rows)
	}
	var tiles []plotting.Tile
	for k := range n {
		x, ok := xs[k].(*Image)
		p, paired := ys[k].(pair)
		if !ok || !paired {
			return plotting.TextFigure(fmt.Sprintf("item %d is no picture with a prediction: %T, %T", k, xs[k], ys[k]))
		}
		one := c
		one.Title = ""
		truth, predicted := p.Pair()
		tiles = append(tiles, x.tile(truth, one), x.tile(predicted, one))
	}
	const inches = 4 // a tile, fastai's imgsize
	w, h := c.W, c.H
	if w == 0 || h == 0 {
		w, h = 2*inches, float64(inches*n)
	}
	return plotting.Grid(tiles, plotting.GridOpts{Rows: n, Cols: 2, W: w, H: h, Suptitle: "Ground truth/Predictions"})
}

// CollateBytes copies pictures of one size that are still bytes into uint8 [N, 3, H, W]; nil where there is
// another.
func (imageKind) CollateBytes(items []data.Item) *tensor.Tensor {
	var out []uint8
	var first *planes
	for k, it := range items {
		x, ok := it.(*Image)
		if !ok || x.px.u == nil || first != nil && (x.px.h != first.h || x.px.w != first.w) {
			return nil
		}
		n := len(x.px.u)
		if first == nil {
			first, out = x.px, pooled[uint8](&byteBatches, len(items)*n)
		}
		copy(out[k*n:(k+1)*n], x.px.u)
	}
	if first == nil {
		return nil
	}
	return tensor.FromUint8(out, len(items), first.c, first.h, first.w)
}

// floatBatches and byteBatches hold memory of batches that are done with.
var floatBatches, byteBatches sync.Pool

// pooled is memory of n numbers, whose values are arbitrary.
func pooled[T float32 | uint8](from *sync.Pool, n int) []T {
	if p, ok := from.Get().(*[]T); ok && cap(*p) >= n {
		return (*p)[:n]
	}
	return make([]T, n)
}

// RecycleBatch keeps the memory of a batch's pictures for another.
func (imageKind) RecycleBatch(x []*tensor.Tensor) {
	for _, t := range x {
		switch t.DType() {
		case tensor.Float32:
			f := t.Float32s()
			floatBatches.Put(&f)
		case tensor.Uint8:
			u := t.Uint8s()
			byteBatches.Put(&u)
		}
	}
}

// Collate copies pictures of one size into float32 [N, 3, H, W].
func (imageKind) Collate(items []data.Item) ([]*tensor.Tensor, error) {
	var out []float32
	var first *planes
	for k, it := range items {
		x, ok := it.(*Image)
		if !ok {
			return nil, fmt.Errorf("item %d is no picture: %T", k, it)
		}
		if first == nil {
			first = x.px
			out = pooled[float32](&floatBatches, len(items)*first.c*first.h*first.w)
		}
		if x.px.h != first.h || x.px.w != first.w {
			return nil, fmt.Errorf("item %d of the batch is %s, the first [%d, %d, %d] (try Size)", k, x, first.c, first.h, first.w)
		}
		n := first.c * first.h * first.w
		x.px.floats(out[k*n : (k+1)*n])
	}
	return []*tensor.Tensor{tensor.FromFloat32(out, len(items), first.c, first.h, first.w)}, nil
}

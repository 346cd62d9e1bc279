package vision

import (
	"encoding/json"
	"fmt"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// imageKind opens, shows and collates pictures for package data.
type imageKind struct{}

// ImageKind is the kind of items that are pictures, for lists made by package data's constructors.
func ImageKind() data.Kind { return imageKind{} }

func init() {
	data.RegisterKind("image", func(json.RawMessage) (data.Kind, error) { return imageKind{}, nil })
}

func (imageKind) Name() string { return "image" }

// Extensions are the file endings of pictures.
func (imageKind) Extensions() []string {
	return []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}
}

func (imageKind) Open(ref string) (data.Item, error) { return openItemImage(ref) }

// openItemImage keeps a failed *Image from becoming a non-nil Item.
func openItemImage(ref string) (data.Item, error) {
	x, err := openImage(ref)
	if err != nil {
		return nil, err
	}
	return x, nil
}

// DefaultAugmenter resizes and crops to the centre.
func (imageKind) DefaultAugmenter() data.Augmenter {
	return NewTransforms([]Transform{CropPad()}, []Transform{CropPad()})
}

// Show lays pictures out as show_batch does, targets drawn on them or as titles.
func (imageKind) Show(xs, ys []data.Item, c data.ShowConfig) *plotting.Figure {
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
			out = make([]float32, len(items)*first.c*first.h*first.w)
		}
		if x.px.h != first.h || x.px.w != first.w {
			return nil, fmt.Errorf("item %d of the batch is %s, the first [%d, %d, %d] (try Size)", k, x, first.c, first.h, first.w)
		}
		n := first.c * first.h * first.w
		x.px.floats(out[k*n : (k+1)*n])
	}
	return []*tensor.Tensor{tensor.FromFloat32(out, len(items), first.c, first.h, first.w)}, nil
}

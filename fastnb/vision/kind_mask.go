package vision

import (
	"encoding/json"
	"fmt"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// maskKind is a class for every pixel; labels are files of masks.
type maskKind struct {
	Names  []string   `json:"classes"`
	Opener maskOpener `json:"open"`
}

const maskKindName = "mask"

// MaskKind is the kind of label of segmentation: a class for every pixel, read from a mask's file.
// classes are the names of the values 0, 1, … of the masks.
func MaskKind(classes ...string) data.LabelKind { return maskKind{Names: classes} }

func init() {
	data.RegisterLabelKind(maskKindName, func(state json.RawMessage) (data.LabelKind, error) {
		var k maskKind
		if err := json.Unmarshal(state, &k); err != nil {
			return nil, fmt.Errorf("classes: %w", err)
		}
		return k, nil
	})
}

var _ data.DrawnLabel = maskKind{}

// DrawnOnItem says that targets are drawn on their pictures.
func (maskKind) DrawnOnItem() {}

// CollateClasses copies masks of one size into uint8 [N, 1, H, W]; nil where there is another.
func (maskKind) CollateClasses(items []data.Item) *tensor.Tensor {
	var out []uint8
	var first *planes
	for k, it := range items {
		m, ok := it.(*Mask)
		if !ok || m.px.u == nil || first != nil && (m.px.h != first.h || m.px.w != first.w) {
			return nil
		}
		n := len(m.px.u)
		if first == nil {
			first, out = m.px, make([]uint8, len(items)*n)
		}
		copy(out[k*n:(k+1)*n], m.px.u)
	}
	if first == nil {
		return nil
	}
	return tensor.FromUint8(out, len(items), 1, first.h, first.w)
}

func (maskKind) Name() string { return maskKindName }

func (k maskKind) Fit([]any) (data.LabelKind, error) {
	if len(k.Names) == 0 {
		return nil, fmt.Errorf("masks need the names of their classes (try Classes)")
	}
	return k, nil
}

func (maskKind) Encode(raw any) (any, error) {
	switch v := raw.(type) {
	case datasets.Path:
		return v.String(), nil
	case string:
		return v, nil
	}
	return nil, fmt.Errorf("the label is a %T, not the path of a mask", raw)
}

// Open reads the mask; a value that is no class is an error.
func (k maskKind) Open(e any) (data.Item, error) {
	file, ok := e.(string)
	if !ok { // items without targets
		return data.EmptyLabel{}, nil
	}
	m, err := k.Opener.open(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for at, v := range m.px.u {
		if int(v) >= len(k.Names) {
			return nil, fmt.Errorf("%s: the value %d at row %d, column %d is none of the %d classes (%s)", file, v, at/m.px.w, at%m.px.w, len(k.Names), m.hint(len(k.Names)))
		}
	}
	return m, nil
}

// Decode takes the likeliest class of each pixel of [C, H, W].
func (k maskKind) Decode(pred *tensor.Tensor, _ data.DecodeArgs) (data.Item, error) {
	s := pred.Shape()
	if len(s) != 3 || s[0] != len(k.Names) || s[0] > 256 {
		return nil, fmt.Errorf("fastnb: decode: prediction of shape %v for masks of %d classes", s, len(k.Names))
	}
	m := &Mask{px: newBytes(1, s[1], s[2])}
	f, n := pred.Float().Float32s(), s[1]*s[2]
	for i := range n {
		best := 0
		for c := range s[0] {
			if f[c*n+i] > f[best*n+i] {
				best = c
			}
		}
		m.px.u[i] = uint8(best)
	}
	return m, nil
}

func (k maskKind) Classes() []string { return k.Names }

func (k maskKind) C() int { return len(k.Names) }

func (maskKind) Loss() nn.Loss { return nn.CrossEntropyFlat }

func (k maskKind) State() (json.RawMessage, error) { return json.Marshal(k) }

// SegmentationListFromFolder is a list of the pictures below path whose labels are masks:
// LabelFromFunc(func(p Path) Path, Classes(…), Masks(…)). Options as ImageListFromFolder.
func SegmentationListFromFolder(path datasets.Path, o ...data.FromOption) *data.ItemList {
	return segmentation(ImageListFromFolder(path, o...))
}

// SegmentationListFromCSV is the same for pictures that a table names.
func SegmentationListFromCSV(path datasets.Path, name string, o ...data.FromOption) *data.ItemList {
	return segmentation(ImageListFromCSV(path, name, o...))
}

func segmentation(l *data.ItemList) *data.ItemList {
	return l.LabelsAs(func(classes []string) data.LabelKind { return MaskKind(classes...) })
}

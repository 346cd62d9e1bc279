package vision

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// pointsKind is one or more places in a picture; labels are Points in pixels.
type pointsKind struct {
	N int `json:"n"`
}

const pointsKindName = "points"

// PointsKind is the kind of label that is one or more places in a picture, the same number for every
// picture.
func PointsKind() data.LabelKind { return pointsKind{} }

func init() {
	data.RegisterLabelKind(pointsKindName, func(state json.RawMessage) (data.LabelKind, error) {
		var k pointsKind
		if err := json.Unmarshal(state, &k); err != nil {
			return nil, fmt.Errorf("number of points: %w", err)
		}
		return k, nil
	})
}

var _ data.DrawnLabel = pointsKind{}

// DrawnOnItem says that targets are drawn on their pictures.
func (pointsKind) DrawnOnItem() {}

func (pointsKind) Name() string { return pointsKindName }

func (k pointsKind) Fit(raw []any) (data.LabelKind, error) {
	for _, r := range raw {
		if p, ok := r.(Points); ok && len(p) > 0 {
			return pointsKind{len(p)}, nil
		}
	}
	if len(raw) > 0 {
		return nil, fmt.Errorf("the label is a %T, not Points (or it is empty)", raw[0])
	}
	return k, nil
}

func (k pointsKind) Encode(raw any) (any, error) {
	p, ok := raw.(Points)
	if !ok {
		return nil, fmt.Errorf("the label is a %T, not Points", raw)
	}
	if len(p) != k.N {
		return nil, fmt.Errorf("%d points where other pictures have %d", len(p), k.N)
	}
	for _, q := range p {
		if math.IsNaN(q.X+q.Y) || math.IsInf(q.X+q.Y, 0) {
			return nil, fmt.Errorf("the point %v is not a place", p)
		}
	}
	return p, nil
}

func (pointsKind) Open(e any) (data.Item, error) {
	p, ok := e.(Points)
	if !ok {
		return data.EmptyLabel{}, nil
	}
	return p, nil
}

// Collate makes float32 [N, points, 2], y first; points that left their picture are in it, where they are.
func (k pointsKind) Collate(items []data.Item) ([]*tensor.Tensor, error) {
	out := make([]float32, 0, 2*k.N*len(items))
	for _, it := range items {
		p, ok := it.(*ImagePoints)
		if !ok {
			return nil, errors.New("points need the size of their picture (try Transform with TfmY(true))")
		}
		out = append(out, yxTensor(p.xy).Float32s()...)
	}
	if len(out) != 2*k.N*len(items) {
		return nil, fmt.Errorf("not all items have %d points", k.N)
	}
	return []*tensor.Tensor{tensor.FromFloat32(out, len(items), k.N, 2)}, nil
}

func (k pointsKind) Decode(pred *tensor.Tensor, _ data.DecodeArgs) (data.Item, error) {
	if pred.Len() != 2*k.N {
		return nil, fmt.Errorf("fastnb: decode: prediction of shape %v for %d points", pred.Shape(), k.N)
	}
	f := pred.Float().Float32s()
	p := &ImagePoints{}
	for i := range k.N {
		p.xy = append(p.xy, [2]float64{float64(f[2*i+1]), float64(f[2*i])})
	}
	return p, nil
}

func (pointsKind) Classes() []string { return nil }

func (k pointsKind) C() int { return 2 * k.N }

func (pointsKind) Loss() nn.Loss { return nn.MSELossFlat }

func (k pointsKind) State() (json.RawMessage, error) { return json.Marshal(k) }

// PointsListFromFolder is a list of the pictures below path whose labels are points:
// LabelFromFunc(func(p Path) Points). Options as ImageListFromFolder.
func PointsListFromFolder(path datasets.Path, o ...data.FromOption) *data.ItemList {
	return points(ImageListFromFolder(path, o...))
}

// PointsListFromCSV is the same for pictures that a table names.
func PointsListFromCSV(path datasets.Path, name string, o ...data.FromOption) *data.ItemList {
	return points(ImageListFromCSV(path, name, o...))
}

func points(l *data.ItemList) *data.ItemList {
	return l.LabelsAs(func([]string) data.LabelKind { return PointsKind() })
}

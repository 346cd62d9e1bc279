package data

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/plotting"
)

// Item is one thing of a data set, opened: a picture, a text, or a target such as a class or a mask.
type Item interface {
	// Tensor is what the model gets: for a picture [C, H, W] float32 in [0, 1], for a class an int64
	// without axes. The caller does not change it.
	Tensor() *tensor.Tensor
	// Show draws the item; options WithY, FigSize, Title.
	Show(opts ...ShowOption) *plotting.Figure
	// String is the item in a few words: a target's class names, a picture's size.
	String() string
}

// Recycler is an Item whose memory can be used again. The loader calls Recycle when it has copied an
// item's tensor into the batch; nothing touches the item after that.
type Recycler interface{ Recycle() }

// Kind knows one sort of input item. A Kind is used by several goroutines at once.
type Kind interface {
	// Name is what an export calls it, as in "image".
	Name() string
	// Open reads the item that ref names: a file, or a row of text.
	Open(ref string) (Item, error)
	// Show draws items with their targets (ys has as many as xs; elements may be nil) as show_batch
	// does. Kinds of pictures make tiles and call ShowTiles.
	Show(xs, ys []Item, c ShowConfig) *plotting.Figure
}

// Fitter is a Kind that can bring items to a size without an Augmenter: what Transform(nil, Size(n))
// uses.
type Fitter interface{ DefaultAugmenter() Augmenter }

// Collater is a Kind or LabelKind whose items cannot simply be stacked, such as texts of different
// lengths. Without it the tensors of a batch must agree in shape and become one with a leading axis.
type Collater interface {
	Collate(items []Item) ([]*tensor.Tensor, error)
}

// LabelKind knows one sort of target. Values are immutable and used by several goroutines at once.
type LabelKind interface {
	// Name is what an export calls it, as in "multi_category".
	Name() string
	// Fit gives the kind as it is after it has seen the raw labels of the training set: classes known.
	Fit(raw []any) (LabelKind, error)
	// Encode turns one raw label into what is kept for the item. ErrUnknownLabel drops the item from
	// validation and test sets.
	Encode(raw any) (any, error)
	// Open makes the target of what Encode gave; it may read a file.
	Open(encoded any) (Item, error)
	// Decode makes a target of one item's prediction after the activation, [C] or [C, H, W].
	Decode(pred *tensor.Tensor, a DecodeArgs) (Item, error)
	// Classes are the class names in the order of the model's outputs, nil if there are none.
	Classes() []string
	// C is the number of model outputs per item (or pixel).
	C() int
	// Loss is what training minimises unless the learner says otherwise.
	Loss() nn.Loss
}

// DrawnLabel is a LabelKind whose targets are drawn on their items, such as masks and points: results then
// show an item twice, with the truth and with the prediction.
type DrawnLabel interface {
	LabelKind
	DrawnOnItem()
}

// DecodeArgs are the choices of turning predictions into targets.
type DecodeArgs struct {
	Thresh *float64 // probability from which on a label counts, for multi-label kinds; nil means 0.5
}

// Least is the probability from which on a label counts.
func (a DecodeArgs) Least() float64 {
	if a.Thresh == nil {
		return .5
	}
	return *a.Thresh
}

// DecodeOption is an option of DataBunch.Decode: fastnb's Thresh.
type DecodeOption interface{ ApplyDecode(*DecodeArgs) }

// ErrUnknownLabel is what Encode wraps when a label is not among the classes.
var ErrUnknownLabel = fmt.Errorf("label is not among the classes")

// Augmenter is a pair of transform lists, one for training and one for validation, as GetTransforms
// makes. It is used by several goroutines at once.
type Augmenter interface {
	// Name is what an export calls it.
	Name() string
	// Augment draws the transforms' random values from rng and applies them to x and, with the same
	// values, to y unless that is nil. It may change and recycle x and y; the results replace them.
	Augment(x, y Item, train bool, rng *rand.Rand, a TransformArgs) (Item, Item, error)
}

// Stater is a Kind, LabelKind or Augmenter with something to write into an export beside its name.
type Stater interface {
	State() (json.RawMessage, error)
}

var registry = struct {
	sync.Mutex
	kinds  map[string]func(json.RawMessage) (Kind, error)
	labels map[string]func(json.RawMessage) (LabelKind, error)
	augs   map[string]func(json.RawMessage) (Augmenter, error)
}{
	kinds:  map[string]func(json.RawMessage) (Kind, error){},
	labels: map[string]func(json.RawMessage) (LabelKind, error){},
	augs:   map[string]func(json.RawMessage) (Augmenter, error){},
}

// RegisterKind says how LoadState makes the kind of that name; state is what State gave, or nil.
func RegisterKind(name string, load func(state json.RawMessage) (Kind, error)) {
	registry.Lock()
	defer registry.Unlock()
	registry.kinds[name] = load
}

// RegisterLabelKind says how LoadState makes the label kind of that name.
func RegisterLabelKind(name string, load func(state json.RawMessage) (LabelKind, error)) {
	registry.Lock()
	defer registry.Unlock()
	registry.labels[name] = load
}

// RegisterAugmenter says how LoadState makes the transforms of that name.
func RegisterAugmenter(name string, load func(state json.RawMessage) (Augmenter, error)) {
	registry.Lock()
	defer registry.Unlock()
	registry.augs[name] = load
}

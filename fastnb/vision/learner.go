package vision

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// bodyConfig is what options say about the body of a network of any kind.
type bodyConfig struct {
	Arch    string `json:"arch"`
	Cut     int    `json:"cut,omitempty"` // 0: the whole body
	SplitOn []int  `json:"split_on"`      // nil: as the architecture has it

	pretrained *bool // nil: if the weights can be had
}

// of is the architecture with its body cut and split.
func (c bodyConfig) of(a models.Arch) (models.Arch, error) {
	if c.Cut != 0 {
		var err error
		if a, err = a.Cut(c.Cut); err != nil {
			return a, err
		}
	}
	if c.SplitOn == nil {
		return a, nil
	}
	return a.SplitAt(c.SplitOn...)
}

// arch is the architecture that a description names, cut and split.
func (c bodyConfig) arch() (models.Arch, error) {
	a, err := models.ByName(c.Arch)
	if err != nil {
		return a, err
	}
	return c.of(a)
}

// cnnConfig is what CNNLearner's own options say, and what an export keeps of it.
type cnnConfig struct {
	bodyConfig
	Classes int `json:"classes"`
	models.HeadOptions
}

// archOption is an option of learners for pictures: what it changes in the description of each kind of
// network. A learner without a place for it refuses it by its name, as others do.
type archOption struct {
	name string
	cnn  func(*cnnConfig)
	unet func(*unetConfig)
}

// ApplyLearner leaves the option for CNNLearner or UnetLearner to take.
func (o archOption) ApplyLearner(c *fastnb.LearnerConfig) { c.Extra = append(c.Extra, o) }

// String is the option's name.
func (o archOption) String() string { return o.name }

// takeOptions applies the options that have a place in a learner's description and leaves the others.
func takeOptions(cfg *fastnb.LearnerConfig, apply func(archOption) bool) {
	rest := cfg.Extra[:0:0]
	for _, e := range cfg.Extra {
		o, ok := e.(archOption)
		if m, shared := e.(fastnb.ModelOption); shared {
			o, ok = ofModel(m), true
		}
		if !ok || !apply(o) {
			rest = append(rest, e)
		}
	}
	cfg.Extra = rest
}

// ofModel is an option that learners of other kinds have too.
func ofModel(m fastnb.ModelOption) archOption {
	switch m.Name {
	case "Pretrained":
		return ofBody(m.Name, func(c *bodyConfig) { c.pretrained = &m.Pretrained })
	case "PS":
		return archOption{name: m.Name, cnn: func(c *cnnConfig) { c.PS = m.PS }}
	case "LinFtrs":
		return archOption{name: m.Name, cnn: func(c *cnnConfig) { c.LinFtrs = m.LinFtrs }}
	}
	return archOption{name: m.Name}
}

// ofBody is an option that networks of all kinds have.
func ofBody(name string, f func(*bodyConfig)) archOption {
	return archOption{name, func(c *cnnConfig) { f(&c.bodyConfig) }, func(c *unetConfig) { f(&c.bodyConfig) }}
}

// Cut ends the body of a network earlier: after its first n children, or for n below 0 without its last
// -n. A ResNet's children are the stem's four layers and the four stages. Its pretrained weights are
// those of the children that stay. By default, and with 0, the whole body is used. (fastai's cut, whose
// negative numbers count the classifier's layers too)
func Cut(n int) fastnb.LearnerOption { return ofBody("Cut", func(c *bodyConfig) { c.Cut = n }) }

// SplitOn says at which children of the body a new layer group begins; what follows the body is a group of
// its own in any case. SplitOn() makes one group of the body. By default it is as the architecture has
// it: SplitOn(6) for ResNets. (fastai's split_on)
func SplitOn(children ...int) fastnb.LearnerOption {
	return ofBody("SplitOn", func(c *bodyConfig) { c.SplitOn = append([]int{}, children...) })
}

// CustomHead puts layers of your own in the place of CNNLearner's head: from the body's maps [N, C, H, W] to
// what the loss compares, so that most begin with nn.NewGlobalPool and nn.NewFlatten. Its weights are drawn
// as those of fastai's heads. Such a learner can be saved but not exported. (fastai's custom_head)
func CustomHead(head nn.Layer) fastnb.LearnerOption {
	return archOption{name: "CustomHead", cnn: func(c *cnnConfig) { c.Custom = head }}
}

// BNFinal adds a batch norm after the last linear layer: false by default.
func BNFinal(on bool) fastnb.LearnerOption {
	return archOption{name: "BNFinal", cnn: func(c *cnnConfig) { c.BNFinal = on }}
}

// YRange squeezes predicted values into the range between lo and hi by a sigmoid.
func YRange(lo, hi float64) fastnb.LearnerOption {
	r := &[2]float64{lo, hi}
	return archOption{"YRange", func(c *cnnConfig) { c.HeadOptions.YRange = r }, func(c *unetConfig) { c.UnetOptions.YRange = r }}
}

// ConcatPool says whether the head pools by maximum and average or by average only: true by default.
func ConcatPool(on bool) fastnb.LearnerOption {
	return archOption{name: "ConcatPool", cnn: func(c *cnnConfig) { c.NoConcat = !on }}
}

func init() {
	fastnb.RegisterArch("cnn", func(js json.RawMessage, d *data.DataBunch) (nn.Layer, [][]*nn.Param, error) {
		var c cnnConfig
		if err := json.Unmarshal(js, &c); err != nil {
			return nil, nil, fmt.Errorf("description of the model: %w", err)
		}
		arch, err := c.arch()
		if err != nil {
			return nil, nil, err
		}
		if c.Classes != d.C {
			return nil, nil, fmt.Errorf("description of the model: %d classes, the data has %d", c.Classes, d.C)
		}
		net, groups, err := buildCNN(arch, c, nil)
		return net, groups, err
	})
}

// CNNLearner makes a learner for pictures with one or several labels, or values: a body of the given
// architecture without its last layers, and a new head of pooling, two linear layers, batch norm and
// dropout (fastai's create_cnn_model). Layer groups: the body up to its third stage, the rest of the
// body, the head. With pretrained weights the body starts frozen. Options: Metrics, LossFunc, WD
// (0.01), Pretrained, PS (0.5), LinFtrs (512), BNFinal (false), ConcatPool (true), YRange (none), CustomHead
// (none), Cut (0), SplitOn, and the others of fastnb.NewLearner.
func CNNLearner(d *data.DataBunch, arch models.Arch, o ...fastnb.LearnerOption) (*fastnb.Learner, error) {
	if d == nil {
		return nil, fmt.Errorf("fastnb: cnn learner: no data given")
	}
	cfg := fastnb.Configure(o...)
	c := cnnConfig{bodyConfig: bodyConfig{Arch: arch.Name}, Classes: d.C}
	takeOptions(&cfg, func(o archOption) bool {
		if o.cnn != nil {
			o.cnn(&c)
		}
		return o.cnn != nil
	})
	if c.Classes < 1 {
		return nil, fmt.Errorf("fastnb: cnn learner: the data has no classes or values to predict")
	}
	if h := c.HeadOptions; h.Custom != nil && (h.PS != nil || h.LinFtrs != nil || h.BNFinal || h.NoConcat || h.YRange != nil) {
		return nil, fmt.Errorf("fastnb: cnn learner: CustomHead is the whole head, with no place for PS, LinFtrs, BNFinal, ConcatPool or YRange (try such layers in it)")
	}
	arch, err := c.of(arch)
	if err != nil {
		return nil, fmt.Errorf("fastnb: cnn learner: %w", err)
	}
	net, groups, err := buildCNN(arch, c, nn.NewRNG(data.CurrentSeed()))
	if err != nil {
		return nil, fmt.Errorf("fastnb: cnn learner: %w", err)
	}
	pretrained, err := loadPretrained("cnn learner", arch, net.Layers[0], c.pretrained)
	if err != nil {
		return nil, err
	}
	return archLearner(d, net, groups, "cnn", arch, c, cfg, pretrained)
}

// archLearner makes the learner of a network that config describes, frozen if it is pretrained.
func archLearner(d *data.DataBunch, net nn.Layer, groups [][]*nn.Param, kind string, arch models.Arch, config any, cfg fastnb.LearnerConfig, frozen bool) (*fastnb.Learner, error) {
	spec := &fastnb.ArchSpec{Kind: kind, Name: arch.Name}
	if c, ok := config.(cnnConfig); ok && c.Custom != nil {
		spec = nil // nobody could build it again
	} else {
		js, err := json.Marshal(config)
		if err != nil {
			return nil, fmt.Errorf("fastnb: %s learner: %w", kind, err)
		}
		spec.Config = js
	}
	l, err := fastnb.NewConfigured(d, net, groups, spec, cfg)
	if err != nil {
		return nil, err
	}
	if frozen {
		if err := l.Freeze(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// loadPretrained fills the body with ImageNet weights unless want is false, and says whether it did.
func loadPretrained(verb string, arch models.Arch, body nn.Layer, want *bool) (bool, error) {
	if want != nil && !*want {
		return false, nil
	}
	err := models.LoadPretrained(arch, body)
	switch {
	case err == nil:
		return true, nil
	case want != nil:
		return false, fmt.Errorf("fastnb: %s: pretrained weights of %s: %w", verb, arch.Name, err)
	case errors.Is(err, datasets.ErrUnavailable):
		fmt.Printf("Pretrained weights of %s are not available here, so the network starts from fresh weights and nothing is frozen.\n(%v)\n", arch.Name, err)
		return false, nil
	}
	return false, fmt.Errorf("fastnb: %s: pretrained weights of %s: %w (try Pretrained(false))", verb, arch.Name, err)
}

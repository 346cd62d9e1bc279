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

// cnnConfig is what CNNLearner's own options say, and what an export keeps of it.
type cnnConfig struct {
	Arch    string `json:"arch"`
	Classes int    `json:"classes"`
	models.HeadOptions

	pretrained *bool // nil: if the weights can be had
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
		return archOption{m.Name, func(c *cnnConfig) { c.pretrained = &m.Pretrained }, func(c *unetConfig) { c.pretrained = &m.Pretrained }}
	case "PS":
		return archOption{name: m.Name, cnn: func(c *cnnConfig) { c.PS = m.PS }}
	case "LinFtrs":
		return archOption{name: m.Name, cnn: func(c *cnnConfig) { c.LinFtrs = m.LinFtrs }}
	}
	return archOption{name: m.Name}
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
		arch, err := models.ByName(c.Arch)
		if err != nil {
			return nil, nil, err
		}
		net, groups, err := buildCNN(arch, c)
		return net, groups, err
	})
}

// CNNLearner makes a learner for pictures with one or several labels, or values: a body of the given
// architecture without its last layers, and a new head of pooling, two linear layers, batch norm and
// dropout (fastai's create_cnn_model). Layer groups: the body up to its third stage, the rest of the
// body, the head. With pretrained weights the body starts frozen. Options: Metrics, LossFunc, WD
// (0.01), Pretrained, PS (0.5), LinFtrs (512), BNFinal (false), and the others of fastnb.NewLearner.
func CNNLearner(d *data.DataBunch, arch models.Arch, o ...fastnb.LearnerOption) (*fastnb.Learner, error) {
	if d == nil {
		return nil, fmt.Errorf("fastnb: cnn learner: no data given")
	}
	cfg := fastnb.Configure(o...)
	c := cnnConfig{Arch: arch.Name, Classes: d.C}
	takeOptions(&cfg, func(o archOption) bool {
		if o.cnn != nil {
			o.cnn(&c)
		}
		return o.cnn != nil
	})
	if c.Classes < 1 {
		return nil, fmt.Errorf("fastnb: cnn learner: the data has no classes or values to predict")
	}
	net, groups, err := buildCNN(arch, c)
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
	js, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("fastnb: %s learner: %w", kind, err)
	}
	l, err := fastnb.NewConfigured(d, net, groups, &fastnb.ArchSpec{Kind: kind, Name: arch.Name, Config: js}, cfg)
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

package vision

import (
	"encoding/json"
	"fmt"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
)

// unetConfig is what UnetLearner's own options say, and what an export keeps of it.
type unetConfig struct {
	bodyConfig
	Classes int    `json:"classes"`
	Size    [2]int `json:"size"` // of the pictures it was made for: height, width
	models.UnetOptions
}

func unetOption(name string, f func(*unetConfig)) fastnb.LearnerOption {
	return archOption{name: name, unet: f}
}

// Bottle halves the channels within the last residual block of a U-Net: false by default.
func Bottle(on bool) fastnb.LearnerOption {
	return unetOption("Bottle", func(c *unetConfig) { c.Bottle = on })
}

// Blur averages 2x2 pixels after each of a U-Net's pixel shuffles but the one to the picture's own
// size, against checkerboards: false by default.
func Blur(on bool) fastnb.LearnerOption {
	return unetOption("Blur", func(c *unetConfig) { c.Blur = on })
}

// BlurFinal says whether Blur holds for the last block too: true by default.
func BlurFinal(on bool) fastnb.LearnerOption {
	return unetOption("BlurFinal", func(c *unetConfig) { c.NoBlurFinal = !on })
}

// SelfAttention puts a self-attention layer into a U-Net, in the third block from the end: false by
// default.
func SelfAttention(on bool) fastnb.LearnerOption {
	return unetOption("SelfAttention", func(c *unetConfig) { c.SelfAttention = on })
}

// LastCross says whether a U-Net's last layers see the picture itself: true by default.
func LastCross(on bool) fastnb.LearnerOption {
	return unetOption("LastCross", func(c *unetConfig) { c.NoLastCross = !on })
}

// NormType is how the layers on a U-Net's way up normalise: nn.NormTypeNone by default.
func NormType(t nn.NormType) fastnb.LearnerOption {
	return unetOption("NormType", func(c *unetConfig) { c.Norm = t })
}

// OldUnet makes a U-Net as fastai did in January 2019, when the lesson was recorded: it blurs after
// every pixel shuffle, and no gradient flows through its skip connections. False by default.
func OldUnet(on bool) fastnb.LearnerOption {
	return unetOption("OldUnet", func(c *unetConfig) { c.AlwaysBlur, c.DetachSkips = on, on })
}

func init() {
	fastnb.RegisterArch("unet", func(js json.RawMessage, d *data.DataBunch) (nn.Layer, [][]*nn.Param, error) {
		var c unetConfig
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
		u, err := models.Unet(arch, c.Classes, c.Size, c.UnetOptions, nil)
		if err != nil {
			return nil, nil, err
		}
		return u, models.UnetGroups(arch, u), nil
	})
}

// UnetLearner makes a learner for pictures whose targets are pictures too, such as masks with a class
// for every pixel: a U-Net over the body of the given architecture (fastai's unet_learner). Layer
// groups: the body up to its third stage, the rest of the body, all layers on the way up. With
// pretrained weights the body starts frozen. Options: Metrics, LossFunc, WD (0.01), Pretrained, Bottle
// (false), Blur (false), BlurFinal (true), SelfAttention (false), LastCross (true), NormType (none),
// YRange (none), OldUnet (false), Cut (0), SplitOn, and the others of fastnb.NewLearner.
func UnetLearner(d *data.DataBunch, arch models.Arch, o ...fastnb.LearnerOption) (*fastnb.Learner, error) {
	if d == nil {
		return nil, fmt.Errorf("fastnb: unet learner: no data given")
	}
	cfg := fastnb.Configure(o...)
	c := unetConfig{bodyConfig: bodyConfig{Arch: arch.Name}, Classes: d.C}
	takeOptions(&cfg, func(o archOption) bool {
		if o.unet != nil {
			o.unet(&c)
		}
		return o.unet != nil
	})
	if c.Classes < 1 {
		return nil, fmt.Errorf("fastnb: unet learner: the data has no classes or values to predict")
	}
	arch, err := c.of(arch)
	if err != nil {
		return nil, fmt.Errorf("fastnb: unet learner: %w", err)
	}
	if c.Size, err = pictureSize(d); err != nil {
		return nil, fmt.Errorf("fastnb: unet learner: %w", err)
	}
	u, err := models.Unet(arch, c.Classes, c.Size, c.UnetOptions, nn.NewRNG(data.CurrentSeed()))
	if err != nil {
		return nil, fmt.Errorf("fastnb: unet learner: %w", err)
	}
	pretrained, err := loadPretrained("unet learner", arch, u.Body, c.pretrained)
	if err != nil {
		return nil, err
	}
	return archLearner(d, u, models.UnetGroups(arch, u), "unet", arch, c, cfg, pretrained)
}

// pictureSize is the height and width of the first training picture, transformed.
func pictureSize(d *data.DataBunch) ([2]int, error) {
	if d.TrainDS == nil || d.TrainDS.Len() == 0 {
		return [2]int{}, fmt.Errorf("the training set is empty")
	}
	x, _, err := d.TrainDS.At(0)
	if err != nil {
		return [2]int{}, err
	}
	s := x.Tensor().Shape()
	if len(s) != 3 {
		return [2]int{}, fmt.Errorf("items have shape %v, not that of pictures [C, H, W]", s)
	}
	return [2]int{s[1], s[2]}, nil
}

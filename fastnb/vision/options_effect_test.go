package vision

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/internal/opt/opttest"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/plotting"
)

// Every option changes what a call gives, or is refused with a hint.

func seen(f *plotting.Figure, err error) (any, error) {
	if err == nil {
		err = f.Err()
	}
	if err != nil {
		return nil, err
	}
	sum := fnv.New64()
	if m := f.Image(); m != nil {
		b := m.Bounds()
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				_ = binary.Write(sum, binary.LittleEndian, color.NRGBAModel.Convert(m.At(x, y)))
			}
		}
	}
	return fmt.Sprint(f, f.Image() != nil, sum.Sum64()), nil
}

func TestPictureOptionsCount(t *testing.T) {
	path := writeTiles(t, 12, 24)
	data.Seed(1)
	d, err := planetLabels(path).Transform(planetTfms(), data.Size(16)).DataBunch(data.BS(4))
	check(t, err)
	img, err := OpenImage(path.Join("train-jpg", "train_1.jpg"))
	check(t, err)
	mask := halfMask(t, 24)
	options := opttest.Options[data.ShowOption]{
		"On": data.On(data.Valid), "Rows": data.Rows(1), "WithY": data.WithY(mask), "Alpha": data.Alpha(.2), "Title": data.Title("T"), "FigSize": data.FigSize(2, 2),
		"Thresh": fastnb.Thresh(.9), "WithHeatmap": fastnb.WithHeatmap(true),
	}
	opttest.Demand(t, options, opttest.Calls[data.ShowOption]{
		"ShowBatch": func(o ...data.ShowOption) (any, error) {
			data.Seed(1)
			return seen(d.ShowBatch(append([]data.ShowOption{data.FigSize(1, 1)}, o...)...))
		},
	}, "Alpha") // for masks, below
	opttest.Demand(t, options, opttest.Calls[data.ShowOption]{
		"Image.Show": func(o ...data.ShowOption) (any, error) {
			return seen(img.Show(append([]data.ShowOption{data.FigSize(1, 1), data.WithY(mask)}, o...)...), nil)
		},
		"Mask.Show": func(o ...data.ShowOption) (any, error) {
			return seen(mask.Show(append([]data.ShowOption{data.FigSize(1, 1)}, o...)...), nil)
		},
		"Points.Show": func(o ...data.ShowOption) (any, error) { return seen(Points{{Y: 1, X: 2}}.Show(o...), nil) },
		"PlotMulti": func(o ...data.ShowOption) (any, error) {
			return seen(PlotMulti(1, 1, func(int, int) (*plotting.Figure, error) { return img.Show(), nil }, append([]data.ShowOption{data.FigSize(1, 1)}, o...)...))
		},
		"ShowAll": func(o ...data.ShowOption) (any, error) {
			return seen(ShowAll([]data.Item{img}, 1, append([]data.ShowOption{data.FigSize(1, 1)}, o...)...))
		},
	}, "Image.Show WithY")
}

// halfMask is a mask of side pixels, half of each of two classes.
func halfMask(t *testing.T, side int) *Mask {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, side, side))
	for k := range m.Pix {
		m.Pix[k] = uint8(k % 2)
	}
	var b bytes.Buffer
	check(t, png.Encode(&b, m))
	file := datasets.NewPath(t.TempDir()).Join("m.png")
	check(t, file.WriteText(b.String()))
	mask, err := OpenMask(file)
	check(t, err)
	return mask
}

func TestTransformsOptionsCount(t *testing.T) {
	options := opttest.Options[TransformsOption]{
		"DoFlip": DoFlip(false), "FlipVert": FlipVert(true), "MaxRotate": MaxRotate(0), "MaxZoom": MaxZoom(1.5), "MaxLighting": MaxLighting(0), "MaxWarp": MaxWarp(0),
		"PAffine": PAffine(.1), "PLighting": PLighting(.1), "XtraTfms": XtraTfms(Jitter(Uniform(0, 1))),
	}
	opttest.Complete(t, ".", options, "TransformsOption")
	// Beside these others each has an effect or is refused too.
	for name, others := range map[string][]TransformsOption{
		"without flips": {DoFlip(false)}, "without lighting": {MaxLighting(0)}, "without warps, turns and zoom": {MaxWarp(0), MaxRotate(0), MaxZoom(1)},
	} {
		opttest.Demand(t, options, opttest.Calls[TransformsOption]{"GetTransforms " + name: func(o ...TransformsOption) (any, error) {
			tfms := GetTransforms(append(others[:len(others):len(others)], o...)...)
			s, err := tfms.State()
			if tfms.Err() != nil {
				err = tfms.Err()
			}
			return string(s), err
		}}, "GetTransforms without flips DoFlip", "GetTransforms without lighting MaxLighting",
			"GetTransforms without warps, turns and zoom MaxWarp", "GetTransforms without warps, turns and zoom MaxRotate") // given already
	}
	opttest.Demand(t, options, opttest.Calls[TransformsOption]{"GetTransforms": func(o ...TransformsOption) (any, error) {
		tfms := GetTransforms(o...)
		s, err := tfms.State()
		return string(s), err
	}})
}

func TestPictureLearnerOptionsCount(t *testing.T) {
	t.Setenv("FASTNB_OFFLINE", "1")
	t.Setenv("FASTNB_HOME", t.TempDir())
	path := writeTiles(t, 12, 24)
	d, err := planetLabels(path).Transform(nil, data.Size(32)).DataBunch(data.BS(4))
	check(t, err)
	options := opttest.Options[fastnb.LearnerOption]{
		"Cut": Cut(6), "SplitOn": SplitOn(3), "CustomHead": CustomHead(nn.NewSequential(nn.NewGlobalPool(true, false), nn.NewFlatten(), nn.NewLinear(64, 4))),
		"BNFinal": BNFinal(true), "YRange": YRange(0, 1), "ConcatPool": ConcatPool(false), "Bottle": Bottle(true), "Blur": Blur(true), "BlurFinal": BlurFinal(false),
		"SelfAttention": SelfAttention(true), "LastCross": LastCross(false), "NormType": NormType(nn.NormTypeBatch), "OldUnet": OldUnet(true),
		"PS": fastnb.PS(.2), "LinFtrs": fastnb.LinFtrs(9), "WD": fastnb.WD(.3),
	}
	opttest.Complete(t, ".", options, "fastnb.LearnerOption")
	made := func(l *fastnb.Learner, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		defer l.Destroy()
		if l.Spec() == nil {
			return "a head of one's own", nil
		}
		return fmt.Sprint(l, string(l.Spec().Config), l.WD), nil
	}
	first := func(o []fastnb.LearnerOption) []fastnb.LearnerOption {
		return append([]fastnb.LearnerOption{Cut(5), fastnb.Pretrained(false), fastnb.Silent(true)}, o...)
	}
	opttest.Demand(t, options, opttest.Calls[fastnb.LearnerOption]{
		"CNNLearner": func(o ...fastnb.LearnerOption) (any, error) { return made(CNNLearner(d, models.ResNet18, first(o)...)) },
		"UnetLearner": func(o ...fastnb.LearnerOption) (any, error) {
			return made(UnetLearner(d, models.ResNet18, first(o)...))
		},
	})
}

func TestTestTimeOptionsCount(t *testing.T) {
	path := writeTiles(t, 12, 24)
	data.Seed(1)
	d, err := planetLabels(path).Transform(planetTfms(), data.Size(16)).DataBunch(data.BS(4))
	check(t, err)
	net := nn.NewSequential(nn.NewGlobalPool(true, true), nn.NewFlatten(), nn.NewLinear(6, d.C))
	nn.NamePaths(net, "")
	l, err := fastnb.NewLearner(d, net, nil, fastnb.Silent(true))
	check(t, err)
	options := opttest.Options[data.PredsOption]{
		"On": data.On(data.Fix), "NBatch": fastnb.NBatch(1), "Activ": fastnb.Activ("none"), "WithTTA": fastnb.WithTTA(true), "TTAScale": fastnb.TTAScale(2), "Beta": fastnb.Beta(.9),
		"OfBatch": fastnb.OfBatch(nil),
	}
	call := func(f func(o ...data.PredsOption) (*fastnb.Tensor, error)) func(o ...data.PredsOption) (any, error) {
		return func(o ...data.PredsOption) (any, error) {
			data.Seed(1)
			p, err := f(append([]data.PredsOption{data.On(data.Fix)}, o...)...)
			if err != nil {
				return nil, err
			}
			return p.Float32s(), nil
		}
	}
	opttest.Demand(t, options, opttest.Calls[data.PredsOption]{
		"TTA": call(func(o ...data.PredsOption) (*fastnb.Tensor, error) { p, _, err := l.TTA(o...); return p, err }),
		"Interpret": call(func(o ...data.PredsOption) (*fastnb.Tensor, error) {
			in, err := l.Interpret(o...)
			if err != nil {
				return nil, err
			}
			return in.Preds, nil
		}),
	}, "On")
}

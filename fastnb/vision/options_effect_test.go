package vision

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/internal/opt/opttest"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
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

func TestMaskOptionsCount(t *testing.T) {
	mask, err := MaskOf(tensor.FromFloat32([]float32{1, 2, 3, 4}, 2, 2))
	check(t, err)
	options := opttest.Options[MaskOption]{
		"Div": Div(true), "PaletteIndex": PaletteIndex(true), "GreyMask": GreyMask(true), "MaskColors": MaskColors("#000000", "#800000", "#008000", "#808000"), "ReplaceValue": ReplaceValue(0, 9),
		"MaskFunc": MaskFunc(func(datasets.Path) (*Mask, error) { return mask, nil }),
	}
	opttest.Complete(t, ".", options, "MaskOption")
	values := func(m *Mask, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(m.Tensor().Float64s()), nil
	}
	// Each form of file with what it takes; TestMaskForms has what is said where a form does not fit.
	for _, c := range []struct {
		file   string
		before []MaskOption
		except []string
	}{
		{"mask_255.png", nil, []string{"PaletteIndex", "GreyMask", "MaskColors", "MaskFunc"}},
		{"mask_voc.png", []MaskOption{PaletteIndex(false)}, []string{"Div", "GreyMask", "MaskColors", "MaskFunc"}},
	} {
		opttest.Demand(t, options, opttest.Calls[MaskOption]{"OpenMask of " + c.file: func(o ...MaskOption) (any, error) {
			return values(OpenMask(formatFile(c.file), append(c.before[:len(c.before):len(c.before)], o...)...))
		}}, prefixed("OpenMask of "+c.file, c.except)...)
	}
}

func prefixed(call string, names []string) []string {
	out := make([]string, len(names))
	for k, n := range names {
		out[k] = call + " " + n
	}
	return out
}

func TestFileOptionsCount(t *testing.T) {
	open := opttest.Options[OpenOption]{"UseEXIF": UseEXIF(true)}
	opttest.Complete(t, ".", open, "EXIFOption")
	opttest.Demand(t, open, opttest.Calls[OpenOption]{"OpenImage": func(o ...OpenOption) (any, error) {
		x, err := OpenImage(formatFile("exif6.jpg"), o...)
		if err != nil {
			return nil, err
		}
		return x.Size(), nil
	}})
	verify := opttest.Options[VerifyOption]{"DeleteBroken": DeleteBroken(true), "MaxSize": MaxSize(8), "Subfolders": Subfolders(true)}
	opttest.Complete(t, ".", verify, "VerifyOption")
	opttest.Demand(t, verify, opttest.Calls[VerifyOption]{"VerifyImages": func(o ...VerifyOption) (any, error) {
		dir := writeTiles(t, 2, 16)
		check(t, dir.Join("train-jpg", "bad.jpg").WriteText("no picture"))
		check(t, dir.Join("train-jpg", "in").Mkdir())
		check(t, dir.Join("train-jpg", "in", "bad.jpg").WriteText("no picture"))
		if _, err := VerifyImages(dir.Join("train-jpg"), o...); err != nil {
			return nil, err
		}
		broken, err := VerifyImages(dir.Join("train-jpg"), o...)
		if err != nil {
			return nil, err
		}
		x, err := OpenImage(dir.Join("train-jpg", "train_0.jpg"))
		if err != nil {
			return nil, err
		}
		return fmt.Sprint(len(broken), x.Size()), nil
	}})
	t.Setenv("FASTNB_OFFLINE", "")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow.jpg" {
			select { // longer than a test's client waits, and as long as one waits who waits on
			case <-r.Context().Done():
			case <-time.After(300 * time.Millisecond):
			}
		}
		_, _ = fmt.Fprint(w, "picture") // the client sees what is missing
	}))
	defer srv.Close()
	urls := datasets.NewPath(t.TempDir()).Join("urls.txt")
	check(t, urls.WriteText(srv.URL+"/a.jpg\n"+srv.URL+"/slow.jpg\n"))
	fetch := opttest.Options[DownloadOption]{"MaxPics": MaxPics(1), "PicTimeout": PicTimeout(50 * time.Millisecond)}
	opttest.Complete(t, ".", fetch, "DownloadOption")
	opttest.Demand(t, fetch, opttest.Calls[DownloadOption]{"DownloadImages": func(o ...DownloadOption) (any, error) {
		dest := datasets.NewPath(t.TempDir())
		n, err := DownloadImages(urls, dest, append([]DownloadOption{PicTimeout(time.Minute)}, o...)...)
		return n, err
	}})
}

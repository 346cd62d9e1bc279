package badinput

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/vision"
)

// visionMistakes are those with masks, points and architectures.
func visionMistakes() []mistake {
	const nothing = "nothing was done"
	return []mistake{
		{input: "mask and picture of different size", after: nothing, make: func(d *desk) error { return d.masks(12, 1).Err() }},
		{input: "code outside the class list", after: "told by the first batch with that mask", make: func(d *desk) error {
			b, err := d.masks(24, 7).DataBunch(data.BS(18))
			d.must(err)
			_, err = b.OneBatch()
			return err
		}},
		{input: "mask with a palette", after: "nothing was done", make: func(d *desk) error { return d.openMask("mask_voc.png") }},
		{input: "mask in colour", after: "nothing was done", make: func(d *desk) error { return d.openMask("mask_rgb.png") }},
		{input: "mask in a JPEG", after: "nothing was done", make: func(d *desk) error { return d.openMask("mask_255.jpg") }},
		{input: "learner that fastai exported", after: nothing, make: func(d *desk) error {
			d.write("planet/export.pkl", d.repo("fastnb/testdata/pth/fastai_export.pkl"))
			_, err := fastnb.LoadLearner(d.tiles)
			return err
		}},
		{input: "mask that is not there", after: nothing, make: func(d *desk) error {
			_, err := vision.OpenMask(d.tiles.Join("labels", "train_3.png"))
			return err
		}},
		{input: "pose file with missing numbers", after: nothing, make: func(d *desk) error { return d.pose("0.9 0.1\n0.1 0.9 0\n0 0 1\n\n187 40\n") }},
		{input: "pose file with a word", after: nothing, make: func(d *desk) error { return d.pose("1 0 0\n0 1 0\n0 0 1\n\n187 far 893\n") }},
		{input: "pose file with NaN", after: nothing, make: func(d *desk) error { return d.pose("1 0 0\n0 1 0\n0 0 1\n\nNaN 40.4 893\n") }},
		{input: "absent calibration", after: nothing, make: func(d *desk) error {
			_, err := data.LoadMatrix(d.tiles.Join("01", "rgb.cal"), data.SkipFooter(6))
			return err
		}},
		{input: "validation file naming nobody", after: nothing, make: func(d *desk) error {
			d.write("planet/valid.txt", []byte("0016E5_08065.png\n0016E5_07989.png\n"))
			return vision.ImageListFromFolder(d.tiles.Join("train-jpg")).SplitByFnameFile("../valid.txt").Err()
		}},
		{input: "point outside the picture", after: "with `RemoveOut(false)` it stays where it is", make: func(d *desk) error {
			src := func() *data.SplitList { return vision.PointsListFromFolder(d.tiles).SplitByIdx([]int{0, 1}) }
			out := func(datasets.Path) vision.Points { return vision.Points{{Y: 12, X: 31}} }
			b, err := src().LabelFromFunc(out).Transform(nil, data.Size(16), data.TfmY(true), data.RemoveOut(false)).DataBunch(data.BS(4))
			d.must(err)
			_, err = b.OneBatch()
			d.must(err)
			return src().LabelFromFunc(out).Transform(nil, data.Size(16), data.TfmY(true)).Err()
		}},
		{input: "backbone whose features cannot be joined", after: nothing, make: func(d *desk) error {
			b, err := d.masks(24, 1).DataBunch(data.BS(4))
			d.must(err)
			flat := models.Arch{Name: "flat", Out: 8, Body: func() *nn.Sequential {
				return nn.NewSequential(nn.NewConv2D(3, 8, 3, nn.Pad(1)), nn.NewReLU(), nn.NewConv2D(8, 8, 3, nn.Pad(1)))
			}}
			_, err = vision.UnetLearner(b, flat, fastnb.Pretrained(false))
			return err
		}},
		{input: "weights of the wrong shape", after: nothing, make: wrongWeights},
		{input: "architecture that there is not", after: nothing, make: func(*desk) error {
			_, err := models.ByName("resnet35")
			return err
		}},
		{input: "cut behind the body's end", after: nothing, make: func(d *desk) error {
			b, err := d.bunch(data.BS(4))
			d.must(err)
			_, err = vision.CNNLearner(b, models.ResNet18, fastnb.Pretrained(false), vision.Cut(12))
			return err
		}},
	}
}

// openMask opens one of the forms of masks.
func (d *desk) openMask(name string) error {
	d.write("planet/labels/"+name, d.repo("fastnb/vision/testdata/formats/"+name))
	_, err := vision.OpenMask(d.tiles.Join("labels", name))
	return err
}

// masks are labels of the pictures: squares of a size, one with a pixel of a class that may be none of two.
func (d *desk) masks(size int, class uint8) *data.LabelLists {
	for k := range 20 {
		m := image.NewGray(image.Rect(0, 0, size, size))
		if k == 7 {
			m.Pix[size+3] = class
		}
		var b bytes.Buffer
		d.must(png.Encode(&b, m))
		d.write(fmt.Sprintf("planet/masks/train_%d.png", k), b.Bytes())
	}
	mask := func(p datasets.Path) datasets.Path { return d.tiles.Join("masks", p.Stem()+".png") }
	return vision.SegmentationListFromFolder(d.tiles.Join("train-jpg")).SplitByIdx([]int{0, 1}).
		LabelFromFunc(mask, data.Classes("ground", "water")).Transform(nil, data.Size(16), data.TfmY(true))
}

// pose labels the pictures with what the head-pose lesson reads from such a file.
func (d *desk) pose(text string) error {
	d.write("planet/pose.txt", []byte(text))
	return vision.PointsListFromFolder(d.tiles).SplitByIdx([]int{0}).LabelFromFunc(func(datasets.Path) (vision.Points, error) {
		m, err := data.LoadMatrix(d.tiles.Join("pose.txt"), data.SkipHeader(3), data.OfShape(1, 3))
		if err != nil {
			return nil, err
		}
		return vision.Points{{Y: m[0][1] / m[0][2], X: m[0][0] / m[0][2]}}, nil
	}).Err()
}

// wrongWeights has a file of published weights that are those of a narrower network.
func wrongWeights(d *desk) error {
	b, err := os.ReadFile(filepath.Join("..", "..", "fastnb", "models", "testdata", "tiny_resnet_zip.pth"))
	d.must(err)
	sum := sha256.Sum256(b)
	sha := hex.EncodeToString(sum[:])[:8]
	name := "tiny-" + sha + ".pth"
	d.write("home/models/"+name, b)
	wide := models.Arch{
		Name: "tiny", Out: 16, Rename: func(n string) string { return strings.NewReplacer("conv1.", "0.", "bn1.", "1.").Replace(n) },
		Weights: &models.WeightsFile{URL: "https://example.org/" + name, Name: name, SHA256Prefix: sha},
		Body: func() *nn.Sequential {
			return nn.NewSequential(nn.NewConv2D(3, 16, 7, nn.Stride(2), nn.Pad(3), nn.NoBias()), nn.NewBatchNorm(16), nn.NewReLU())
		},
	}
	bunch, err := d.bunch(data.BS(4))
	d.must(err)
	_, err = vision.CNNLearner(bunch, wide, fastnb.Pretrained(true))
	return err
}

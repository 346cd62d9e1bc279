package main

import (
	"slices"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/vision"
)

// camvidTask is the same work as bench/fastai_camvid.py: a U-Net without pretrained weights over street
// scenes, the lesson's transforms, metric and weight decay, one cycle over all layers. size is the height;
// pictures are 4 to 3.
var camvidTask = benchTask{
	name: "camvid", short: "Classes of the pixels of street scenes, from scratch",
	defaults: benchOptions{arch: "resnet34", size: 90, bs: 8, epochs: 3, lr: 1e-3},
	run: func(b *bench) error {
		path, err := b.path("camvid")
		if err != nil {
			return err
		}
		codes, err := data.LoadStrings(path.Join("codes.txt"))
		if err != nil {
			return err
		}
		d, err := camvidBunch(b, path, codes)
		if err != nil {
			return err
		}
		if err := b.loader(d); err != nil {
			return err
		}
		arch, err := models.ByName(b.arch)
		if err != nil {
			return err
		}
		data.Seed(b.seed)
		learn, err := vision.UnetLearner(d, arch, fastnb.Pretrained(false), fastnb.Silent(true),
			fastnb.Metrics(accCamvid(slices.Index(codes, "Void"))), fastnb.WD(1e-2))
		if err != nil {
			return err
		}
		defer learn.Destroy()
		return b.fit("", learn, b.epochs, fastnb.LR(b.lr), fastnb.PctStart(.8))
	},
}

func camvidBunch(b *bench, path datasets.Path, codes []string) (*data.DataBunch, error) {
	data.Seed(42)
	mask := func(f datasets.Path) datasets.Path { return path.Join("labels", f.Stem()+"_P"+f.Ext()) }
	return vision.SegmentationListFromFolder(path.Join("images")).UseItems(b.items).
		SplitByFnameFile("../valid.txt").LabelFromFunc(mask, data.Classes(codes...)).
		Transform(vision.GetTransforms(), data.Size(b.size, b.size*4/3), data.TfmY(true)).
		Normalize(vision.ImageNetStats).DataBunch(data.BS(b.bs), data.Workers(b.workers))
}

// accCamvid is the lesson's metric, written as its reader writes it.
func accCamvid(void int) fastnb.Metric {
	return fastnb.NewMetric("acc_camvid", func(pred, targ *fastnb.Tensor) *fastnb.Tensor {
		targ = targ.Squeeze(1)
		mask := targ.Ne(void)
		return pred.ArgMax(1).Mask(mask).Eq(targ.Mask(mask)).Mean()
	})
}

package main

import (
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/vision"
)

// headposeTask is the same work as bench/fastai_headpose.py: a ResNet without pretrained weights finds the
// centres of heads; the last person is held out. size is the height; pictures are 4 to 3.
var headposeTask = benchTask{
	name: "headpose", short: "Centres of heads, from scratch",
	defaults: benchOptions{arch: "resnet34", size: 120, bs: 32, epochs: 4, lr: 3e-3},
	run: func(b *bench) error {
		d, err := headposeBunch(b)
		if err != nil {
			return err
		}
		if err := b.loader(d); err != nil {
			return err
		}
		if err := b.noteConstant(d); err != nil {
			return err
		}
		arch, err := models.ByName(b.arch)
		if err != nil {
			return err
		}
		data.Seed(b.seed)
		learn, err := vision.CNNLearner(d, arch, fastnb.Pretrained(false), fastnb.Silent(true))
		if err != nil {
			return err
		}
		defer learn.Destroy()
		return b.fit("", learn, b.epochs, fastnb.LR(b.lr))
	},
}

func headposeBunch(b *bench) (*data.DataBunch, error) {
	path, err := b.path("biwi_head_pose")
	if err != nil {
		return nil, err
	}
	entries, err := path.Ls()
	if err != nil {
		return nil, err
	}
	held, cals := "", map[string]data.Matrix{}
	for _, p := range entries {
		if !p.IsDir() {
			continue
		}
		held = max(held, p.Name())
		f := p.Join("rgb.cal")
		if !f.Exists() {
			f = path.Join("01", "rgb.cal")
		}
		if cals[p.Name()], err = data.LoadMatrix(f, data.SkipFooter(6)); err != nil {
			return nil, err
		}
	}
	centre := func(f datasets.Path) vision.Points {
		c := data.MustLoadMatrix(f.Replace("rgb.jpg", "pose.txt"), data.SkipHeader(3), data.OfShape(1, 3))[0]
		k := cals[f.Parent().Name()]
		return vision.Points{{Y: c[1]*k[1][1]/c[2] + k[1][2], X: c[0]*k[0][0]/c[2] + k[0][2]}}
	}
	data.Seed(42)
	return vision.PointsListFromFolder(path).UseItems(b.items).
		SplitByValidFunc(func(f datasets.Path) bool { return f.Parent().Name() == held }).LabelFromFunc(centre).
		Transform(vision.GetTransforms(), data.TfmY(true), data.Size(b.size, b.size*4/3)).
		Normalize(vision.ImageNetStats).DataBunch(data.BS(b.bs), data.Workers(b.workers))
}

// noteConstant notes the loss of answering every picture of the validation set with the training set's
// mean: what a model must beat to have looked. Both are as a model sees them, transformed and scaled to -1 to 1.
func (b *bench) noteConstant(d *data.DataBunch) error {
	var mean [2]float64
	var sum float64
	for _, set := range []struct {
		n   int
		at  func(int) (x, y data.Item, err error)
		add func(v [2]float64)
	}{
		{d.TrainDS.Len(), d.TrainDS.At, func(v [2]float64) {
			for k := range v {
				mean[k] += v[k] / float64(d.TrainDS.Len())
			}
		}},
		{d.ValidDS.Len(), d.ValidDS.At, func(v [2]float64) {
			for k := range v {
				sum += (v[k] - mean[k]) * (v[k] - mean[k]) / float64(2*d.ValidDS.Len())
			}
		}},
	} {
		for i := range set.n {
			if err := b.ctx.Err(); err != nil {
				return err
			}
			_, y, err := set.at(i)
			if err != nil {
				return err
			}
			f := y.Tensor().Float32s()
			set.add([2]float64{float64(f[0]), float64(f[1])})
		}
	}
	b.note("constant_valid_loss", sum)
	return nil
}

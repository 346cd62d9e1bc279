package main

import (
	"context"
	"math/bits"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/tensor"
	"github.com/fastnb/go/fastnb/vision"
)

// planetTask is the same work as bench/fastai_planet.py: a ResNet without pretrained weights on the first
// rows of train_v2.csv, the lesson's transforms and metrics, one cycle over all layers.
var planetTask = benchTask{
	name: "planet", short: "Tags of satellite tiles, from scratch",
	defaults: benchOptions{arch: "resnet34", items: 600, size: 64, bs: 16, epochs: 6, lr: 3e-3},
	run: func(b *bench) error {
		d, err := planetBunch(b)
		if err != nil {
			return err
		}
		if err := b.loader(d); err != nil {
			return err
		}
		constant, err := constantFBeta(b.ctx, d)
		if err != nil {
			return err
		}
		b.note("constant_fbeta", constant)
		data.Seed(b.seed)
		arch, err := models.ByName(b.arch)
		if err != nil {
			return err
		}
		learn, err := vision.CNNLearner(d, arch, fastnb.Pretrained(false), fastnb.Silent(true),
			fastnb.Metrics(fastnb.AccuracyThresh(fastnb.Thresh(0.2)), fastnb.FBeta(fastnb.Thresh(0.2))))
		if err != nil {
			return err
		}
		return b.fit("", learn, b.epochs, fastnb.LR(b.lr))
	},
}

func planetBunch(b *bench) (*data.DataBunch, error) {
	path, err := b.path("planet", datasets.Tiles(b.items))
	if err != nil {
		return nil, err
	}
	data.Seed(42)
	tfms := vision.GetTransforms(vision.FlipVert(true), vision.MaxLighting(0.1), vision.MaxZoom(1.05), vision.MaxWarp(0))
	table, err := data.ReadCSV(path.Join("train_v2.csv"))
	if err != nil {
		return nil, err
	}
	if b.items > 0 {
		table = table.Head(b.items)
	}
	return vision.ImageListFromTable(path, table, data.Folder("train-jpg"), data.Suffix(".jpg")).
		SplitByRandPct(0.2).LabelFromTable(data.LabelDelim(" ")).
		Transform(tfms, data.Size(b.size)).Normalize(vision.ImageNetStats).DataBunch(data.BS(b.bs), data.Workers(b.workers))
}

// constantFBeta is the F2 score of the best answer that is the same for every tile of the validation set: what a
// model must beat to have looked at the pictures. All sets of tags are tried.
func constantFBeta(ctx context.Context, d *data.DataBunch) (float64, error) {
	n := d.ValidDS.Len()
	truths, ys := make([]uint32, n), tensor.New(tensor.Float32, n, d.C)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		y, err := d.ValidDS.Y(i)
		if err != nil {
			return 0, err
		}
		for k, v := range y.Tensor().Float32s() {
			if v > 0 {
				truths[i] |= 1 << k
				ys.Float32s()[i*d.C+k] = 1
			}
		}
	}
	out := tensor.New(tensor.Float32, n, d.C)
	best := bestConstant(truths, d.C)
	for j := range out.Float32s() {
		out.Float32s()[j] = -10 // as sure as can be
		if best>>(j%d.C)&1 == 1 {
			out.Float32s()[j] = 10
		}
	}
	return fastnb.FBeta(fastnb.Thresh(0.2)).Of(out, ys)
}

// bestConstant is the set of tags with the greatest mean F2 against the truths, sets of tags all. Beyond 20 tags, sets of
// the most frequent ones only are tried.
func bestConstant(truths []uint32, tags int) uint32 {
	var tries []uint32
	if tags <= 20 {
		for s := range uint32(1) << tags {
			tries = append(tries, s)
		}
	} else {
		var s uint32
		for range tags {
			s |= mostFrequent(truths, s, tags)
			tries = append(tries, s)
		}
	}
	best, top := uint32(0), -1.0
	for _, s := range tries {
		sum, p := 0.0, float64(bits.OnesCount32(s))
		for _, y := range truths {
			// F2 = 5 tp / (4 truths + predictions).
			if tp := bits.OnesCount32(s & y); tp > 0 {
				sum += 5 * float64(tp) / (4*float64(bits.OnesCount32(y)) + p)
			}
		}
		if sum > top {
			best, top = s, sum
		}
	}
	return best
}

// mostFrequent is the tag outside s that most truths have, as a set.
func mostFrequent(truths []uint32, s uint32, tags int) uint32 {
	best, top := uint32(0), -1
	for k := range tags {
		n := 0
		for _, y := range truths {
			n += int(y >> k & 1)
		}
		if s>>k&1 == 0 && n > top {
			best, top = 1<<k, n
		}
	}
	return best
}

package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/vision"
)

// epochTiles is how many pictures an epoch of the works of kind "epoch" has, epochWorkers how many workers load them.
const epochTiles, epochWorkers = 128, 2

// tilesBeside draws satellite tiles, JPEGs of 256x256 in the layout of the real set, in the folder "tiles" beside a
// file, where bench/torch_step.py finds them, and gives the loader of an epoch: decoded, turned, zoomed, lit and
// brought to the work's size. The targets are the tiles' numbers, modulo the classes.
func (w stepWork) tilesBeside(file string) (*data.Loader, error) {
	if file == "" {
		return nil, errors.New("fastnb: bench: a work that reads files wants --weights FILE: the pictures are drawn beside it")
	}
	dir := datasets.NewPath(filepath.Dir(file), "tiles")
	if err := datasets.SampleData("planet", dir, epochTiles); err != nil {
		return nil, err
	}
	var label []int
	for i := range epochTiles {
		label = append(label, i*31%w.classes)
	}
	next := 0
	tfms := vision.GetTransforms(vision.FlipVert(true), vision.MaxLighting(.1), vision.MaxZoom(1.05), vision.MaxWarp(0))
	d, err := vision.ImageListFromFolder(dir.Join("train-jpg")).SplitNone().LabelFromFunc(func(datasets.Path) int {
		next++
		return label[next-1]
	}).Transform(tfms, data.Size(w.size[0])).Normalize(vision.ImageNetStats).DataBunch(data.BS(w.bs), data.Workers(epochWorkers))
	if err != nil {
		return nil, err
	}
	l, err := d.TrainLoader()
	if err != nil {
		return nil, err
	}
	return l.Raw(), nil
}

// epoch trains on all tiles once.
func (s *stepper) epoch() (err error) {
	ctx := context.Background()
	s.epochs++
	it := s.tiles.Iter(ctx, s.epochs)
	defer it.Close()
	for it.Next() {
		b := it.Batch()
		in := engine.Batch{X: b.X, Y: b.Y}
		if b.Norm != nil {
			in.Norm.Mean, in.Norm.Std = b.Norm.Mean, b.Norm.Std
		}
		r, err := s.e.Train(ctx, in)
		if err != nil {
			return err
		}
		if _, err := r.Loss(ctx); err != nil {
			return err
		}
		if err := s.e.Step([]engine.Hyper{{LR: s.lr, Mom: .9, Beta2: .99, WD: .01}}); err != nil {
			return err
		}
		b.Recycle()
	}
	return it.Err()
}

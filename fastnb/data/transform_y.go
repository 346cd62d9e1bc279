package data

import (
	"fmt"
	"math/rand/v2"
)

// TargetAugmenter is an Augmenter that can transform a target alone: with the values that Augment would draw
// from the same generator, but the target's own arguments, such as another size.
type TargetAugmenter interface {
	Augmenter
	// AugmentTarget transforms y, whose item is x. It changes neither.
	AugmentTarget(x, y Item, train bool, rng *rand.Rand, a TransformArgs) (Item, error)
}

// targetPipe is what happens to targets where that is not what happens to their items.
type targetPipe struct {
	aug  TargetAugmenter
	args TransformArgs
}

// TransformY sets what is done to targets alone, such as another size for masks. With nil they are
// transformed as their items are, with the same random values, and opts are changes of Transform's options.
// With transforms of their own, targets have these in place of the items', with values drawn for them, and
// of the options those given here. It comes after Transform. (fastai data_block.py, transform_y)
func (l *LabelLists) TransformY(aug Augmenter, opts ...TransformOption) *LabelLists {
	if l.err != nil {
		return l
	}
	a := TransformArgs{RemoveOut: true}
	if aug == nil {
		if l.pipe.aug == nil {
			return l.fail("transform targets: there are no transforms of the items to do as they do (try Transform first)")
		}
		aug, a = l.pipe.aug, l.pipe.args
		a.Method = a.asked
	}
	for _, o := range opts {
		o.applyTransform(&a)
	}
	a.TfmY = true
	if err := a.finish(); err != nil {
		return l.fail("transform targets: %w", err)
	}
	t, ok := aug.(TargetAugmenter)
	if !ok {
		return l.fail("transform targets: %s cannot be applied to targets alone", aug.Name())
	}
	n := *l
	n.pipe.target = &targetPipe{t, a}
	return n.try("transform targets", l)
}

// applyApart transforms x and y each in its own way. Where the transforms are the same, so are the values.
func (p *pipeline) applyApart(x, y Item, train bool, rng *rand.Rand) (Item, Item, error) {
	s, t := rng.Uint64(), rng.Uint64()
	y, err := p.target.aug.AugmentTarget(x, y, train, rand.New(rand.NewPCG(s, t)), p.target.args)
	if err != nil {
		return nil, nil, fmt.Errorf("target: %w", err)
	}
	if p.aug != nil {
		x, _, err = p.aug.Augment(x, nil, train, rand.New(rand.NewPCG(s, t)), p.args)
	}
	return x, y, err
}

package models

import (
	"fmt"
	"slices"

	"github.com/fastnb/go/fastnb/nn"
)

// drySize is that of the pictures on which a dry run finds the channels of a body that was cut: large
// enough for every body here.
const drySize = 64

// Cut is the architecture with a body that ends after its first n children, or for n below 0 without its
// last -n. It has the same name, since its weights come from the same file.
func (a Arch) Cut(n int) (Arch, error) {
	whole := a.Body()
	have := len(whole.Layers)
	if n < 0 {
		n += have
	}
	if n < 1 || n > have {
		return a, fmt.Errorf("fastnb: models: %s: cut to %d children: its body has %d (try 1 to %d, or -1 to -%d)", a.Name, n, have, have, have-1)
	}
	body := nn.NewSequential(whole.Layers[:n]...)
	shapes, err := tapShapes(body, [2]int{drySize, drySize})
	if err != nil {
		return a, fmt.Errorf("fastnb: models: %s: cut to %d children: %w", a.Name, n, err)
	}
	fresh := a.Body
	a.Body = func() *nn.Sequential { return nn.NewSequential(fresh().Layers[:n]...) }
	a.Out = shapes[n-1][3]
	a.Split = slices.DeleteFunc(slices.Clone(a.Split), func(at int) bool { return at >= n })
	return a, nil
}

// SplitAt is the architecture with layer groups that begin at other children of its body. None makes one
// group of it.
func (a Arch) SplitAt(children ...int) (Arch, error) {
	have := len(a.Body().Layers)
	for i, at := range children {
		if at < 1 || at >= have || i > 0 && at <= children[i-1] {
			return a, fmt.Errorf("fastnb: models: %s: split at children %v: want ascending numbers from 1 to %d", a.Name, children, have-1)
		}
	}
	a.Split = slices.Clone(children)
	return a, nil
}

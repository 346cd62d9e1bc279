package models

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/fastnb/tensor"
)

// TorchCheckpoint is what fastai's learn.save writes.
type TorchCheckpoint struct {
	Weights map[string]*tensor.Tensor // by their state_dict names
	Names   []string                  // of the weights, in the order of the model's layers
	// Opt is the optimizer's state of each parameter that it holds, in its order, by PyTorch's names, such as
	// "exp_avg"; "step" is int64 [1]. It is nil where the file has none.
	Opt []map[string]*tensor.Tensor
}

// ReadTorchCheckpoint reads a checkpoint of fastai: a dictionary of "model" and "opt", or the model's alone. As
// ReadTorch it builds nothing but plain values.
func ReadTorchCheckpoint(path string) (*TorchCheckpoint, error) {
	v, t, err := readTorchValue(path)
	var c *TorchCheckpoint
	if err == nil {
		c, err = t.checkpoint(v)
	}
	if err != nil {
		return nil, fmt.Errorf("fastnb: reading PyTorch file %s: %w", path, err)
	}
	return c, nil
}

// get is the value under a name, nil if there is none.
func (d *pyDict) get(name any) any {
	for i, k := range d.keys {
		if k == name {
			return d.values[i]
		}
	}
	return nil
}

func (t *torchFile) checkpoint(v any) (*TorchCheckpoint, error) {
	c := &TorchCheckpoint{Weights: map[string]*tensor.Tensor{}}
	model := v
	d, ok := v.(*pyDict)
	if !ok {
		return nil, fmt.Errorf("it holds %s, not a dictionary of weights", pyKind(v))
	}
	if m, ok := d.get("model").(*pyDict); ok {
		model = m
	}
	if err := t.collect(c.Weights, "", model, 0); err != nil {
		return nil, err
	}
	for _, k := range model.(*pyDict).keys {
		if name, ok := k.(string); ok && c.Weights[name] != nil {
			c.Names = append(c.Names, name)
		}
	}
	opt, ok := d.get("opt").(*pyDict)
	if !ok || model == v {
		return c, nil
	}
	return c, t.optimizer(c, opt)
}

// optimizer takes the state of each parameter of an optimizer's state_dict.
func (t *torchFile) optimizer(c *TorchCheckpoint, opt *pyDict) error {
	groups, _ := opt.get("param_groups").(*pyList)
	state, _ := opt.get("state").(*pyDict)
	if groups == nil || state == nil {
		return nil
	}
	for _, g := range groups.items {
		d, ok := g.(*pyDict)
		if !ok {
			continue
		}
		params, ok := d.get("params").(*pyList)
		if !ok {
			continue
		}
		for _, id := range params.items {
			ts := map[string]*tensor.Tensor{}
			if s, ok := state.get(id).(*pyDict); ok {
				if err := t.collect(ts, "", s, 0); err != nil {
					return err
				}
				if n, ok := s.get("step").(int64); ok {
					ts["step"] = tensor.FromInt64([]int64{n}, 1)
				}
			}
			c.Opt = append(c.Opt, ts)
		}
	}
	return nil
}

// Plain drops what a learner's model does not have: counters of batches, and what PlainNames drops.
func (c *TorchCheckpoint) Plain() map[string]*tensor.Tensor {
	out := PlainNames(c.Weights)
	for name := range out {
		if strings.HasSuffix(name, "num_batches_tracked") {
			delete(out, name)
		}
	}
	return out
}

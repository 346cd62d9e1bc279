package data

import (
	"encoding/json"
	"fmt"

	"github.com/fastnb/go/datasets"
)

// State is what an exported learner needs of its data: enough to open, transform, normalise and decode
// items, and none of the data.
type State struct {
	Kind    Part          `json:"kind"`
	Label   Part          `json:"label"`
	Augment *Part         `json:"augment,omitempty"`
	Args    TransformArgs `json:"args"`
	Norm    *NormState    `json:"normalize,omitempty"`
	BS      int           `json:"bs"`

	Target     *TargetState `json:"target,omitempty"` // TransformY
	Backwards  bool         `json:"backwards,omitempty"`
	PadLast    bool         `json:"pad_last,omitempty"` // not PadFirst
	BPTT       int          `json:"bptt,omitempty"`
	SkipBroken bool         `json:"skip_broken,omitempty"`
}

// TargetState is what is done to targets alone.
type TargetState struct {
	Augment Part          `json:"augment"`
	Args    TransformArgs `json:"args"`
}

// Part names a registered kind, label kind or augmenter, with its own state.
type Part struct {
	Name  string          `json:"name"`
	State json.RawMessage `json:"state,omitempty"`
}

// NormState is the normalisation.
type NormState struct {
	Stats
	DoX bool `json:"do_x"`
	DoY bool `json:"do_y"`
}

func part(name string, v any) (Part, error) {
	p := Part{Name: name}
	if s, ok := v.(Stater); ok {
		var err error
		if p.State, err = s.State(); err != nil {
			return p, fmt.Errorf("fastnb: export data: %s: %w", name, err)
		}
	}
	return p, nil
}

// State is what an export keeps of d.
func (d *DataBunch) State() (State, error) {
	s := State{Args: d.pipe.args, BS: d.ValBS, Backwards: d.Backwards, PadLast: !d.PadFirst, BPTT: d.BPTT, SkipBroken: d.SkipBroken}
	var err error
	if s.Kind, err = part(d.Kind().Name(), d.Kind()); err != nil {
		return s, err
	}
	if s.Label, err = part(d.kind.Name(), d.kind); err != nil {
		return s, err
	}
	if a := d.pipe.aug; a != nil {
		p, err := part(a.Name(), a)
		if err != nil {
			return s, err
		}
		s.Augment = &p
	}
	if t := d.pipe.target; t != nil {
		p, err := part(t.aug.Name(), t.aug)
		if err != nil {
			return s, err
		}
		s.Target = &TargetState{p, t.args}
	}
	if n := d.pipe.norm; n != nil {
		s.Norm = &NormState{n.Stats, n.DoX, n.DoY}
	}
	return s, nil
}

// LoadState is a DataBunch without training and validation items that treats items as the one did that
// gave the state; AddTest gives it items to predict. The kinds it names must be registered: a program
// imports the package they are in, such as fastnb/vision.
func LoadState(s State, path datasets.Path, opts ...BunchOption) (*DataBunch, error) {
	l, err := s.lists(path)
	if err != nil {
		return nil, fmt.Errorf("fastnb: import data: %w", err)
	}
	first := s.options()
	if s.BS > 0 {
		first = append(first, BS(s.BS))
	}
	return l.DataBunch(append(first, opts...)...)
}

// options are those of the DataBunch that say what its batches are, not how many items they have.
func (s State) options() []BunchOption {
	// Set as they were, not given: kinds of data that do not look at them are not asked.
	return []BunchOption{bunchFunc(func(d *DataBunch) {
		d.Backwards, d.PadFirst, d.SkipBroken = s.Backwards, !s.PadLast, s.SkipBroken
		if s.BPTT > 0 {
			d.BPTT = s.BPTT
		}
	})}
}

// lists are empty lists of the state's kinds.
func (s State) lists(path datasets.Path) (*LabelLists, error) {
	registry.Lock()
	kind, label := registry.kinds[s.Kind.Name], registry.labels[s.Label.Name]
	registry.Unlock()
	switch {
	case kind == nil:
		return nil, fmt.Errorf("items of kind %q are not known here", s.Kind.Name)
	case label == nil:
		return nil, fmt.Errorf("labels of kind %q are not known here", s.Label.Name)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	k, err := kind(s.Kind.State)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Kind.Name, err)
	}
	l := &LabelLists{pipe: pipeline{args: s.Args}}
	if l.kind, err = label(s.Label.State); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Label.Name, err)
	}
	if s.Augment != nil {
		if l.pipe.aug, err = s.Augment.augmenter(); err != nil {
			return nil, err
		}
	}
	if t := s.Target; t != nil {
		aug, err := t.Augment.augmenter()
		if err != nil {
			return nil, err
		}
		alone, ok := aug.(TargetAugmenter)
		if !ok {
			return nil, fmt.Errorf("%s cannot be applied to targets alone", aug.Name())
		}
		l.pipe.target = &targetPipe{alone, t.Args}
	}
	if s.Norm != nil {
		l.pipe.norm = &normalizer{s.Norm.Stats, s.Norm.DoX, s.Norm.DoY}
	}
	empty := NewItemList(k, path, nil)
	l.Train, l.Valid = &LabelList{empty, nil}, &LabelList{empty, nil}
	return l, nil
}

// check refuses numbers that no data has.
func (s State) check() error {
	const most = 1 << 24
	if s.BS < 0 || s.BS > most || s.BPTT < 0 || s.BPTT > most {
		return fmt.Errorf("batches of %d items, %d words long", s.BS, s.BPTT)
	}
	args := []TransformArgs{s.Args}
	if s.Target != nil {
		args = append(args, s.Target.Args)
	}
	for _, a := range args {
		if a.Height < 0 || a.Width < 0 || (a.Height == 0) != (a.Width == 0) {
			return fmt.Errorf("size %dx%d is not positive", a.Height, a.Width)
		}
		if err := checkSize(a.Height, a.Width); err != nil {
			return err
		}
		if a.Method < ResizeDefault || a.Method > ResizeNo || a.Padding < PadReflection || a.Padding > PadZeros {
			return fmt.Errorf("a way of resizing %d or of padding %d, which is none", a.Method, a.Padding)
		}
	}
	if s.Norm != nil {
		return s.Norm.Stats.check()
	}
	return nil
}

// augmenter makes the transforms again.
func (p Part) augmenter() (Augmenter, error) {
	registry.Lock()
	load := registry.augs[p.Name]
	registry.Unlock()
	if load == nil {
		return nil, fmt.Errorf("transforms %q are not known here", p.Name)
	}
	a, err := load(p.State)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	return a, nil
}

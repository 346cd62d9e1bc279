package fastnb

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// torchExt is the extension of fastai's checkpoints.
const torchExt = ".pth"

// torchFile is the checkpoint of fastai that a name stands for: the file itself, or name.pth where there is no
// checkpoint of ours under that name.
func (l *Learner) torchFile(name string) (datasets.Path, bool) {
	file := l.Path.Join(l.ModelDir, name)
	if strings.HasSuffix(name, torchExt) {
		return file, true
	}
	other := l.Path.Join(l.ModelDir, name+torchExt)
	return other, !l.ModelFile(name).Exists() && other.Exists()
}

// loadTorch reads what fastai's learn.save wrote, with or without the optimizer.
func (l *Learner) loadTorch(file datasets.Path, c saveConfig) error {
	ck, err := models.ReadTorchCheckpoint(file.String())
	if err != nil {
		hint := ""
		if strings.Contains(err.Error(), "it asks for") {
			hint = " (a whole model was written? try torch.save(model.state_dict(), …) or learn.save in Python)"
		}
		return because("load", fmt.Errorf("%w%s", err, hint))
	}
	if len(ck.Weights) == 0 {
		return fmt.Errorf("fastnb: load: %s: there are no weights in it", file)
	}
	if err := l.eng.LoadState(ck.Plain(), c.strict); err != nil {
		return because("load: "+file.String(), err)
	}
	if !c.withOpt || len(ck.Opt) == 0 {
		l.eng.ZeroOptimizer()
		return nil
	}
	state, err := l.torchOptimizer(ck)
	l.loadOptimizer(file, state, err)
	return nil
}

// loadOptimizer sets the optimizer's state, or begins a new one and says why.
func (l *Learner) loadOptimizer(file datasets.Path, state map[string]*Tensor, err error) {
	if err == nil {
		err = l.eng.LoadOptState(state)
	}
	if err != nil {
		l.eng.ZeroOptimizer()
		l.say("%s: the weights are loaded, the optimizer starts anew: %v", file.Name(), unnamed{err})
	}
}

// torchSlots are PyTorch's names of an optimizer's state arrays, in our order.
var torchSlots = map[string][]string{"adam": {"exp_avg", "exp_avg_sq"}, "sgd": {"momentum_buffer"}, "rmsprop": {"square_avg", "momentum_buffer"}}

// torchOptimizer is the state of a fastai optimizer by our names. fastai has two groups of parameters for each
// layer group, those that decay and the others, each in the order of the layers, without those that are
// frozen.
func (l *Learner) torchOptimizer(ck *models.TorchCheckpoint) (map[string]*Tensor, error) {
	at := make(map[string]int, len(ck.Names))
	for i, n := range ck.Names {
		at[strings.TrimPrefix(n, "model.")] = i
	}
	var order []*nn.Param
	trains := l.trains()
	for _, ps := range l.groups {
		for _, decays := range []bool{true, false} {
			var some []*nn.Param
			for _, p := range ps {
				if _, there := at[p.Name]; trains[p] && there && (p.Kind == nn.Weight) == decays {
					some = append(some, p)
				}
			}
			sort.SliceStable(some, func(a, b int) bool { return at[some[a].Name] < at[some[b].Name] })
			order = append(order, some...)
		}
	}
	if len(order) != len(ck.Opt) {
		return nil, fmt.Errorf("the file has it for %d parameters, of the model %d train (try Freeze or Unfreeze before, as it was in Python)", len(ck.Opt), len(order))
	}
	slots := torchSlots[l.cfg.Optimizer]
	out, steps := map[string]*Tensor{}, int64(0)
	for i, p := range order {
		for k, name := range slots {
			t := ck.Opt[i][name]
			if t == nil || !slices.Equal(t.Shape(), p.Shape) {
				return nil, fmt.Errorf("there is no %s of shape %v for %s (another optimizer?)", name, p.Shape, p.Name)
			}
			out[fmt.Sprintf("%d.%s", k, p.Name)] = t
		}
		if s := ck.Opt[i]["step"]; s != nil && s.Len() == 1 {
			steps = max(steps, int64(s.Float64s()[0]))
		}
	}
	if l.cfg.Optimizer == "sgd" && steps == 0 {
		steps = 1 // PyTorch's keeps no number; its first step is the only one that differs
	}
	out["t"] = tensor.FromInt64([]int64{steps}, 1)
	return out, nil
}

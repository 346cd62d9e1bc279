package fastnb

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// streamMixUp keeps MixUp's random numbers apart from others of the same seed.
const streamMixUp = 0x6d69787570

// MixUp trains on mixtures: each row of a batch is l times itself and 1-l times another row, with l of
// its own, max(b, 1-b) for b of the distribution Beta(alpha, alpha); fastai's alpha is 0.4. Targets are
// mixed alike. With one class per item the loss is l·loss(first class) + (1-l)·loss(second), with
// several labels that of the mixed labels, which is the same; with values it is the loss of the mixed
// value, whose gradient is the same. Validation sees items as they are. (Zhang et al. 2017,
// arXiv:1710.09412; fastai callbacks/mixup.py)
func MixUp(alpha float64) Callback {
	var mixed []*Tensor // inputs, kept for the next batch of the same shape
	return Callback{
		Name: "MixUp",
		BeforeFit: func(l *Learner) error {
			if !(alpha > 0) {
				return fmt.Errorf("alpha %g: must be positive", alpha)
			}
			return nil
		},
		BeforeBatch: func(l *Learner) error {
			if !l.Training {
				return nil
			}
			if len(l.Target) != 1 {
				return fmt.Errorf("%d targets: needs one", len(l.Target))
			}
			n := firstSize(l.Target)
			rng := rand.New(rand.NewPCG(data.CurrentSeed()^streamMixUp, uint64(l.EpochsBegun())<<32|uint64(l.Batch)))
			with, lambda := rng.Perm(n), make([]float32, n)
			beta := distuv.Beta{Alpha: alpha, Beta: alpha, Src: rng}
			for k := range lambda {
				b := beta.Rand()
				lambda[k] = float32(max(b, 1-b))
			}
			y, err := mixTarget(l.Target[0], l.Data.C, l.Loss, with, lambda)
			if err != nil {
				return err
			}
			if len(mixed) != len(l.Input) {
				mixed = make([]*Tensor, len(l.Input))
			}
			for k, x := range l.Input {
				if x.DType() != tensor.Float32 {
					return fmt.Errorf("inputs of kind %s cannot be mixed", x.DType())
				}
				if mixed[k] == nil || !sameShape(mixed[k], x) {
					mixed[k] = tensor.New(tensor.Float32, x.Shape()...)
				}
				mixRows(mixed[k].Float32s(), x.Float32s(), with, lambda)
			}
			l.Input, l.Target = append([]*Tensor{}, mixed...), []*Tensor{y}
			return nil
		},
		AfterFit: func(*Learner) error { mixed = nil; return nil },
	}
}

func sameShape(a, b *Tensor) bool {
	s, t := a.Shape(), b.Shape()
	if len(s) != len(t) {
		return false
	}
	for k := range s {
		if s[k] != t[k] {
			return false
		}
	}
	return true
}

// mixTarget mixes the rows of y; classes become the weights of all classes, [N] to [N, C].
func mixTarget(y *Tensor, classes int, loss nn.Loss, with []int, lambda []float32) (*Tensor, error) {
	switch {
	case y.DType() == tensor.Float32:
		out := tensor.New(tensor.Float32, y.Shape()...)
		mixRows(out.Float32s(), y.Float32s(), with, lambda)
		return out, nil
	case y.DType() != tensor.Int64 || y.Len() != len(with) || loss.Activation != "softmax":
		return nil, fmt.Errorf("targets %v with the loss %s cannot be mixed: needs a class or values for each item", y.Shape(), loss.Name)
	}
	out := tensor.New(tensor.Float32, y.Len(), classes)
	ks, w := y.Int64s(), out.Float32s()
	for k, m := range with {
		for _, c := range []int64{ks[k], ks[m]} {
			if c < 0 || int(c) >= classes {
				return nil, fmt.Errorf("class %d is none of the data's %d", c, classes)
			}
		}
		w[k*classes+int(ks[k])] += lambda[k]
		w[k*classes+int(ks[m])] += 1 - lambda[k]
	}
	return out, nil
}

// mixRows makes each row l times itself and 1-l times the row that with names.
func mixRows(out, x []float32, with []int, lambda []float32) {
	if len(with) == 0 {
		return
	}
	n := len(x) / len(with)
	for k, m := range with {
		l, a, b, o := lambda[k], x[k*n:(k+1)*n], x[m*n:(m+1)*n], out[k*n:(k+1)*n]
		for i := range o {
			o[i] = l*a[i] + (1-l)*b[i]
		}
	}
}

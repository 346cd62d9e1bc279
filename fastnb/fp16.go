package fastnb

import (
	"fmt"
	"math"
	"slices"

	"github.com/fastnb/go/fastnb/tensor"
)

// FP16Option changes what ToFP16 does.
type FP16Option interface{ applyFP16(*fp16Config) }

type fp16Option func(*fp16Config)

func (o fp16Option) applyFP16(c *fp16Config) { o(c) }

type fp16Config struct {
	first float64 // 0: by dynamic
	bf16  bool
	scale []string // the options that speak of the loss scale
	lossScale
}

// scaleOption is an option that speaks of the loss scale.
func scaleOption(name string, f func(*fp16Config)) FP16Option {
	return fp16Option(func(c *fp16Config) { c.scale = append(c.scale, name); f(c) })
}

// BF16 makes ToFP16 compute in bfloat16, which has the range of single precision and 8 bits of mantissa: without a loss
// scale. It is for cards that multiply in it, which is NVIDIA's from the A100 on, and for processors that do.
func BF16() FP16Option { return fp16Option(func(c *fp16Config) { c.bf16 = true }) }

// LossScale is the scale to begin with: by default 65536, or 512 with Dynamic(false).
func LossScale(scale float64) FP16Option {
	return scaleOption("LossScale", func(c *fp16Config) { c.first = scale })
}

// MaxNoskip is how many batches in a row must pass without overflow before the scale doubles: 1000 by
// default.
func MaxNoskip(batches int) FP16Option {
	return scaleOption("MaxNoskip", func(c *fp16Config) { c.every = batches })
}

// Dynamic says whether the scale halves at an overflow and grows again: true by default.
func Dynamic(on bool) FP16Option {
	return scaleOption("Dynamic", func(c *fp16Config) { c.dynamic = on })
}

// MaxScale is the scale from which on it grows no more: 2^24 by default.
func MaxScale(scale float64) FP16Option {
	return scaleOption("MaxScale", func(c *fp16Config) { c.max = scale })
}

// lossScale is what the backward pass begins with, and how it moves. (fastai callbacks/fp16.py)
type lossScale struct {
	now, max float64
	dynamic  bool
	every    int // batches without overflow before it grows
	noskip   int // of them so far
}

// canFall reports whether an overflow has a smaller scale to go to.
func (s *lossScale) canFall() bool { return s.dynamic && s.now > 1 }

// saw moves the scale by whether a batch's gradients overflowed. At a scale of 1 an overflow is counted
// as none, as fastai does.
func (s *lossScale) saw(overflow bool) {
	switch {
	case !s.dynamic:
	case overflow && s.canFall():
		s.now /= 2
		s.noskip = 0
	default:
		s.noskip++
		if s.noskip >= s.every && s.now < s.max {
			s.now *= 2
			s.noskip = 0
		}
	}
}

// ToFP16 trains and predicts in mixed precision from now on: on a GPU, what lies between the layers is kept in half
// precision and products are computed by its tensor cores, while weights, running statistics, losses, gradients of
// weights and the optimizer stay in single precision, so that Save and Load do not notice.
//
// On a processor with instructions for bfloat16 (AVX512_BF16, or AMX on Linux) the inputs of products are rounded to
// bfloat16 (linear layers, decoders, the products of recurrent layers over all steps and, with AMX, convolutions), sums
// and all else stay in single precision. Since it has single precision's range there is no loss scale, unless
// LossScale or another option of it is given. On other processors nothing is rounded, and ToFP16 says so.
//
// The backward pass begins with a loss scale instead of 1, so that small gradients do not vanish, and the optimizer
// divides by it. A batch whose gradients overflow makes no step; the scale halves, and doubles again after
// MaxNoskip batches that went well. An overflow that no smaller scale can follow ends the fit with an error.
// Clipping and accumulated gradients are free of the scale, so GradientClipping needs no argument here.
//
// Options: LossScale, MaxNoskip (1000), Dynamic (true), MaxScale (2^24); or BF16, which needs no scale and takes
// none of these. Summary tells the precision, memory and the time of a step. (fastai train.py, to_fp16)
func (l *Learner) ToFP16(o ...FP16Option) error {
	if err := l.alive("to fp16"); err != nil {
		return err
	}
	c := fp16Config{lossScale: lossScale{max: 1 << 24, dynamic: true, every: 1000}}
	for _, o := range o {
		o.applyFP16(&c)
	}
	if err := c.settle(); err != nil {
		return because("to fp16", err)
	}
	kind := tensor.Float16
	if c.bf16 {
		kind = tensor.BFloat16
	} else if i := l.eng.Info(); !i.CanMix(kind) && slices.Contains(i.Products, tensor.BFloat16) {
		kind = tensor.BFloat16
		if len(c.scale) == 0 {
			c.bf16, c.now = true, 1
		}
		l.say("ToFP16: this processor multiplies in bfloat16, not in float16. All but the inputs of products stays float32.")
	}
	if err := l.mix(kind, c.bf16); err != nil {
		return because("to fp16", err)
	}
	if err := l.eng.SetLossScale(c.now); err != nil {
		return err
	}
	l.scale = nil
	if !c.bf16 {
		l.scale = &c.lossScale
	}
	return nil
}

// settle fills in the first scale, and finds what cannot be.
func (c *fp16Config) settle() error {
	if c.bf16 {
		c.now = 1
		if len(c.scale) > 0 {
			return fmt.Errorf("%s: BF16 needs no loss scale (try ToFP16 without the one or the other)", c.scale[0])
		}
		return nil
	}
	c.now = c.first
	if c.first == 0 {
		c.now = 512
		if c.dynamic {
			c.now = 1 << 16
		}
	}
	switch {
	case !(c.now >= 1) || c.now > math.MaxFloat32:
		return fmt.Errorf("LossScale(%v): must be from 1 to 3.4e38", c.first)
	case !(c.max >= 1) || c.max > math.MaxFloat32:
		return fmt.Errorf("MaxScale(%v): must be from 1 to 3.4e38", c.max)
	case c.every < 1:
		return fmt.Errorf("MaxNoskip(%d): must be at least 1", c.every)
	}
	return nil
}

// mix keeps activations in a kind of half precision where the device can; where it cannot, and has a processor's
// single precision, it says so.
func (l *Learner) mix(kind tensor.DType, noScale bool) error {
	i := l.eng.Info()
	if i.CanMix(kind) {
		return l.setActivations(kind)
	}
	if i.Activations.Half() || len(i.Mixed) > 0 {
		return fmt.Errorf("device %s computes in %v, not in %v", i.Name, append([]tensor.DType{i.Activations}, i.Mixed...), kind)
	}
	if l.scale == nil {
		rest := "only the loss scale is at work"
		if noScale {
			rest = "nothing changes"
		}
		l.say("ToFP16: this device computes in single precision. Activations stay float32; %s.", rest)
	}
	return nil
}

// setActivations tells all who compute with the learner's model.
func (l *Learner) setActivations(kind tensor.DType) error {
	if err := l.eng.SetActivations(kind); err != nil {
		return err
	}
	return l.Model.setActivations(kind)
}

// ToFP32 ends what ToFP16 began: everything is computed in single precision again, without a loss scale.
func (l *Learner) ToFP32() error {
	if err := l.alive("to fp32"); err != nil {
		return err
	}
	l.scale = nil
	if err := l.setActivations(tensor.Float32); err != nil {
		return because("to fp32", err)
	}
	return l.eng.SetLossScale(1)
}

// rescale looks whether the batch's gradients overflowed and moves the loss scale for the next batch.
func (r *runner) rescale(rate float64) error {
	l := r.l
	l.Overflow = false
	if l.scale == nil {
		return nil
	}
	bad, err := l.eng.GradsOverflow()
	if err != nil {
		return err
	}
	was, last := l.scale.now, bad && !l.scale.canFall()
	l.Overflow = bad
	l.scale.saw(bad)
	if err := l.eng.SetLossScale(l.scale.now); err != nil {
		return err
	}
	if !last || r.p.nanOK {
		return nil
	}
	try := fmt.Sprintf("learning rates below %.2g; LRFind shows where the loss grows", rate)
	if !l.scale.dynamic && was > 1 {
		try = "a smaller LossScale, or Dynamic(true)"
	}
	return fmt.Errorf("fastnb: %s: epoch %d, batch %d of %d: gradients overflow at a loss scale of %g, with a loss of %.4g; the batch's step was not taken (try %s)",
		r.p.verb, l.Epoch, l.Batch+1, l.TrainBatches(), was, l.BatchLoss, try)
}

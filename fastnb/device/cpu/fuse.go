package cpu

import (
	"slices"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// fuseNorms gives the plan with each batch norm of evaluation made part of the convolution before it, where nothing
// else looks at what the convolution gives: its scale and shift, what is added and the ReLU happen while the outputs
// are still at hand. The plan itself stays as it is.
func fuseNorms(p *device.Plan) *device.Plan {
	uses, maker := usesOf(p)
	gone := map[int]bool{}
	steps := append([]device.Step{}, p.Steps...)
	for i, st := range p.Steps {
		if st.Op != "bn_eval" {
			continue
		}
		k := maker[st.In[0]]
		if k < 0 || uses[st.In[0]] != 1 || p.Values[st.In[0]].Place != device.Temp {
			continue
		}
		conv := p.Steps[k]
		a, isConv := conv.Attrs.(device.Conv)
		bn, isNorm := st.Attrs.(device.BatchNorm)
		if conv.Op != "conv2d" || !isConv || !isNorm || a.Groups > 1 || a.ReLU {
			continue
		}
		in := append([]device.ValueID{conv.In[0], conv.In[1]}, st.In[1:]...)
		steps[i] = device.Step{Op: "conv2d_bn", Attrs: convBN{a, bn}, In: append(in, conv.In[2:]...), Out: st.Out, Layer: conv.Layer}
		gone[k] = true
	}
	return without(p, steps, gone)
}

// fuseSums gives the plan with each sum of two gradients that only a ReLU's mask looks at made one pass with the mask:
// so it is in front of every residual block.
func fuseSums(p *device.Plan) *device.Plan {
	uses, maker := usesOf(p)
	gone := map[int]bool{}
	steps := append([]device.Step{}, p.Steps...)
	for i, st := range p.Steps {
		if st.Op != "relu_grad" || uses[st.In[0]] != 1 || p.Values[st.In[0]].Place != device.Temp {
			continue
		}
		k := maker[st.In[0]]
		if k < 0 || p.Steps[k].Op != "add" || len(p.Steps[k].In) != 2 || st.In[1] == st.In[0] || p.Values[st.In[0]].DType != tensor.Float32 {
			continue
		}
		sum := p.Steps[k]
		if changed(p, k, i, sum.In) {
			continue
		}
		steps[i] = device.Step{Op: "add_relu_grad", In: []device.ValueID{sum.In[0], sum.In[1], st.In[1]}, Out: st.Out, Layer: st.Layer}
		gone[k] = true
	}
	return without(p, steps, gone)
}

// changed reports whether a step between two writes to one of some values.
func changed(p *device.Plan, from, to int, ids []device.ValueID) bool {
	for _, st := range p.Steps[from+1 : to] {
		for _, id := range st.Out {
			if slices.Contains(ids, id) {
				return true
			}
		}
	}
	return false
}

// usesOf counts how often each value is read, and tells which step makes it: -1 for none.
func usesOf(p *device.Plan) (uses, maker []int) {
	uses = make([]int, len(p.Values))
	maker = make([]int, len(p.Values))
	for i := range maker {
		maker[i] = -1
	}
	for i, st := range p.Steps {
		for _, id := range st.In {
			uses[id]++
		}
		for _, id := range st.Out {
			maker[id] = i
		}
	}
	return uses, maker
}

// without gives the plan with other steps, but for those that are gone; itself if none is.
func without(p *device.Plan, steps []device.Step, gone map[int]bool) *device.Plan {
	if len(gone) == 0 {
		return p
	}
	q := *p
	q.Steps = nil
	for i, st := range steps {
		if !gone[i] {
			q.Steps = append(q.Steps, st)
		}
	}
	return &q
}

package engine

import (
	"context"
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// Activation is what a layer computes on a batch, and how a score of the model's output depends on it.
type Activation struct {
	Output *tensor.Tensor // the model's, as Eval gives it
	Value  *tensor.Tensor // the layer's output, pictures as [N, C, H, W]
	Grad   *tensor.Tensor // of the score by Value, of the same shape; nil without weights
}

// Inspect runs a batch forward in evaluation mode and gives the output of the layer of this path, such
// as "0" for the body of a model with a head. With weights, of the output's shape, it also gives the
// gradient of the score sum(output*weights) by it.
func (e *Engine) Inspect(ctx context.Context, x *tensor.Tensor, layer string, weights *tensor.Tensor) (*Activation, error) {
	plan, err := e.inspection(x, layer, weights)
	if err != nil {
		return nil, err
	}
	feed := []*tensor.Tensor{x}
	if weights != nil {
		feed = append(feed, weights)
	}
	runs, err := e.several(ctx, plan, feed, 1, e.seed)
	if err != nil {
		return nil, err
	}
	r := runs[0]
	a := &Activation{Output: r.outputs[0], Value: r.outputs[1]}
	if weights != nil {
		a.Grad = r.by[0]
	}
	return a, nil
}

// inspection is the plan of Inspect.
func (e *Engine) inspection(x *tensor.Tensor, layer string, weights *tensor.Tensor) (*device.Plan, error) {
	building.Lock()
	defer building.Unlock()
	b := graph.NewBuilder(false)
	if weights != nil {
		b.WantGrads()
	}
	out := e.net.Forward(b, b.Feed("x", device.SpecOf(x), device.Normalize{}))
	if err := b.Err(); err != nil {
		return nil, err
	}
	node := b.Result(layer)
	if node == nil {
		return nil, fmt.Errorf("fastnb: inspecting layer %q: the model has no such layer, or it computes nothing", layer)
	}
	spec := graph.LowerSpec{Name: "inspection", Outputs: []*graph.Node{out, node}}
	if weights != nil {
		spec.Of, spec.By = out, []*graph.Node{node}
		spec.Weights = b.Feed("weights", device.SpecOf(weights), device.Normalize{})
	}
	return b.Lower(spec)
}

// EvalWithDropout runs a batch forward so many times in evaluation mode, but with dropout dropping, each
// time other elements by the seed, and gives the outputs.
func (e *Engine) EvalWithDropout(ctx context.Context, x *tensor.Tensor, times int, seed uint64) ([]*tensor.Tensor, error) {
	building.Lock()
	b := graph.NewBuilder(false)
	b.DropInEvaluation()
	out := e.net.Forward(b, b.Feed("x", device.SpecOf(x), device.Normalize{}))
	plan, err := b.Lower(graph.LowerSpec{Name: "evaluation with dropout", Outputs: []*graph.Node{out}})
	building.Unlock()
	if err != nil {
		return nil, err
	}
	runs, err := e.several(ctx, plan, []*tensor.Tensor{x}, times, int64(seed))
	if err != nil {
		return nil, err
	}
	outs := make([]*tensor.Tensor, times)
	for k, r := range runs {
		outs[k] = r.outputs[0]
	}
	return outs, nil
}

// results are what a run of an inspection gives, by the arguments' numbers.
type results struct{ outputs, by map[int]*tensor.Tensor }

// several compiles a plan, runs it so many times, each with a random stream of its own, and gives the
// results of each run.
func (e *Engine) several(ctx context.Context, plan *device.Plan, feed []*tensor.Tensor, times int, seed int64) ([]results, error) {
	plan.Activations = e.act
	prog, err := e.dev.Compile(plan)
	if err != nil {
		return nil, err
	}
	defer prog.Close()
	var args, own []device.Buffer
	defer func() {
		for _, b := range own {
			e.dev.Free(b)
		}
	}()
	for i, a := range plan.Args {
		buf, err := e.shared(a, plan.Spec(i))
		if err != nil {
			return nil, err
		}
		if buf == nil {
			if buf, err = e.dev.Alloc(plan.Spec(i)); err != nil {
				return nil, fmt.Errorf("fastnb: engine: %s: %w", plan.Values[a.Value].Name, err)
			}
			own = append(own, buf)
		}
		if args = append(args, buf); a.Role == device.Input {
			e.queue.Write(buf, feed[a.Index])
		}
	}
	runs := make([]results, times)
	for k := range runs {
		e.queue.Write(e.rng, tensor.FromInt64([]int64{seed, int64(k)}, 2))
		if err := e.look(ctx, func() device.Event { return e.queue.Run(ctx, prog, args...) }); err != nil {
			return nil, err
		}
		runs[k] = results{map[int]*tensor.Tensor{}, map[int]*tensor.Tensor{}}
		for i, a := range plan.Args {
			to := map[device.Role]map[int]*tensor.Tensor{device.Output: runs[k].outputs, device.By: runs[k].by}[a.Role]
			if to == nil {
				continue
			}
			if to[a.Index], err = e.read(ctx, args[i], plan.Layout(i)); err != nil {
				return nil, err
			}
		}
	}
	return runs, nil
}

// LayerShape is a layer of the model as it works on a batch.
type LayerShape struct {
	Path   string // "0.4.0.conv1"
	Layer  nn.Layer
	Output []int // [N, C, H, W] for pictures
}

// LayerShapes tells for each layer without children what it gives on a batch like x. Nothing is
// computed: the graph alone knows the shapes.
func (e *Engine) LayerShapes(x *tensor.Tensor) ([]LayerShape, error) {
	building.Lock()
	defer building.Unlock()
	b := graph.NewBuilder(false)
	in := b.Feed("x", device.SpecOf(x), device.Normalize{})
	e.net.Forward(b, in)
	if err := b.Err(); err != nil {
		return nil, err
	}
	var out []LayerShape
	last := in
	var walk func(path string, l nn.Layer)
	walk = func(path string, l nn.Layer) {
		children := l.Children()
		if len(children) == 0 {
			if n := b.Result(path); n != nil {
				last = n
			} // else it passes its input on, or works within the op before it
			out = append(out, LayerShape{Path: path, Layer: l, Output: b.Layout(last).User(b.Shape(last))})
		}
		for _, c := range children {
			p := c.Name
			if path != "" {
				p = path + "." + c.Name
			}
			walk(p, c.Layer)
		}
	}
	walk("", e.net)
	return out, nil
}

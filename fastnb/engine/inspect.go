package engine

import (
	"context"
	"fmt"
	"slices"

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
	b := graph.NewBuilder(false)
	if weights != nil {
		b.WantGrads()
	}
	out := e.net.Forward(b, b.Input("x", x.DType(), deviceShape(x)...))
	if err := b.Err(); err != nil {
		return nil, err
	}
	node := b.Result(layer)
	if node == nil {
		return nil, fmt.Errorf("fastnb: inspecting layer %q: the model has no such layer, or it computes nothing", layer)
	}
	spec := graph.LowerSpec{Name: "inspection", Outputs: []*graph.Node{out, node}}
	feed := []*tensor.Tensor{toDevice(x)}
	if weights != nil {
		spec.Of, spec.By = out, []*graph.Node{node}
		spec.Weights = b.Input("weights", weights.DType(), deviceShape(weights)...)
		feed = append(feed, toDevice(weights))
	}
	low, err := b.Lower(spec)
	if err != nil {
		return nil, err
	}
	runs, err := e.several(ctx, low, feed, 1)
	if err != nil {
		return nil, err
	}
	results := runs[0]
	a := &Activation{Output: results["output 0"], Value: results["output 1"], Grad: results["by 0"]}
	return a, nil
}

// EvalWithDropout runs a batch forward so many times in evaluation mode, but with dropout dropping, each
// time other elements, and gives the outputs.
func (e *Engine) EvalWithDropout(ctx context.Context, x *tensor.Tensor, times int) ([]*tensor.Tensor, error) {
	b := graph.NewBuilder(false)
	b.DropInEvaluation()
	out := e.net.Forward(b, b.Input("x", x.DType(), deviceShape(x)...))
	low, err := b.Lower(graph.LowerSpec{Name: "evaluation with dropout", Outputs: []*graph.Node{out}})
	if err != nil {
		return nil, err
	}
	runs, err := e.several(ctx, low, []*tensor.Tensor{toDevice(x)}, times)
	if err != nil {
		return nil, err
	}
	outs := make([]*tensor.Tensor, times)
	for k, r := range runs {
		outs[k] = r["output 0"]
	}
	return outs, nil
}

// several compiles a plan, runs it so many times, each with a random stream of its own, and gives the
// results of each run by kind and index.
func (e *Engine) several(ctx context.Context, low *graph.Lowered, feed []*tensor.Tensor, times int) ([]map[string]*tensor.Tensor, error) {
	prog, err := e.dev.Compile(low.Plan)
	if err != nil {
		return nil, err
	}
	defer prog.Close()
	var args []device.Buffer
	own := map[string]device.Buffer{}
	defer func() {
		for _, b := range own {
			e.dev.Free(b)
		}
	}()
	for i, ref := range low.Args {
		switch ref.Kind {
		case "param":
			args = append(args, e.byName[ref.Name].buf)
			continue
		case "rng":
			args = append(args, e.rng)
			continue
		}
		v := low.Plan.Values[low.Plan.Args[i]]
		buf, err := e.dev.Alloc(v.DType, v.Shape...)
		if err != nil {
			return nil, fmt.Errorf("fastnb: engine: %s: %w", v.Name, err)
		}
		own[fmt.Sprint(ref.Kind, " ", ref.Index)] = buf
		args = append(args, buf)
		if ref.Kind == "input" {
			if err := e.dev.Upload(buf, feed[ref.Index]); err != nil {
				return nil, fmt.Errorf("fastnb: engine: input %d: %w", ref.Index, err)
			}
		}
	}
	runs := make([]map[string]*tensor.Tensor, times)
	for k := range runs {
		if err := e.dev.Upload(e.rng, tensor.FromInt64([]int64{e.seed, int64(k)}, 2)); err != nil {
			return nil, err
		}
		if err := prog.Run(ctx, args...); err != nil {
			return nil, err
		}
		runs[k] = map[string]*tensor.Tensor{}
		for name, buf := range own {
			if runs[k][name], err = e.get(buf); err != nil {
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
	b := graph.NewBuilder(false)
	in := b.Input("x", x.DType(), deviceShape(x)...)
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
			out = append(out, LayerShape{Path: path, Layer: l, Output: userShape(b.Shape(last))})
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

// userShape is a device's shape as users see it.
func userShape(s []int) []int {
	if len(s) == 4 {
		return []int{s[0], s[3], s[1], s[2]}
	}
	return slices.Clone(s)
}

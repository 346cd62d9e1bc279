package gpu

import (
	"slices"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/graph"
	"github.com/fastnb/go/fastnb/tensor"
)

// anyKernel is a card that has all kernels, which do nothing.
type anyKernel struct{ *soft }

func (a anyKernel) Load(u kernels.Unit, entry string) (Kernel, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return softKernel{entry, func(*soft, []Arg) {}}, nil
}

// What goes back through residual blocks is summed, masked and added up by the norms' kernels, parameters'
// gradients are written where they go, and a pool's maxima are not looked for twice.
func TestResidualBlocksAreNotMadeOfSmallSteps(t *testing.T) {
	b := graph.NewBuilder(true)
	const c = 16
	var params []string
	p := func(name string, shape ...int) *graph.Node {
		params = append(params, name)
		return b.Param(name, shape...)
	}
	norm := func(name string, x *graph.Node, o graph.BNOptions) *graph.Node {
		o.Eps, o.Momentum = 1e-5, .1
		return b.BatchNorm(x, graph.BNParams{Gamma: p(name+".g", c), Beta: p(name+".b", c), Mean: b.Param(name+".m", c), Var: b.Param(name+".v", c)}, o)
	}
	conv := func(name string, x *graph.Node) *graph.Node {
		return b.Conv2D(x, p(name, c, 3, 3, c), nil, device.Conv{Stride: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}})
	}
	pool := device.Pool{Size: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}}
	x := norm("0", conv("c", b.Input("x", tensor.Float32, 4, 16, 16, c)), graph.BNOptions{ReLU: true})
	x = b.MaxPool2D(x, pool)
	for _, n := range []string{"1", "2", "3"} {
		h := norm(n+"a", conv(n+"ac", x), graph.BNOptions{ReLU: true})
		x = norm(n+"b", conv(n+"bc", h), graph.BNOptions{ReLU: true, Res: x})
	}
	plan, err := b.Lower(graph.LowerSpec{Name: "residuals", Loss: b.MSE(x, b.Input("y", tensor.Float32, 4, 8, 8, c)), Grads: params})
	if err != nil {
		t.Fatal(err)
	}
	d := newTestDevice(t, newSoft(1<<30), tensor.Float16)
	d.drv = anyKernel{d.drv.(*soft)}
	prog, err := d.Compile(plan)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, l := range prog.(*program).calls {
		if l.kernel != nil {
			count[l.kernel.Name()]++
		}
	}
	for name, want := range map[string]int{
		"bn_grads_part_self": 4, "bn_dx_self": 4, // the norms with a ReLU and nothing added
		"bn_grads_part_sum": 2, "bn_grads_part_keep": 1, // the others, the last of which has one gradient only
		"maxpool2d_at": 1, "maxpool2d_dx": 1, "maxpool2d": 0,
		"each_relu_grad": 0, "copy_cols": 0, "bn_update": 1,
	} {
		if count[name] != want {
			t.Errorf("%d launches of %s, want %d", count[name], name, want)
		}
	}
	if hosted := prog.(*program).hosted; len(hosted) > 0 {
		t.Errorf("on the host: %s", strings.Join(slices.Compact(hosted), ", "))
	}
}

package gpu

import (
	"fmt"
	"sort"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

type zzDev struct{ *Device }

func (d zzDev) Compile(p *device.Plan) (device.Program, error) {
	pr, err := d.Device.Compile(p)
	if err == nil {
		g := pr.(*program)
		n := map[string]int{}
		bytes := map[string]int64{}
		for _, c := range g.calls {
			name := "other"
			if c.kernel != nil {
				name = c.kernel.Name()
			}
			n[name]++
			for _, r := range c.refs {
				bytes[name] += r.bytes()
			}
		}
		var names []string
		for k := range n {
			names = append(names, k)
		}
		sort.Slice(names, func(i, j int) bool { return bytes[names[i]] > bytes[names[j]] })
		fmt.Printf("== %s: %d launches, arena %d MB\n", p.Name, len(g.calls), g.size>>20)
		for _, k := range names {
			fmt.Printf("%-28s %4d launches %8.1f MB\n", k, n[k], float64(bytes[k])/1e6)
		}
	}
	return pr, err
}

type zzSoft struct{ *soft }

func (s zzSoft) Load(u kernels.Unit, entry string) (Kernel, error) {
	return softKernel{entry, func(*soft, []Arg) {}}, nil
}

func TestZZ(t *testing.T) {
	t.Setenv("FASTNB_GPU_TUNE", "0")
	s := newSoft(64 << 30)
	s.card.Driver, s.card.Compute, s.card.Units, s.card.Tensor, s.card.Align = "cuda", 90, 132, true, 16
	dev, err := New(zzSoft{s}, tensor.Float16)
	if err != nil {
		t.Fatal(err)
	}
	for _, unet := range []bool{false, true} {
		var m nn.Layer
		y := device.Spec{DType: tensor.Int64, Shape: []int{64}}
		x := device.Spec{DType: tensor.Uint8, Shape: []int{64, 3, 224, 224}}
		if unet {
			m, err = models.Unet(models.ResNet34, 32, [2]int{360, 480}, models.UnetOptions{}, nn.NewRNG(1))
			y, x = device.Spec{DType: tensor.Int64, Shape: []int{8, 1, 360, 480}}, device.Spec{DType: tensor.Uint8, Shape: []int{8, 3, 360, 480}}
		} else {
			m, err = models.CNN(models.ResNet34, 37, models.HeadOptions{}, nn.NewRNG(1))
		}
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.New(zzDev{dev}, m, nn.CrossEntropyFlat, nil, optim.Config{TrueWD: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Prepare([]device.Spec{x}, []device.Spec{y}, device.Normalize{Mean: []float32{.485, .456, .406}, Std: []float32{.229, .224, .225}}); err != nil {
			t.Log(err)
		}
	}
}

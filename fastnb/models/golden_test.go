package models

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

func mix(x uint32) uint32 {
	x ^= x >> 16
	x *= 0x7feb352d
	x ^= x >> 15
	x *= 0x846ca68b
	return x ^ x>>16
}

// formula is the value of element i of the array of a name: pseudo-random in (-scale, scale) around
// shift, in single precision, the same in the script that wrote the files.
func formula(name string, i int, scale, shift float64) float32 {
	h := uint32(2166136261)
	for _, b := range []byte(name) {
		h = (h ^ uint32(b)) * 16777619
	}
	u := float64(mix(uint32(i)+mix(h))>>8) / (1 << 24)
	s := float32(2*u - 1)
	return float32(shift) + float32(scale)*s
}

func TestFormula(t *testing.T) {
	if v := formula("a", 0, 1, 0); v != float32(2*0.3697739839553833-1) {
		t.Errorf("formula gives %v", v)
	}
}

func TestReadTorch(t *testing.T) {
	for _, form := range []string{"zip", "legacy"} {
		t.Run(form, func(t *testing.T) {
			ts, err := ReadTorch(filepath.Join("testdata", "tiny_resnet_"+form+".pth"))
			if err != nil {
				t.Fatal(err)
			}
			if len(ts) < 6 {
				t.Fatalf("only %d tensors", len(ts))
			}
			for name, x := range ts {
				if strings.HasSuffix(name, "num_batches_tracked") {
					if x.DType() != tensor.Int64 || x.Int64s()[0] != 7 {
						t.Errorf("%s is %v", name, x.Int64s())
					}
					continue
				}
				shift := 0.0
				if name == "bn1.weight" || name == "bn1.running_var" {
					shift = 1
				}
				for i, v := range x.Float32s() {
					if want := formula("tiny:"+name, i, .1, shift); v != want {
						t.Errorf("%s[%d] = %v, want %v", name, i, v, want)
						break
					}
				}
			}
			views, err := ReadTorch(filepath.Join("testdata", "views_"+form+".pth"))
			if err != nil || len(views) < 3 {
				t.Errorf("views: %d tensors, error %v", len(views), err)
			}
		})
	}
}

func TestReadTorchRefuses(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile("testdata/tiny_resnet_zip.pth")
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := os.ReadFile("testdata/tiny_resnet_legacy.pth")
	if err != nil {
		t.Fatal(err)
	}
	evil := "\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03."
	for name, b := range map[string][]byte{"cut.pth": whole[:len(whole)/2], "empty.pth": nil, "text.pth": []byte("hello"), "evil.pth": []byte(evil), "legacy.pth": legacy[:len(legacy)-300]} {
		f := filepath.Join(dir, name)
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadTorch(f); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := ReadTorch(filepath.Join(dir, "absent.pth")); err == nil {
		t.Error("an absent file was read")
	}
}

// TestParameterCounts holds the nets to the numbers of fastai's.
func TestParameterCounts(t *testing.T) {
	for _, c := range []struct {
		arch    Arch
		classes int
		total   int
	}{{ResNet50, 17, 25623633}, {ResNet34, 2, 21284672 + 528898}} {
		net, err := CNN(c.arch, c.classes, HeadOptions{}, nn.NewRNG(1))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range nn.AllParams(net) {
			if p.Kind.Trainable() {
				n += tensor.Count(p.Shape)
			}
		}
		if n != c.total || len(Groups(c.arch, net)) != 3 {
			t.Errorf("%s with %d classes has %d parameters in %d groups, want %d in 3", c.arch.Name, c.classes, n, len(Groups(c.arch, net)), c.total)
		}
	}
}

func TestFillBody(t *testing.T) {
	body := ResNet18.Body()
	nn.InitParams(body, nn.NewRNG(1))
	ts := map[string]*tensor.Tensor{}
	back := map[string]string{"0.": "conv1.", "1.": "bn1.", "4.": "layer1.", "5.": "layer2.", "6.": "layer3.", "7.": "layer4."}
	nn.NamePaths(body, "")
	for _, p := range nn.AllParams(body) {
		ts[back[p.Name[:2]]+p.Name[2:]] = p.Value
	}
	fresh := ResNet18.Body()
	if err := FillBody(ResNet18, fresh, ts); err != nil {
		t.Fatal(err)
	}
	delete(ts, "layer3.0.conv1.weight")
	if err := FillBody(ResNet18, fresh, ts); err == nil || !strings.Contains(err.Error(), "6.0.conv1.weight is missing") {
		t.Errorf("a missing tensor: error %v", err)
	}
	ts["layer3.0.conv1.weight"] = tensor.New(tensor.Float32, 1)
	if err := FillBody(ResNet18, fresh, ts); err == nil || !strings.Contains(err.Error(), "want [256 128 3 3]") {
		t.Errorf("a wrong shape: error %v", err)
	}
	if _, err := ByName("resnet35"); err == nil || !strings.Contains(err.Error(), "resnet34") {
		t.Errorf("an unknown name: error %v", err)
	}
}

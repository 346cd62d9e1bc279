package models

import (
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestByName takes the names that people type, and lists what there is for one that is none.
func TestByName(t *testing.T) {
	for want, names := range map[string][]string{
		"efficientnet_lite0": {"efficientnet_lite0", "efficientnet-lite0", "EfficientNet-Lite0", "EfficientNetLite0", "efficientnet.lite0"},
		"mobilenet_v2":       {"mobilenet_v2", "MobileNetV2", "mobilenetv2", "MobileNet V2"},
		"resnet34":           {"resnet34", "ResNet34", "ResNet-34", "resnet_34"},
	} {
		for _, name := range names {
			if a, err := ByName(name); err != nil || a.Name != want {
				t.Errorf("ByName(%q) = %q, %v, want %q", name, a.Name, err, want)
			}
		}
	}
	for _, name := range []string{"", "resnet35", "resnet"} {
		_, err := ByName(name)
		if err == nil {
			t.Errorf("ByName(%q) is no error", name)
			continue
		}
		for _, n := range Names() {
			if !strings.Contains(err.Error(), n) {
				t.Errorf("ByName(%q): %q does not list %s", name, err, n)
			}
		}
	}
}

// TestCut shortens bodies, with the channels that the dry run finds and the weights of what stays.
func TestCut(t *testing.T) {
	for _, c := range []struct {
		arch        Arch
		n, kids, to int
		split       int
	}{{ResNet18, 7, 7, 256, 1}, {ResNet18, -1, 7, 256, 1}, {ResNet18, 6, 6, 128, 0}, {ResNet50, -2, 6, 512, 0}, {EfficientNetLite0, 9, 9, 80, 0}} {
		a, err := c.arch.Cut(c.n)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(a.Body().Layers); got != c.kids || a.Out != c.to || len(a.Split) != c.split || a.Name != c.arch.Name {
			t.Errorf("%s cut at %d: %d children, %d channels, split %v, name %s", c.arch.Name, c.n, got, a.Out, a.Split, a.Name)
		}
		if len(c.arch.Split) != 1 {
			t.Errorf("%s itself was changed", c.arch.Name)
		}
	}
	a, err := ResNet18.Cut(6)
	if err != nil {
		t.Fatal(err)
	}
	ts := map[string]*tensor.Tensor{}
	whole := ResNet18.Body()
	nn.NamePaths(whole, "")
	nn.InitParams(whole, nn.NewRNG(3))
	for _, p := range nn.AllParams(whole) {
		ts[p.Name] = p.Value
	}
	body := a.Body()
	if err := FillBody(a, body, ts); err != nil {
		t.Error("weights of the whole network for a part of it:", err)
	}
	for _, n := range []int{9, -8, -9} {
		if _, err := ResNet18.Cut(n); err == nil || !strings.Contains(err.Error(), "8") {
			t.Errorf("cut %d: error %v", n, err)
		}
	}
	for _, at := range [][]int{{0}, {8}, {5, 4}, {3, 3}} {
		if _, err := ResNet18.SplitAt(at...); err == nil || !strings.Contains(err.Error(), "1 to 7") {
			t.Errorf("split at %v: error %v", at, err)
		}
	}
}

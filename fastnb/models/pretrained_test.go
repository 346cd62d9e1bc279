package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/internal/goldentest"
)

// tinyArch has the first two layers of the small checkpoint, so many channels wide.
func tinyArch(t *testing.T, file string, channels int) Arch {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	sha := hex.EncodeToString(sum[:])[:8]
	name := "tiny-" + sha + ".pth"
	dir := filepath.Join(os.Getenv("FASTNB_HOME"), "models")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
		t.Fatal(err)
	}
	return Arch{
		Name: "tiny", Out: channels, Rename: renameResNet,
		Weights: &WeightsFile{URL: "https://weights.invalid/" + name, Name: name, SHA256Prefix: sha},
		Body: func() *nn.Sequential {
			return nn.NewSequential(nn.NewConv2D(3, channels, 7, nn.Stride(2), nn.Pad(3), nn.NoBias()), nn.NewBatchNorm(channels), nn.NewReLU())
		},
	}
}

// TestLoadPretrained reads published weights of both of PyTorch's forms from where they are kept.
func TestLoadPretrained(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_MIRROR", "")
	t.Setenv("FASTNB_OFFLINE", "1")
	for _, file := range []string{"tiny_resnet_zip.pth", "tiny_resnet_legacy.pth"} {
		a := tinyArch(t, file, 8)
		body := a.Body()
		if err := LoadPretrained(a, body); err != nil {
			t.Fatal(err)
		}
		want := goldentest.Fill("tiny:conv1.weight", .1, 0, 8, 3, 7, 7)
		goldentest.Near(t, file, body.Layers[0].Params()[0].Value, want, 1e-7)

		wide := tinyArch(t, file, 16)
		err := LoadPretrained(wide, wide.Body())
		if err == nil || errors.Is(err, datasets.ErrUnavailable) {
			t.Fatalf("%s: weights of another shape: error %v", file, err)
		}
		for _, part := range []string{a.Weights.Name, "conv1.weight", "[8 3 7 7]", "[16 3 7 7]"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %q does not say %s", file, err, part)
			}
		}
		kept := filepath.Join(os.Getenv("FASTNB_HOME"), "models", a.Weights.Name)
		if err := os.WriteFile(kept, []byte("damaged"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := LoadPretrained(a, a.Body()); err == nil || errors.Is(err, datasets.ErrUnavailable) || !strings.Contains(err.Error(), a.Weights.Name) {
			t.Errorf("%s: a damaged file: error %v", file, err)
		}
		if err := os.Remove(kept); err != nil {
			t.Fatal(err)
		}
		if err := LoadPretrained(a, a.Body()); !errors.Is(err, datasets.ErrUnavailable) {
			t.Errorf("%s: no file: error %v", file, err)
		}
	}
}

// TestWeightsUnderTodaysName: torchvision's file is taken under the name it has now, where the one that fastai
// fetched is not there; a damaged one is told.
func TestWeightsUnderTodaysName(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	t.Setenv("FASTNB_MIRROR", "")
	t.Setenv("FASTNB_OFFLINE", "1")
	a := tinyArch(t, "tiny_resnet_zip.pth", 8)
	today := a.Weights.Name
	a.Weights = &WeightsFile{URL: "https://weights.invalid/tiny-00000000.pth", Name: "tiny-00000000.pth", SHA256Prefix: "00000000", Also: []string{"tiny-11111111.pth", today}}
	body := a.Body()
	if err := LoadPretrained(a, body); err != nil {
		t.Fatal(err)
	}
	goldentest.Near(t, today, body.Layers[0].Params()[0].Value, goldentest.Fill("tiny:conv1.weight", .1, 0, 8, 3, 7, 7), 1e-7)
	if err := os.WriteFile(filepath.Join(os.Getenv("FASTNB_HOME"), "models", today), []byte("damaged"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := LoadPretrained(a, a.Body()); err == nil || errors.Is(err, datasets.ErrUnavailable) || !strings.Contains(err.Error(), today) {
		t.Errorf("a damaged file: %v", err)
	}
	for name, want := range map[string][]string{
		"resnet18": {"resnet18-f37072fd.pth"}, "resnet34": {"resnet34-b627a593.pth"}, "resnet50": {"resnet50-0676ba61.pth", "resnet50-11ad3fa6.pth"},
		"resnet101": {"resnet101-63fe2227.pth", "resnet101-cd907fc2.pth"}, "resnet152": {"resnet152-394f9c45.pth", "resnet152-f82ba261.pth"}, "mobilenet_v2": {"mobilenet_v2-7ebf99e0.pth"},
	} { // torchvision 0.15, models/resnet.py and models/mobilenetv2.py
		a, err := ByName(name)
		if err != nil || strings.Join(a.Weights.Also, " ") != strings.Join(want, " ") {
			t.Errorf("%s: %v, %v", name, a.Weights.Also, err)
		}
	}
}

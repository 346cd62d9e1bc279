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

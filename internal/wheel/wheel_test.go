package wheel

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A wheel holds the program, marked executable, and the spec; RECORD has the right sum of each file.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("\x7fELF program"), 0o755); err != nil {
		t.Fatal(err)
	}
	for platform := range Platforms {
		name, err := Write(filepath.Join(dir, "dist"), "1.2", platform, program, map[string][]byte{"kernel.json": []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		if base := filepath.Base(name); !strings.HasPrefix(base, "fastnb-1.2-py3-none-") || !strings.HasSuffix(base, ".whl") {
			t.Error(base)
		}
		z, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, f := range z.File {
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(in)
			if err != nil {
				t.Fatal(err)
			}
			files[f.Name] = string(b)
			if exec := f.Mode()&0o111 != 0; exec != strings.Contains(f.Name, "/scripts/") {
				t.Errorf("%s: %s executable: %v", platform, f.Name, exec)
			}
		}
		_ = z.Close()
		script := "fastnb-1.2.data/scripts/fastnb"
		if platform == "windows/amd64" {
			script += ".exe"
		}
		if files[script] != "\x7fELF program" || files["fastnb-1.2.data/data/share/jupyter/kernels/fastnb/kernel.json"] != "{}" {
			t.Errorf("%s: %v", platform, files)
		}
		record := strings.Split(strings.TrimSpace(files["fastnb-1.2.dist-info/RECORD"]), "\n")
		if len(record) != len(files) {
			t.Errorf("%s: %d files, %d records", platform, len(files), len(record))
		}
		for _, r := range record[:len(record)-1] {
			n, _, _ := strings.Cut(r, ",")
			sum := sha256.Sum256([]byte(files[n]))
			if want := fmt.Sprintf("%s,sha256=%s,%d", n, base64.RawURLEncoding.EncodeToString(sum[:]), len(files[n])); r != want {
				t.Errorf("record %s, want %s", r, want)
			}
		}
	}
	if _, err := Write(dir, "1", "plan9/amd64", program, nil); err == nil || !strings.Contains(err.Error(), "linux/arm64") {
		t.Error(err)
	}
	if _, err := Write(dir, "1", "linux/amd64", filepath.Join(dir, "none"), nil); err == nil {
		t.Error("a program that is not there")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".wheel-*")); len(left) > 0 {
		t.Error("left:", left)
	}
}

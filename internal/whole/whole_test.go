package whole

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range es {
		out = append(out, e.Name())
	}
	return out
}

func TestWriteReplacesOrLeaves(t *testing.T) {
	dir := t.TempDir()
	f := filepath.Join(dir, "a.txt")
	if err := WriteBytes(f, []byte("one")); err != nil {
		t.Fatal(err)
	}
	boom := errors.New("boom")
	err := Write(f, func(w io.Writer) error { _, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20)); return boom })
	if !errors.Is(err, boom) {
		t.Errorf("error %v", err)
	}
	if got, _ := os.ReadFile(f); string(got) != "one" {
		t.Errorf("%q after a write that failed", got)
	}
	if n := names(t, dir); len(n) != 1 {
		t.Errorf("left behind: %q", n)
	}
}

// A file of a dead writer goes, those of the living and of strangers stay.
func TestSweep(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there a file must be a minute old")
	}
	dir := t.TempDir()
	dead := filepath.Join(dir, ".m.safetensors.abc"+partExt)
	if err := os.WriteFile(dead, []byte("half"), 0o666); err != nil {
		t.Fatal(err)
	}
	stranger := filepath.Join(dir, ".m.safetensors-12345")
	if err := os.WriteFile(stranger, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	living := filepath.Join(dir, "living")
	err := Write(living, func(w io.Writer) error {
		before := names(t, dir)
		if len(before) != 2 { // the stranger's and our own: the dead one's is swept already
			t.Errorf("while writing: %q", before)
		}
		if err := WriteBytes(filepath.Join(dir, "second"), nil); err != nil { // sweeps again
			return err
		}
		_, err := w.Write([]byte("whole"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(living); string(got) != "whole" {
		t.Errorf("%q", got)
	}
	if n := names(t, dir); len(n) != 3 {
		t.Errorf("%q", n)
	}
}

// The child writes without end; killed, its half file is there, and gone with the next write.
func TestSweepAfterKill(t *testing.T) {
	if dir := os.Getenv("WHOLE_CHILD"); dir != "" {
		_ = Write(filepath.Join(dir, "f"), func(w io.Writer) error {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return err
				}
				time.Sleep(time.Millisecond)
			}
		})
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("there a file must be a minute old")
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSweepAfterKill$")
	cmd.Env = append(os.Environ(), "WHOLE_CHILD="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); len(names(t, dir)) == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	Sweep(dir)
	if n := names(t, dir); len(n) != 1 || !strings.HasSuffix(n[0], partExt) {
		t.Errorf("a living writer's folder after a sweep: %q", n)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := WriteBytes(filepath.Join(dir, "g"), nil); err != nil {
		t.Fatal(err)
	}
	if n := names(t, dir); len(n) != 1 || n[0] != "g" {
		t.Errorf("after a write: %q", n)
	}
}

func TestInside(t *testing.T) {
	base := t.TempDir()
	root, away := filepath.Join(base, "root"), filepath.Join(base, "away")
	for _, d := range []string{root, away, filepath.Join(root, "real")} {
		if err := os.MkdirAll(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"models": away, "up": "..", "good": "real", "h.csv": filepath.Join(away, "h.csv"), "d.csv": "../gone/x", "nothing": "missing"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Skip(err)
		}
	}
	for rel, want := range map[string]string{
		"a.csv": "", "new/deep/a": "", "good/a": "", "models/a": "leads out", "models/deep/a": "leads out", "up/a": "leads out",
		"h.csv": "leads out", "d.csv": "leads out", "nothing": "to nothing", "../else/a": "",
	} {
		_, err := Inside(root, rel)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", rel, err, want)
		}
	}
	if n := names(t, away); len(n) != 0 {
		t.Errorf("written outside: %q", n)
	}
}

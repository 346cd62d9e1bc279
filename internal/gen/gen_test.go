package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCurrent fails when a package has changed and kernel/bind was not written anew.
func TestCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("loads every bound package")
	}
	dir := t.TempDir()
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	fresh, err := filepath.Glob(filepath.Join(dir, "gen_*.go"))
	if err != nil || len(fresh) == 0 {
		t.Fatal("nothing generated", err)
	}
	for _, f := range fresh {
		want, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		have, err := os.ReadFile(filepath.Join("..", "..", "kernel", "bind", filepath.Base(f)))
		if err != nil || string(have) != string(want) {
			t.Errorf("kernel/bind/%s is not current (run `make generate`)", filepath.Base(f))
		}
	}
}

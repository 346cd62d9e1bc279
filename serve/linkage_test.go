package serve

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A starter's image has a C library where its program wants one. The program here is the test itself, or a file that
// says it needs an interpreter.
func TestStarterOfLinkedProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the programs are of another system")
	}
	self, err := os.Executable()
	check(t, err)
	dir := filepath.Join(t.TempDir(), "app")
	lacks, err := Init(t.Context(), Starter{Dir: dir, Program: self})
	check(t, err)
	docker, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	check(t, err)
	_, alone := linkage(self)
	want := "\nFROM debian:bookworm-slim\n"
	if alone {
		want = "\nFROM scratch\n"
	}
	if !strings.Contains(string(docker), want) || strings.Contains(lacks, "program") {
		t.Errorf("alone %v, lacks %q\n%s", alone, lacks, docker)
	}
	if linux, _ := linkage("linkage_test.go"); linux {
		t.Error("a text is a program")
	}
}

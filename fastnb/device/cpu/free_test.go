package cpu

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLinuxFree reads figures of a machine without and with a container's limit.
func TestLinuxFree(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		f := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(f), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, free int64, known bool) {
		t.Helper()
		if got, ok := linuxFree(root); got != free || ok != known {
			t.Errorf("%s: %d, %v, want %d, %v", what, got, ok, free, known)
		}
	}
	want("another system", 0, false)
	write("proc/meminfo", "MemTotal:       8000000 kB\nMemFree:         100 kB\nMemAvailable:    4000 kB\n")
	want("no container", 4000<<10, true)
	write("sys/fs/cgroup/memory.max", "max\n")
	write("sys/fs/cgroup/memory.current", "500000\n")
	want("a container without a limit", 4000<<10, true)
	write("sys/fs/cgroup/memory.max", "1000000\n")
	want("a limit", 500000, true)
	write("sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 200000\n")
	want("a limit, and files that can go", 700000, true)
	write("sys/fs/cgroup/memory.current", "1300000\n")
	want("over the limit", 0, true)
	if New(1).FreeMemory() < 1<<20 {
		t.Error("no memory here")
	}
}

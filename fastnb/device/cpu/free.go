package cpu

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// FreeMemory is what the system says can still be had: on Linux MemAvailable, or less where a container has a limit of
// its own; elsewhere 4 GB less what this process has taken.
func (d *Device) FreeMemory() int64 {
	if free, ok := linuxFree("/"); ok {
		return free
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return max(4<<30-int64(m.HeapAlloc), 1<<28)
}

// totalMemory is the machine's, 0 where the system does not say.
func totalMemory() int64 {
	kb, _ := field("/proc/meminfo", "MemTotal:")
	return kb << 10
}

// linuxFree reads the figures of the system whose files are under root.
func linuxFree(root string) (free int64, ok bool) {
	kb, ok := field(filepath.Join(root, "proc/meminfo"), "MemAvailable:")
	if !ok {
		return 0, false
	}
	free = kb << 10
	// Control groups, second version. What a group keeps of files it gives up before it runs out.
	group := filepath.Join(root, "sys/fs/cgroup")
	limit, limited := field(filepath.Join(group, "memory.max"), "")
	used, known := field(filepath.Join(group, "memory.current"), "")
	if limited && known {
		files, _ := field(filepath.Join(group, "memory.stat"), "inactive_file ")
		free = min(free, max(limit-used+files, 0))
	}
	return free, true
}

// field is the number behind a name in a file of lines, or the file's only number.
func field(file, name string) (int64, bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer func() { _ = f.Close() }() // only read
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), name); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

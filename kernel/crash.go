package kernel

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/fastnb/go/datasets"
)

// crash is the note that a kernel leaves of its end. It is a file of a folder of the user's own, named after the
// connection file, which a front end gives to the kernel that takes the place of one that died: its first line
// says which cell runs, and Go writes the trace of a crash behind it. The process's standard error is a cell's
// output by then, and lost.
type crash struct {
	mu sync.Mutex
	f  *os.File
}

// crashFile is the note's name.
func crashFile(connectionFile string) string {
	full, err := filepath.Abs(connectionFile)
	if err != nil {
		full = connectionFile
	}
	sum := sha256.Sum256([]byte(full))
	return filepath.Join(datasets.Home().String(), "crash", fmt.Sprintf("%x.txt", sum[:8]))
}

// private makes dir if need be and reports whether nobody but its owner, who is the user, can look into it or
// put something there.
func private(dir string) bool {
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return false
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return false
	}
	st, err := os.Lstat(dir)
	return err == nil && st.IsDir() && mine(st) && (runtime.GOOS == "windows" || st.Mode().Perm()&0o077 == 0)
}

// openCrash begins a note and gives what the kernel before this one has left, "" if it ended in peace.
func openCrash(connectionFile string) (c *crash, before string) {
	name := crashFile(connectionFile)
	if !private(filepath.Dir(name)) {
		return &crash{}, ""
	}
	if b, err := os.ReadFile(name); err == nil {
		before = lastWords(string(b), name)
		_ = os.Rename(name, strings.TrimSuffix(name, ".txt")+"-last.txt")
	}
	_ = os.Remove(name) // it could not be read, or was renamed
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return &crash{}, before
	}
	_ = debug.SetCrashOutput(f, debug.CrashOptions{})
	return &crash{f: f}, before
}

// running notes that a cell runs, or that none does.
func (c *crash) running(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.f == nil {
		return
	}
	_ = c.f.Truncate(0)
	_, _ = c.f.WriteString(line)
}

// peace removes the note: the kernel ends as it should.
func (c *crash) peace() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.f == nil {
		return
	}
	_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
	_ = c.f.Close()
	_ = os.Remove(c.f.Name())
	c.f = nil
}

// reason is the line of a trace that says why a Go program died.
var reason = regexp.MustCompile(`(?m)^(?:fatal error|panic|runtime|unexpected fault|SIG\w+): .*$`)

// lastWords tells a note to the user of the kernel that follows.
func lastWords(note, name string) string {
	first, trace, _ := strings.Cut(note, "\n")
	cell, ok := strings.CutPrefix(first, "running ")
	if !ok && reason.FindString(note)+inferred(note) == "" {
		return ""
	}
	during := ""
	if ok {
		during = " while " + cell + " ran"
	} else {
		trace = note
	}
	why := reason.FindString(trace)
	if why == "" {
		why = inferred(trace)
	}
	if why == "" {
		return "The kernel died" + during + " without a word: the system may have killed it because memory ran out. Its variables are gone.\n"
	}
	return "The kernel died" + during + ": " + why + "\n" + advice(why) + "Its variables are gone; the trace is in " + strings.TrimSuffix(name, ".txt") + "-last.txt\n"
}

// inferred is the reason line of what the runtime calls a fatal error: it says it on the standard error only,
// and leaves the trace. The functions that gave up tell.
func inferred(trace string) string {
	for _, f := range []struct{ frames, says string }{
		{"maps.fatal( maps.(*Iter).Next(", "concurrent map iteration and map write"},
		{"maps.fatal( runtime.mapaccess", "concurrent map read and map write"},
		{"maps.fatal(", "concurrent map writes"},
		{"sync.fatal( (*RWMutex)", "sync: unlock of unlocked RWMutex"},
		{"sync.fatal(", "sync: unlock of unlocked mutex"},
		{"runtime.throw( runtime.(*mheap).grow(", "runtime: out of memory"},
		{"runtime.throw( runtime.newstack(", "stack overflow"},
		{"runtime.throw(", "the runtime gave up"},
	} {
		all := true
		for frame := range strings.FieldsSeq(f.frames) {
			all = all && strings.Contains(trace, frame)
		}
		if all {
			return "fatal error: " + f.says
		}
	}
	return ""
}

// advice is what helps against a reason.
func advice(why string) string {
	switch {
	case strings.Contains(why, "concurrent map"):
		return "Goroutines that share a map need a sync.Mutex around it, or a sync.Map.\n"
	case strings.Contains(why, "out of memory"):
		return "It asked for more memory than there is.\n"
	case strings.HasPrefix(why, "panic: "):
		return "A goroutine of a package panicked; only the package can recover from that.\n"
	}
	return ""
}

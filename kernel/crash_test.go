package kernel

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// kernelFile names the connection file for the test binary that is to be a kernel.
const kernelFile = "FASTNB_TEST_KERNEL"

// TestMain is a kernel where a test asks for a process of its own.
func TestMain(m *testing.M) {
	if file := os.Getenv(kernelFile); file != "" {
		if err := Run(context.Background(), file); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestCrashIsTold: what Go itself ends the process for is told by the kernel that takes its place, with the
// reason and the cell.
func TestCrashIsTold(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	t.Setenv("FASTNB_HOME", dir)
	at := newAddress(t, "tcp")
	ended := make(chan bool, 1)
	process := func(ctx context.Context, file string) error {
		c := exec.CommandContext(ctx, os.Args[0])
		c.Env = append(os.Environ(), kernelFile+"="+file)
		_ = c.Run() // it dies
		ended <- true
		return nil
	}
	c := at.connect(t, process)
	for _, cell := range []struct{ code, want string }{
		{"import \"sync\"\nm := map[int]int{}\nvar wg sync.WaitGroup\nfor g := range 8 {\n\twg.Add(1)\n\tgo func() { for i := 0; ; i++ { m[i*g] = i } }()\n}\nwg.Wait()", "fatal error: concurrent map"},
		{"import \"sync\"\nvar mu sync.Mutex\nmu.Unlock()", "fatal error: sync: unlock of unlocked mutex"},
		{"import \"os/exec\"\nexec.Command(\"kill\", \"-9\", fmt.Sprint(os.Getpid())).Run()", "without a word"},
	} {
		c.send(c.shell, "execute_request", map[string]any{"code": cell.code})
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatalf("%s\ndoes not end the process", cell.code)
		}
		c = at.connect(t, process)
		got, _ := c.run("1 + 1")
		told := strings.Join(got, "|")
		if !strings.Contains(told, cell.want) || !strings.Contains(told, "while cell 3 (import \"") && !strings.Contains(told, "while cell 1 (import \"") || !strings.Contains(told, "execute_result 2") {
			t.Errorf("%s\nthe next kernel says %q, want %q", cell.code, told, cell.want)
		}
		if got, _ := c.run("2"); strings.Join(got, "|") != "execute_result 2" {
			t.Errorf("told twice: %q", got)
		}
	}
}

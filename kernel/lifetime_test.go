//go:build unix

package kernel

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A kernel is gone soon after the server that started it, also while a cell runs that nothing stops: whether
// the server is its parent or further up.
func TestKernelEndsWithItsServer(t *testing.T) {
	for _, wrapped := range []bool{false, true} {
		t.Run(fmt.Sprint("wrapped ", wrapped), func(t *testing.T) {
			t.Setenv("FASTNB_HOME", t.TempDir())
			at := newAddress(t, "tcp")
			server := exec.Command("sleep", "600")
			if !wrapped { // the shell is the server, and waits
				server = exec.Command("sh", "-c", `JPY_PARENT_PID=$$ "$0" -test.run=^$ & wait`, os.Args[0])
				server.Env = append(os.Environ(), kernelFile+"="+at.file)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = server.Process.Kill() }()
			gone := make(chan bool, 1)
			c := at.connect(t, func(ctx context.Context, file string) error {
				if !wrapped {
					<-ctx.Done()
					return nil
				}
				k := exec.CommandContext(ctx, os.Args[0])
				k.Env = append(os.Environ(), kernelFile+"="+file, fmt.Sprint("JPY_PARENT_PID=", server.Process.Pid))
				_ = k.Run()
				gone <- true
				return nil
			})
			if got, _ := c.run("6 * 7"); strings.Join(got, "|") != "execute_result 42" {
				t.Fatalf("published %q", got)
			}
			time.Sleep(2 * parentEvery)
			if got, _ := c.run("1"); strings.Join(got, "|") != "execute_result 1" {
				t.Fatalf("the kernel does not live while its server does: %q", got)
			}
			c.send(c.shell, "execute_request", map[string]any{"code": "for { }"})
			time.Sleep(200 * time.Millisecond)
			if err := server.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = server.Wait()
			start := time.Now()
			for listens(c.addrs[4]) && time.Since(start) < patience {
				time.Sleep(20 * time.Millisecond)
			}
			d := time.Since(start)
			t.Logf("gone after %v", d)
			if d > 30*time.Second { // 5 s on a quiet machine
				t.Errorf("the kernel lived %v longer than its server", d)
			}
			if wrapped {
				<-gone
			}
		})
	}
}

func listens(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// SIGINT interrupts the running cell, and does nothing to a kernel that has none; SIGTERM ends it.
func TestSignals(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	at := newAddress(t, "tcp")
	kernel := make(chan *exec.Cmd, 1)
	ended := make(chan error, 1)
	c := at.connect(t, func(ctx context.Context, file string) error {
		k := exec.Command(os.Args[0])
		k.Env = append(os.Environ(), kernelFile+"="+file)
		if err := k.Start(); err != nil {
			return err
		}
		kernel <- k
		ended <- k.Wait()
		return nil
	})
	k := <-kernel
	interrupt := func(s os.Signal) {
		t.Helper()
		if err := k.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := c.run("x := 6"); len(got) > 0 {
		t.Fatalf("published %q", got)
	}
	interrupt(os.Interrupt) // idle
	time.Sleep(100 * time.Millisecond)
	id := c.send(c.shell, "execute_request", map[string]any{"code": "fmt.Println(\"on\"); for { }"})
	c.awaitStream(id)
	interrupt(os.Interrupt)
	if m := c.reply(id); m.String("ename") != "interrupted" {
		t.Errorf("the cell ends with %v", m.Content)
	}
	if got, _ := c.run("x * 7"); strings.Join(got, "|") != "execute_result 42" {
		t.Errorf("after an interrupt: %q", got)
	}
	interrupt(syscall.SIGTERM)
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("ended by SIGTERM: %v", err)
		}
	case <-time.After(patience):
		t.Error("SIGTERM does not end the kernel")
		_ = k.Process.Kill()
	}
}

// What a kernel leaves for the one after it lies in a folder of the user's own, under no name that another
// could have laid.
func TestCrashNoteIsPrivate(t *testing.T) {
	home := t.TempDir()
	t.Setenv("FASTNB_HOME", home)
	name := crashFile("connection.json")
	if !private(filepath.Dir(name)) {
		t.Fatal("no private folder could be made")
	}
	if st, err := os.Stat(filepath.Dir(name)); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v %v", st.Mode(), err)
	}
	victim := filepath.Join(home, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, name); err != nil {
		t.Fatal(err)
	}
	note, _ := openCrash("connection.json")
	note.running("running cell 1 (x)\n")
	if st, err := os.Lstat(name); err != nil || !st.Mode().IsRegular() || st.Mode().Perm() != 0o600 {
		t.Errorf("the note: %v %v", st, err)
	}
	note.peace()
	if b, _ := os.ReadFile(victim); string(b) != "precious" {
		t.Errorf("a file behind a link became %q", b)
	}
	if err := os.Chmod(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if private(filepath.Dir(name)) {
		t.Error("a folder that everybody may write in was taken for private")
	}
}

//go:build linux

package kernel

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"github.com/fastnb/go/kernel/wire"
)

// secondUser names, for a process of this test's program, what it should try as another user of the machine.
const secondUser = "FASTNB_TEST_SECOND_USER"

// nobody is a user who is not the one of the test.
const nobody = 65534

func init() {
	if args := os.Getenv(secondUser); args != "" {
		trySecondUser(strings.Split(args, "\n"))
		os.Exit(0)
	}
}

// trySecondUser does what a neighbour would: reads files, connects to sockets, sends what it has no key for, and
// listens. It prints what it got.
func trySecondUser(args []string) {
	home, file, ipc, shell, control, iopub := args[0], args[1], args[2], args[3], args[4], args[5]
	for _, f := range []string{file, filepath.Join(home, "history.jsonl")} {
		_, err := os.ReadFile(f)
		fmt.Println("read", filepath.Base(f), errors.Is(err, fs.ErrPermission))
		err = os.WriteFile(f, nil, 0o600)
		fmt.Println("write", filepath.Base(f), errors.Is(err, fs.ErrPermission))
	}
	_, err := net.Dial("unix", ipc)
	fmt.Println("ipc", errors.Is(err, fs.ErrPermission))
	ctx := context.Background()
	for _, addr := range []string{shell, control} {
		for _, key := range []string{"guessed", ""} {
			s := zmq4.NewDealer(ctx, zmq4.WithID([]byte("me"))) // as the client calls itself
			if s.Dial("tcp://"+addr) != nil {
				fmt.Println("no connection to", addr)
				continue
			}
			for typ, content := range map[string]any{"execute_request": map[string]any{"code": "stolen := 1"}, "shutdown_request": map[string]any{}, "interrupt_request": map[string]any{}} {
				f, err := wire.Signer{Key: []byte(key)}.Encode(nil, wire.Header{MsgID: wire.NewID(), MsgType: typ, Version: wire.Protocol}, nil, content)
				if err == nil {
					_ = s.SendMulti(zmq4.NewMsgFrom(f...))
				}
			}
		}
	}
	sub := zmq4.NewSub(ctx)
	if err := sub.Dial("tcp://" + iopub); err != nil {
		fmt.Println(err)
	}
	_ = sub.SetOption(zmq4.OptionSubscribe, "")
	go func() {
		for {
			m, err := sub.Recv()
			if err != nil {
				return
			}
			if strings.Contains(fmt.Sprintf("%s", m.Frames), "a secret of the cell") {
				fmt.Println("heard")
			}
		}
	}()
	fmt.Println("listening")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test has seen enough
}

// TestSecondUser: another user of the machine cannot read or write the kernel's files, reach its sockets in a folder of
// the first user's, or have anything run, interrupted or ended over the loopback ports; it can hear what cells print
// there, as docs/security.md says.
func TestSecondUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be two users")
	}
	open, err := os.MkdirTemp("", "fastnb-second-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(open) })
	self := filepath.Join(open, "neighbour")
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(open, "home")
	if err := errors.Join(os.WriteFile(self, program, 0o700), os.Chmod(self, 0o755), os.Chmod(open, 0o755), os.Mkdir(home, 0o755), os.Chmod(home, 0o755)); err != nil {
		t.Fatal(err)
	}
	private := start(t, "ipc")
	t.Setenv("FASTNB_HOME", home)
	at := newAddress(t, "tcp")
	file := filepath.Join(open, "connection.json") // in a folder that all may look into: its own permissions count
	js, err := os.ReadFile(at.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, js, 0o600); err != nil {
		t.Fatal(err)
	}
	at.file = file
	c := at.connect(t, Run)
	if got, _ := c.run("x := 6"); len(got) > 0 {
		t.Fatalf("published %q", got)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), secondUser+"="+strings.Join([]string{home, file, private.ipc + "-1", c.addrs[0], c.addrs[1], c.addrs[3]}, "\n"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("no process of another user can be started: %v", err)
	}
	defer func() { _, _ = in.Close(), cmd.Wait() }()
	lines := make(chan string, 100)
	go func() {
		for sc := bufio.NewScanner(out); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	var said []string
	until := func(word string, again func()) {
		t.Helper()
		for late := time.After(patience); ; {
			select {
			case l := <-lines:
				if l == word {
					return
				}
				said = append(said, l)
			case <-time.After(200 * time.Millisecond):
				again()
			case <-late:
				t.Fatalf("it never says %s, but %q", word, said)
			}
		}
	}
	until("listening", func() {})
	// Its subscription takes a moment to arrive.
	until("heard", func() { c.run("fmt.Println(\"a secret of the cell\")") })
	for _, want := range []string{"read connection.json true", "write connection.json true", "read history.jsonl true", "write history.jsonl true", "ipc true"} {
		found := false
		for _, l := range said {
			found = found || l == want
		}
		if !found {
			t.Errorf("%q is not among what the second user says: %q", want, said)
		}
	}
	if got, r := c.run("stolen"); r.String("status") != "error" || !strings.Contains(r.String("evalue"), "undefined: stolen") {
		t.Errorf("what a stranger sent has run: %q %v", got, r.Content)
	}
	if got, _ := c.run("x * 7"); strings.Join(got, "|") != "execute_result 42" {
		t.Errorf("published %q", got)
	}
	if got, _ := private.run("1"); strings.Join(got, "|") != "execute_result 1" {
		t.Errorf("over ipc: %q", got)
	}
}

// TestListensOnLoopback: a kernel's ports are where the connection file says, and nowhere else.
func TestListensOnLoopback(t *testing.T) {
	c := start(t, "tcp")
	others, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, a := range others {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() {
			continue
		}
		for _, addr := range c.addrs {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				t.Fatal(err)
			}
			tried++
			if conn, err := net.DialTimeout("tcp", net.JoinHostPort(ip.IP.String(), port), time.Second); err == nil {
				_ = conn.Close()
				t.Errorf("port %s answers on %s too", port, ip.IP)
			}
		}
	}
	t.Logf("%d other addresses tried", tried)
}

// TestHistoryIsPrivate: whatever the umask, what was typed is for its writer alone, also after the file was cut to the
// latest cells.
func TestHistoryIsPrivate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := t.TempDir()
	h := openHistory(dir, func(err error) { t.Error(err) })
	h.add(1, "password := \"x\"")
	for range 2 {
		st, err := os.Stat(filepath.Join(dir, "history.jsonl"))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Fatalf("%v %v", st.Mode(), err)
		}
		if err := h.rewrite(); err != nil {
			t.Fatal(err)
		}
	}
}

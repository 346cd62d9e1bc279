package kernel

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fastnb/go/kernel/wire"
)

// TestStartsThatCannotWork: Run gives an error that names the file or the address at fault.
func TestStartsThatCannotWork(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	busy, err := json.Marshal(wire.Connection{Transport: "tcp", IP: "127.0.0.1", ShellPort: port, ControlPort: 1, StdinPort: 2, IOPubPort: 3, HBPort: 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ path, want string }{
		{filepath.Join(dir, "absent.json"), "absent.json: no such file"},
		{dir, "connection file"},
		{file("empty.json", ""), "empty.json: unexpected end"},
		{file("text.json", `{"shell_port": "x"}`), "text.json: json: cannot unmarshal string"},
		{file("scheme.json", `{"transport": "tcp", "signature_scheme": "hmac-md5"}`), `signature scheme "hmac-md5"`},
		{file("pgm.json", `{"transport": "pgm"}`), `transport "pgm"`},
		{file("ports.json", `{"transport": "tcp", "ip": "127.0.0.1", "shell_port": 7, "control_port": 7, "stdin_port": 7, "iopub_port": 70000, "hb_port": 7}`), "iopub_port is 70000"},
		{file("busy.json", string(busy)), "listening on tcp://127.0.0.1:" + itoa(port)},
	} {
		if err := Run(context.Background(), c.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", filepath.Base(c.path), err, c.want)
		}
	}
}

// TestClientsThatVanish: what a client leaves half sent is dropped, and the others are served.
func TestClientsThatVanish(t *testing.T) {
	c := start(t, "tcp")
	greeting := append([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'}, make([]byte, 48)...)
	for _, sent := range [][]byte{nil, greeting[:10], greeting, append(append([]byte{}, greeting...), 4, 200, 5, 'R', 'E'), []byte("GET / HTTP/1.1\r\n\r\n")} {
		for _, addr := range c.addrs {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(sent); err != nil {
				t.Fatal(err)
			}
			_ = conn.Close()
		}
	}
	if got, _ := c.run("6 * 7"); strings.Join(got, "|") != "execute_result 42" {
		t.Errorf("published %q", got)
	}
}

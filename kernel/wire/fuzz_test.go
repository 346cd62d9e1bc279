package wire

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzConnection reads any bytes as a connection file: an error, or ports, a transport and a scheme that can be used.
func FuzzConnection(f *testing.F) {
	good := `{"transport": "tcp", "ip": "127.0.0.1", "key": "k", "signature_scheme": "hmac-sha256", "shell_port": 1, "control_port": 2, "stdin_port": 3, "iopub_port": 4, "hb_port": 5, "kernel_name": "x"}`
	for _, s := range []string{good, good[:60], "", "null", "[]", "{}", `{"transport": "ipc", "shell_port": 1e9}`, `{"shell_port": "1"}`, "\xff\xfe{\x00}\x00"} {
		f.Add([]byte(s))
	}
	file := filepath.Join(f.TempDir(), "c.json")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := ReadConnection(file)
		if err != nil {
			return
		}
		for _, port := range []int{c.ShellPort, c.ControlPort, c.StdinPort, c.IOPubPort, c.HBPort} {
			if network, address := c.endpoint(port); port < 1 || port > 65535 || network == "" || address == "" {
				t.Errorf("%s %s for port %d of %q", network, address, port, b)
			}
		}
	})
}

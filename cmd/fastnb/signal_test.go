//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSignalsWriteWhatThereIs: a run that is told to end, also inside a call that nothing stops, leaves what
// was done so far.
func TestSignalsWriteWhatThereIs(t *testing.T) {
	for name, s := range map[string]syscall.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			self := filepath.Join(dir, "fastnb") // the test's program under the name that makes it the command
			if err := os.Symlink(os.Args[0], self); err != nil {
				t.Fatal(err)
			}
			book, out := filepath.Join(dir, "a.ipynb"), filepath.Join(dir, "out.ipynb")
			cells := `{"cells": [
 {"cell_type": "code", "id": "a", "metadata": {}, "source": "fmt.Println(\"first\")", "execution_count": null, "outputs": []},
 {"cell_type": "code", "id": "b", "metadata": {}, "source": "fmt.Println(\"second\"); os.WriteFile(\"on\", nil, 0o600); for { }", "execution_count": null, "outputs": []},
 {"cell_type": "code", "id": "c", "metadata": {}, "source": "fmt.Println(\"never\")", "execution_count": null, "outputs": []}
], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`
			if err := os.WriteFile(book, []byte(cells), 0o666); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, "nb", "run", "-o", out, book)
			said, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 4096)
			if _, err := said.Read(buf); err != nil { // the first cell is done
				t.Fatal(err)
			}
			for _, err := os.Stat(filepath.Join(dir, "on")); err != nil; _, err = os.Stat(filepath.Join(dir, "on")) { // so is what the second one does before it hangs
				time.Sleep(10 * time.Millisecond)
			}
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			go func() {
				for {
					if _, err := said.Read(buf); err != nil {
						return
					}
				}
			}()
			if err := cmd.Wait(); err == nil {
				t.Error("the run ended well")
			}
			b, err := os.ReadFile(out)
			if err != nil || !strings.Contains(string(b), `"first\n"`) || !strings.Contains(string(b), `"second\n"`) || strings.Contains(string(b), `"never\n"`) {
				t.Errorf("written: %s %v", b, err)
			}
		})
	}
}

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRunOnAFullDisk: a run whose output does not fit its disk says so, names what was to be written and not its
// temporary name, leaves no part of it, and keeps what was run elsewhere while there is anywhere. The disk is
// one of 2 MB, in a namespace of the test's own.
func TestRunOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	self, disk, elsewhere, home := filepath.Join(dir, "fastnb"), filepath.Join(dir, "disk"), filepath.Join(dir, "elsewhere"), filepath.Join(dir, "home")
	for _, d := range []string{disk, elsewhere, home} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(os.Args[0], self); err != nil {
		t.Fatal(err)
	}
	book := filepath.Join(dir, "a.ipynb")
	cells := `{"cells": [
 {"cell_type": "code", "id": "a", "metadata": {}, "source": "import \"strings\"\nfmt.Println(strings.Repeat(\"first \", 200000))", "execution_count": null, "outputs": []},
 {"cell_type": "code", "id": "b", "metadata": {}, "source": "fmt.Println(strings.Repeat(\"second \", 200000))", "execution_count": null, "outputs": []}
], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}`
	if err := os.WriteFile(book, []byte(cells), 0o666); err != nil {
		t.Fatal(err)
	}
	// run gives what the run said, and what is on the disk after it.
	run := func(tmp string, args ...string) (said string, left []string) {
		t.Helper()
		script := `mount -t tmpfs -o size=2m none "$DISK" || exit 99; echo old > "$DISK/out.ipynb"; "$@"; code=$?; echo; for f in $(ls -A "$DISK"); do echo "LEFT $f $(wc -c <"$DISK/$f")"; done; exit $code`
		cmd := exec.Command("sh", append([]string{"-c", script, "sh", self, "nb", "run"}, args...)...)
		cmd.Env = append(os.Environ(), "DISK="+disk, "TMPDIR="+tmp, "HOME="+home, "FASTNB_HOME="+home)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		out, err := cmd.CombinedOutput()
		exit := (*exec.ExitError)(nil)
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() == 99) {
			t.Skipf("no disk of one's own can be had here: %v %s", err, out)
		}
		if err == nil {
			t.Errorf("%v ended well: %s", args, out)
		}
		for line := range strings.Lines(string(out)) {
			if f, ok := strings.CutPrefix(line, "LEFT "); ok {
				left = append(left, strings.TrimSpace(f))
			}
		}
		if strings.Contains(string(out), "fastnb-part") {
			t.Errorf("a temporary name is told: %s", out)
		}
		return string(out), left
	}
	kept := func(in string) bool {
		files, err := filepath.Glob(filepath.Join(in, "fastnb-*.ipynb"))
		if err != nil || len(files) != 1 {
			return false
		}
		defer func() { _ = os.Remove(files[0]) }()
		b, err := os.ReadFile(files[0])
		return err == nil && strings.Count(string(b), "first") > 200000 && strings.Count(string(b), "second") > 200000
	}

	for _, c := range []struct {
		name, tmp string
		args      []string
		kept      string
	}{
		{"notebook", elsewhere, []string{"-o", filepath.Join(disk, "out.ipynb")}, elsewhere},
		{"page alone", elsewhere, []string{"--html", filepath.Join(disk, "out.html")}, elsewhere},
		{"temporary files too", disk, []string{"-o", filepath.Join(disk, "out.ipynb")}, dir},
	} {
		t.Run(c.name, func(t *testing.T) {
			said, left := run(c.tmp, append(c.args, book)...)
			for _, want := range []string{"2 ok, 0 failed", "writing " + c.args[1] + ": no space left on device (", "try freeing 2.", "what was run is kept in " + c.kept} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is missing in what is said:\n%s", want, said)
				}
			}
			if len(left) != 1 || left[0] != "out.ipynb 4" {
				t.Errorf("on the disk: %q, want the old file alone", left)
			}
			if !kept(c.kept) {
				t.Error("what was run is not kept")
			}
		})
	}
	// Where the page does not fit and the notebook does, nothing need be kept elsewhere.
	out := filepath.Join(dir, "good.ipynb")
	said, _ := run(elsewhere, "-o", out, "--html", filepath.Join(disk, "out.html"), book)
	if b, err := os.ReadFile(out); err != nil || !strings.Contains(string(b), "second second") || strings.Contains(said, "is kept in") || !strings.Contains(said, "out.html: no space left on device") {
		t.Errorf("%v, said:\n%s", err, said)
	}
}

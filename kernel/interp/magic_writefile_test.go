package interp

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// %%writefile puts new text into a file, with the permissions that the file has, by way of a link too; a text that
// cannot be written is an error, and nothing is left beside it.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	s := session(t)
	run := func(name string) *CellError {
		return s.Run(context.Background(), "%%writefile "+name+"\n#!/bin/sh\necho yes", RunOptions{}, &recorder{}).Err
	}
	script, link := filepath.Join(dir, "run.sh"), filepath.Join(dir, "link.sh")
	if err := os.WriteFile(script, []byte("old"), 0o700); err != nil {
		t.Fatal(err)
	}
	linked := os.Symlink("run.sh", link) == nil
	for _, name := range []string{script, link} {
		if err := run(name); err != nil {
			t.Fatal(err)
		}
	}
	st, err := os.Lstat(script)
	if b, _ := os.ReadFile(script); err != nil || string(b) != "#!/bin/sh\necho yes\n" || runtime.GOOS != "windows" && st.Mode().Perm() != 0o700 {
		t.Errorf("%q %v %v", b, st, err)
	}
	if to, err := os.Readlink(link); linked && (err != nil || to != "run.sh") {
		t.Errorf("the link: %q %v", to, err)
	}
	if err := run(filepath.Join(dir, "none", "a.txt")); err == nil {
		t.Error("a folder that is not there")
	}
	if files, _ := os.ReadDir(dir); len(files) > 2 {
		t.Errorf("left: %v", files)
	}
}

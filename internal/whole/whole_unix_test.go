//go:build unix

package whole

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// The umask says who may read a new file; one that is replaced keeps its permissions.
func TestWriteKeepsUmask(t *testing.T) {
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	f := filepath.Join(t.TempDir(), "f")
	for i, want := range []os.FileMode{0o600, 0o640} {
		if err := WriteBytes(f, nil); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			defer func() { _ = os.Chmod(f, 0o600) }()
		}
		st, err := os.Stat(f)
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("mode %v, want %v (%v)", st.Mode(), want, err)
		}
		if err := os.Chmod(f, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

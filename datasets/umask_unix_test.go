//go:build unix

package datasets

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A data set that comes in an archive is for nobody whom the umask leaves out, its folder too, whether the archive
// has one or not.
func TestUnpackedByUmask(t *testing.T) {
	for name, archive := range map[string][]byte{
		"a folder": gzipOf(t, tarOf(t, entry{name: "flowers/in/a.txt", body: "rose"})),
		"files":    gzipOf(t, tarOf(t, entry{name: "in/a.txt", body: "rose"}, entry{name: "b.txt", body: "tulip"})),
	} {
		for _, umask := range []int{0o077, 0o027, 0o022} {
			mirror := t.TempDir()
			put(t, filepath.Join(mirror, "flowers.tgz"), archive)
			t.Setenv("FASTNB_HOME", t.TempDir())
			t.Setenv("FASTNB_MIRROR", mirror)
			old := syscall.Umask(umask)
			p, err := GetData("flowers")
			syscall.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{"", "in", "in/a.txt"} {
				st, err := os.Stat(filepath.Join(p.String(), part))
				if err != nil || st.Mode().Perm()&os.FileMode(umask) != 0 || st.Mode().Perm()&0o400 == 0 {
					t.Errorf("%s, umask %03o: %q has %v: %v", name, umask, part, st.Mode(), err)
				}
			}
		}
	}
}

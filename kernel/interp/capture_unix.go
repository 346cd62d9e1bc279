//go:build unix

package interp

import (
	"os"

	"golang.org/x/sys/unix"
)

// duplicate is another descriptor for the same file, closed in child programs.
func duplicate(f *os.File) *os.File {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return f
	}
	return os.NewFile(uintptr(fd), f.Name())
}

// replaceStd puts other files in the place of descriptors 1 and 2.
func replaceStd(stdout, stderr *os.File) (restore func(), err error) {
	set := func(a, b *os.File) error {
		if err := dupTo(int(a.Fd()), 1); err != nil {
			return err
		}
		return dupTo(int(b.Fd()), 2)
	}
	if err := set(stdout, stderr); err != nil {
		return nil, err
	}
	roomy(2)
	return func() { _ = set(RealStdout(), RealStderr()) }, nil
}

// standard is a standard stream as cells have it, on a descriptor of its own: were it 1 itself, and a cell closed it or
// forgot it, the next file that anybody opens could take its number.
func (c *capture) standard(fd uintptr, name string) *os.File {
	n, err := unix.FcntlInt(c.streams[fd-1].w.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return os.NewFile(fd, name)
	}
	return os.NewFile(uintptr(n), name)
}

//go:build !unix

package interp

import "os"

func duplicate(f *os.File) *os.File { return f }

// replaceStd swaps Go's files; what child programs print directly is not seen.
func replaceStd(stdout, stderr *os.File) (restore func(), err error) {
	o, e := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = stdout, stderr
	return func() { os.Stdout, os.Stderr = o, e }, nil
}

// standard is a standard stream as cells have it.
func (c *capture) standard(fd uintptr, name string) *os.File {
	now := []*os.File{os.Stdout, os.Stderr}[fd-1]
	if now != nil && now == c.before[fd-1] { // the pipe already
		return now
	}
	return os.NewFile(fd, name)
}

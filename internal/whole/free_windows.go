package whole

import "golang.org/x/sys/windows"

// Free is the number of bytes that the caller may still write on the disk of dir; ok is false where it
// cannot be told.
func Free(dir string) (n int64, ok bool) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	return int64(free), err == nil && free < 1<<62
}

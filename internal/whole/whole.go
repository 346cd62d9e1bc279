// Package whole writes files that are there as a whole or not at all, whatever happens meanwhile: the
// process killed, the disk full, the machine switched off.
//
// It is a leaf: everything may import it, it imports nothing of the project.
package whole

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// partExt ends the names of files that are being written. Nobody else's files end like that: what is
// found of them without a living writer is swept.
const partExt = ".fastnb-part"

// attempts bounds the search for a free temporary name.
const attempts = 100

// Write puts what write gives into the file path, under a temporary name in the same folder first; then
// it syncs the file, renames it over path and syncs the folder. When it fails the old file is as it was
// and nothing is left behind; what killed processes left in the folder is swept. A new file has the
// permissions the umask leaves, a replaced one keeps its own. A symbolic link at path is replaced, not
// followed.
func Write(path string, write func(io.Writer) error) error { return WriteMode(path, 0o666, write) }

// WriteMode is Write with the permissions of a new file, before the umask.
func WriteMode(path string, mode fs.FileMode, write func(io.Writer) error) error {
	dir := filepath.Dir(path)
	Sweep(dir)
	if err := put(path, mode, write, (*os.File).Sync); err != nil {
		return err
	}
	return SyncDir(dir)
}

// WriteOfMany is Write for one of many files in a folder, such as pictures, which come again if the machine is
// switched off: it neither sweeps nor syncs. Who writes them sweeps the folder once before.
func WriteOfMany(path string, write func(io.Writer) error) error {
	return put(path, 0o666, write, func(*os.File) error { return nil })
}

// put writes a file under a temporary name and renames it.
func put(path string, mode fs.FileMode, write func(io.Writer) error, sync func(*os.File) error) (err error) {
	f, err := create(filepath.Dir(path), filepath.Base(path), mode)
	if err != nil {
		return err
	}
	placed := false
	defer func() {
		_ = f.Close() // the second time on the way that went well
		if !placed {
			_ = os.Remove(f.Name()) // the first error is the one to tell
		}
		err = renamed(err, f.Name(), path)
	}()
	if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() && st.Mode().Perm()&0o200 != 0 {
		if err := f.Chmod(st.Mode().Perm()); err != nil {
			return err
		}
	}
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), sync(f)); err != nil {
		return err
	}
	if err := place(f, path); err != nil {
		return err
	}
	placed = true
	return nil
}

// WriteBytes is Write of content that is at hand.
func WriteBytes(path string, content []byte) error {
	return Write(path, func(w io.Writer) error { _, err := w.Write(content); return err })
}

// Probe finds out whether a file path of n bytes could be written: it writes them beside it, and removes
// them.
func Probe(path string, n int) error {
	f, err := create(filepath.Dir(path), filepath.Base(path), 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, n))
	err = errors.Join(err, f.Sync(), f.Close())
	return renamed(errors.Join(err, os.Remove(f.Name())), f.Name(), path)
}

// renamed tells an error about the temporary name as one about the name that the caller knows.
func renamed(err error, temporary, path string) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) && p.Path == temporary {
		return &fs.PathError{Op: p.Op, Path: path, Err: p.Err}
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) && l.Old == temporary {
		return &fs.PathError{Op: l.Op, Path: path, Err: l.Err}
	}
	return err
}

// Reason is what kept path from being written, without its name, for messages that name it themselves.
func Reason(err error, path string) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) && p.Path == path {
		return p.Err
	}
	return err
}

// create makes a file of a new name and takes its lock, by which Sweep tells that its writer lives.
func create(dir, base string, mode fs.FileMode) (*os.File, error) {
	for range attempts {
		name := filepath.Join(dir, "."+strings.TrimPrefix(base, ".")+"."+strconv.FormatUint(rand.Uint64(), 36)+partExt)
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if ok, err := TryLock(f); ok && err == nil && same(f, name) {
			return f, nil
		}
		_ = f.Close() // another process swept it between the two steps
		_ = os.Remove(name)
	}
	return nil, fmt.Errorf("%s: no temporary file could be made", dir)
}

// same reports whether f is still what name stands for.
func same(f *os.File, name string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(name)
	return err == nil && os.SameFile(a, b)
}

// Sweep removes what writers that live no more left in dir. Files of others, and of writers that are at
// work, stay.
func Sweep(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return // the write will say what is wrong
	}
	defer func() { _ = d.Close() }()
	for {
		names, err := d.Readdirnames(1024)
		for _, n := range names {
			if strings.HasPrefix(n, ".") && strings.HasSuffix(n, partExt) {
				sweepOne(filepath.Join(dir, n))
			}
		}
		if err != nil {
			return
		}
	}
}

func sweepOne(name string) {
	st, err := os.Lstat(name)
	if err != nil || !st.Mode().IsRegular() || time.Since(st.ModTime()) < sweepAge {
		return
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	ok, err := TryLock(f)
	if err != nil || !ok || !hasLocks(f) && time.Since(st.ModTime()) < lockless || !same(f, name) {
		return
	}
	_ = removeLocked(f, name) // a leftover does no harm
}

// lockless is how old a file must be to count as left behind where the file system has no locks.
const lockless = 24 * time.Hour

// SyncDir makes the names in dir lasting, where the system can.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return syncDir(d)
}

package whole

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Inside makes the folders of the file rel below root, if need be, and fails when a symbolic link on the
// way, or the file itself, leads out of root: an archive can plant such links. A rel that is absolute is
// the caller's own choice and only has its folders made. It gives the file's full name.
func Inside(root, rel string) (string, error) {
	full := filepath.Join(root, rel)
	if filepath.IsAbs(rel) {
		full = rel
	}
	if filepath.IsAbs(rel) || !filepath.IsLocal(rel) { // "../models" is the caller's choice too
		return full, os.MkdirAll(filepath.Dir(full), 0o777)
	}
	if err := os.MkdirAll(root, 0o777); err != nil {
		return full, err
	}
	r, err := os.OpenRoot(root)
	if err != nil {
		return full, err
	}
	defer func() { _ = r.Close() }()
	if dir := filepath.Dir(rel); dir != "." {
		if err := r.MkdirAll(dir, 0o777); err != nil {
			return full, out(r, root, dir, err)
		}
	}
	if _, err := r.Stat(rel); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return full, out(r, root, rel, err)
	}
	if st, err := r.Lstat(rel); err == nil && st.Mode()&fs.ModeSymlink != 0 {
		if _, err := r.Stat(rel); err != nil { // a link to nothing: writing would make a file who knows where
			return full, fmt.Errorf("%s is a link to nothing in %s (try removing it)", full, root)
		}
	}
	return full, nil
}

// out says of a way that a link turns out of root what it is.
func out(r *os.Root, root, rel string, err error) error {
	if _, e := r.Lstat(rel); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = e
	}
	if _, e := os.Stat(filepath.Join(root, rel)); e == nil || errors.Is(e, fs.ErrNotExist) {
		return fmt.Errorf("%s: a link leads out of %s (try naming the folder it leads to): %w", filepath.Join(root, rel), root, err)
	}
	return err
}

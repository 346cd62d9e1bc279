package datasets

import (
	"os"
	"path/filepath"
	"strings"
)

// Path is a file or folder name with the small methods a cell wants. It is a struct, not a named
// string, because the notebook's interpreter cannot convert constants to named strings.
type Path struct{ p string }

// NewPath makes a Path of its parts, joined as Join does.
func NewPath(parts ...string) Path { return Path{}.Join(parts...) }

// String is the path as the operating system writes it.
func (p Path) String() string { return p.p }

// Join appends parts. An absolute part begins anew, as in Python's pathlib: a file named in full is that file
// whatever folder it is looked for in.
func (p Path) Join(parts ...string) Path {
	all := append([]string{p.p}, parts...)
	for i := len(all) - 1; i > 0; i-- {
		if filepath.IsAbs(all[i]) {
			all = all[i:]
			break
		}
	}
	return Path{filepath.Join(all...)}
}

// Name is the last element, with its extension.
func (p Path) Name() string { return filepath.Base(p.p) }

// Ext is the extension with its dot, or "".
func (p Path) Ext() string { return filepath.Ext(p.p) }

// Stem is Name without Ext.
func (p Path) Stem() string { n := p.Name(); return strings.TrimSuffix(n, filepath.Ext(n)) }

// Parent is the folder that holds p.
func (p Path) Parent() Path { return Path{filepath.Dir(p.p)} }

// Replace changes the first old in the path to new.
func (p Path) Replace(old, new string) Path { return Path{strings.Replace(p.p, old, new, 1)} }

// Exists reports whether something is there.
func (p Path) Exists() bool { _, err := os.Stat(p.p); return err == nil }

// IsDir reports whether p is a folder.
func (p Path) IsDir() bool { st, err := os.Stat(p.p); return err == nil && st.IsDir() }

// Mkdir creates the folder and its parents; it is no error if it is there.
func (p Path) Mkdir() error { return os.MkdirAll(p.p, 0o777) }

package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Links are made when everything else is there, so that no entry is ever written through one, and are
// followed on paper first, from the folder that becomes the data set: a link that leads out of it, be
// it through other links, is refused. ".." may only stand at the front of a target, where it climbs
// folders that the archive itself made; behind a name it would depend on what the name is.

// maxHops is how many links may follow one another: as many as Linux follows.
const maxHops = 40

// link remembers a symbolic link.
func (x *extractor) link(name, target string) error {
	local, err := clean(name)
	if err != nil {
		return err
	}
	refuse := func(why string) error {
		return fmt.Errorf("refused: entry %q is a link %s, to %q", name, why, target)
	}
	slashed := strings.ReplaceAll(target, `\`, "/")
	if slashed == "" || strings.ContainsRune(slashed, 0) {
		return refuse("without a proper target")
	}
	if strings.HasPrefix(slashed, "/") || len(slashed) > 1 && slashed[1] == ':' {
		return refuse("out of the archive's folder")
	}
	named := false
	for _, part := range strings.Split(slashed, "/") {
		switch part {
		case "", ".":
		case "..":
			if named {
				return refuse("with .. behind a name")
			}
		default:
			named = true
		}
	}
	if !inside(path.Join(path.Dir(filepath.ToSlash(local)), slashed)) {
		return refuse("out of the archive's folder")
	}
	if local == "." {
		return refuse("in place of the archive's folder")
	}
	if err := x.mkdir(filepath.Dir(local)); err != nil {
		return err
	}
	if st, err := x.root.Lstat(local); err == nil {
		if st.IsDir() {
			return refuse("in place of a folder")
		}
		if err := x.root.Remove(local); err != nil { // an earlier entry of the same name
			return err
		}
	}
	x.links[local] = path.Clean(slashed)
	return nil
}

// inside reports whether a cleaned path with slashes does not climb out of its folder.
func inside(p string) bool {
	return p != ".." && !strings.HasPrefix(p, "../") && !strings.HasPrefix(p, "/")
}

// single is the one folder in which all the archive holds lies, or ".".
func (x *extractor) single() (string, error) {
	d, err := x.root.Open(".")
	if err != nil {
		return "", err
	}
	defer func() { _ = d.Close() }()
	entries, err := d.ReadDir(2)
	if err != nil && len(entries) == 0 { // an empty archive is one too
		return ".", nil
	}
	if len(entries) != 1 || !entries[0].IsDir() {
		return ".", nil
	}
	for l := range x.links {
		if filepath.Dir(l) == "." {
			return ".", nil
		}
	}
	return entries[0].Name(), nil
}

// makeLinks makes the links that stay inside top.
func (x *extractor) makeLinks(top string) error {
	var names []string
	for l := range x.links {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		if _, err := x.follow(l, filepath.ToSlash(top), maxHops); err != nil {
			return fmt.Errorf("refused: entry %q is a link %w, to %q", filepath.ToSlash(l), err, x.links[l])
		}
		names = append(names, l)
	}
	slices.Sort(names)
	for _, l := range names {
		if err := x.root.Symlink(filepath.FromSlash(x.links[l]), l); err != nil {
			if errors.Is(err, fs.ErrExist) {
				err = fmt.Errorf("refused: entry %q is a link, and something else too", filepath.ToSlash(l))
			}
			return err
		}
	}
	return nil
}

// follow gives the place, from the archive's root with slashes, to which the link leads. All of the way
// must lie inside top.
func (x *extractor) follow(link, top string, hops int) (string, error) {
	if hops == 0 {
		return "", errors.New("in a circle")
	}
	at := path.Dir(filepath.ToSlash(link))
	for _, part := range strings.Split(x.links[link], "/") {
		at = path.Join(at, part)
		if at != top && top != "." && !strings.HasPrefix(at, top+"/") || !inside(at) {
			return "", errors.New("out of the archive's folder")
		}
		next := filepath.FromSlash(at)
		if _, ok := x.links[next]; !ok || part == ".." || part == "." {
			continue
		}
		var err error
		if at, err = x.follow(next, top, hops-1); err != nil {
			return "", err
		}
	}
	return at, nil
}

package serve

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/internal/whole"
)

// A bundle is a program with a ZIP archive behind it: index.json (the models' names in order), models/NAME.fastnb and
// page/. The comment at the archive's end tells a bundle from the plain program.
const (
	bundleMark  = "fastnb bundle 1"
	bundleIndex = "index.json"
)

// Bundle is what a program has in it.
type Bundle struct {
	Models []Source
	Pages  fs.FS // nil: the built-in page
}

// WriteBundle writes a program with models and a page in it. program is a fastnb of any system, static a folder of
// one's own page, or "".
func WriteBundle(ctx context.Context, out, program, static string, models []Source) error {
	fail := func(err error) error { return fmt.Errorf("fastnb: serve: bundle: %w", err) }
	if has, err := isBundle(program); err != nil || has {
		if has {
			err = fmt.Errorf("%s is a bundle already (try the plain fastnb)", program)
		}
		return fail(err)
	}
	names := map[string]bool{}
	for i := range models {
		if names[models[i].Name] {
			return fail(fmt.Errorf("two models are named %s (try NAME=PATH)", models[i].Name))
		}
		names[models[i].Name] = true
		if err := models[i].fetch(ctx); err != nil {
			return err
		}
		m, err := fastnb.LoadModel(models[i].Path) // what cannot be served must not be found out by others
		if err != nil {
			return err
		}
		m.Close()
	}
	err := whole.WriteMode(out, 0o777, func(w io.Writer) error {
		in, err := os.Open(program)
		if err != nil {
			return err
		}
		defer func() { _ = in.Close() }() // only read
		n, err := io.Copy(w, in)
		if err != nil {
			return err
		}
		z := zip.NewWriter(w)
		z.SetOffset(n)
		return errors.Join(fill(z, static, models), z.SetComment(bundleMark), z.Close())
	})
	if err != nil {
		return fail(err)
	}
	return nil
}

// fill writes the archive of a bundle.
func fill(z *zip.Writer, static string, models []Source) error {
	put := func(name string, method uint16, r io.Reader) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = io.Copy(w, r)
		}
		return err
	}
	var names []string
	for _, src := range models {
		names = append(names, src.Name)
		f, err := src.Path.Open()
		if err != nil {
			return err
		}
		err = put("models/"+src.Name+".fastnb", zip.Store, f) // numbers do not get smaller
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	w, err := z.Create(bundleIndex)
	if err == nil {
		err = json.NewEncoder(w).Encode(names)
	}
	if err != nil || static == "" {
		return err
	}
	root, err := os.OpenRoot(static)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // only read
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := root.Open(filepath.FromSlash(name))
		if err != nil {
			return err
		}
		return errors.Join(put(path.Join("page", name), zip.Deflate, f), f.Close())
	})
}

// isBundle looks at the end of a file.
func isBundle(program string) (bool, error) {
	f, err := os.Open(program)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // only read
	st, err := f.Stat()
	if err != nil || st.Size() < int64(len(bundleMark)) {
		return false, err
	}
	end := make([]byte, len(bundleMark))
	_, err = f.ReadAt(end, st.Size()-int64(len(end)))
	return string(end) == bundleMark, err
}

// OpenBundle gives what a program has in it, nil where it is a plain one. The file stays open while the program runs.
func OpenBundle(program string) (*Bundle, error) {
	if has, err := isBundle(program); err != nil || !has {
		return nil, nil //nolint:nilerr // a program that cannot read its own file is a plain one
	}
	fail := func(err error) (*Bundle, error) {
		return nil, fmt.Errorf("fastnb: bundle: %s: %w (try making it again)", program, err)
	}
	z, err := zip.OpenReader(program)
	if err != nil {
		return fail(err)
	}
	index, err := content(z, bundleIndex)
	var names []string
	if err == nil {
		err = json.Unmarshal(index, &names)
	}
	if err != nil {
		return fail(err)
	}
	b := &Bundle{}
	for _, name := range names {
		if !goodName.MatchString(name) {
			return fail(fmt.Errorf("%q is no name for a model", name))
		}
		model, err := content(z, "models/"+name+".fastnb")
		if err != nil {
			return fail(err)
		}
		b.Models = append(b.Models, Source{Name: name, Content: model})
	}
	if page, err := fs.Sub(z, "page"); err == nil {
		if _, err := fs.Stat(page, "."); err == nil {
			b.Pages = seekable{page}
		}
	}
	return b, nil
}

// content is a file of an archive, in as much memory as it takes: fs.ReadFile takes what the archive's list says first.
func content(archive fs.FS, name string) ([]byte, error) {
	f, err := archive.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

// seekable gives files of an archive as a server of files wants them: it looks for their size by going to the end.
type seekable struct{ fs.FS }

type seekableFile struct {
	*bytes.Reader

	info fs.FileInfo
}

// Open reads a file whole; pages are small.
func (s seekable) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	b, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return seekableFile{bytes.NewReader(b), info}, nil
}

// Stat tells of the file.
func (f seekableFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close does nothing: the file is in memory.
func (f seekableFile) Close() error { return nil }

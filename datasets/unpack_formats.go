package datasets

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bodgit/sevenzip"
)

// isTar looks for the mark of POSIX and GNU tar, at byte 257 of the first header.
func isTar(head []byte) bool {
	return len(head) >= 262 && bytes.Equal(head[257:262], []byte("ustar"))
}

// gzip unpacks a compressed tar, or else the single compressed file.
func (x *extractor) gzip(r io.Reader, name string) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	b := bufio.NewReaderSize(z, 1<<16)
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if isTar(head) {
		return x.tar(b)
	}
	if z.Name != "" {
		name = filepath.Base(z.Name)
	} else {
		name = strings.TrimSuffix(name, ".gz")
	}
	return x.file(name, b)
}

func (x *extractor) tar(r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // to the end, so that a checksum behind it is checked
			return err
		}
		if err != nil {
			return err
		}
		if err := x.next(); err != nil {
			return err
		}
		if err := x.tarEntry(h, t); err != nil {
			return err
		}
	}
}

func (x *extractor) tarEntry(h *tar.Header, r io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return x.dir(h.Name)
	case tar.TypeReg, tar.TypeGNUSparse:
		return x.file(h.Name, r)
	case tar.TypeSymlink:
		return x.link(h.Name, h.Linkname)
	case tar.TypeLink:
		local, err := clean(h.Name)
		if err != nil {
			return err
		}
		old, err := clean(h.Linkname)
		if err != nil {
			return fmt.Errorf("entry %q is a link: %w", h.Name, err)
		}
		return x.root.Link(old, local)
	case tar.TypeXGlobalHeader:
		return nil // a comment for the whole archive (git archive)
	}
	return fmt.Errorf("refused: entry %q is neither file, folder nor link (type %q)", h.Name, h.Typeflag)
}

func (x *extractor) zip(f *os.File, size int64) error {
	z, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are checked one by one
		return err
	}
	for _, e := range z.File {
		if err := x.member(e.Name, e.Mode(), e.Open); err != nil {
			return err
		}
		x.bar.add(int64(e.CompressedSize64))
	}
	return nil
}

// sevenZip unpacks a 7z archive; one that holds a single tar is unpacked on to the tar's content, as
// Kaggle packs its folders.
func (x *extractor) sevenZip(f *os.File, size int64) error {
	z, err := sevenzip.NewReader(f, size)
	if err != nil {
		return err
	}
	if len(z.File) == 1 && strings.HasSuffix(strings.ToLower(z.File[0].Name), ".tar") {
		r, err := z.File[0].Open()
		if err != nil {
			return err
		}
		defer func() { _ = r.Close() }()
		x.bar.SetTotal(int64(z.File[0].UncompressedSize))
		return x.tar(bufio.NewReaderSize(x.bar.reader(r), 1<<18))
	}
	var total int64
	for _, e := range z.File {
		total += int64(e.UncompressedSize)
	}
	x.bar.SetTotal(total)
	for _, e := range z.File {
		if err := x.member(e.Name, e.Mode(), e.Open); err != nil {
			return err
		}
		x.bar.add(int64(e.UncompressedSize))
	}
	return nil
}

// maxLink is the longest text of a symbolic link.
const maxLink = 4096

// member writes an entry of a zip or 7z archive.
func (x *extractor) member(name string, mode fs.FileMode, open func() (io.ReadCloser, error)) error {
	if err := x.next(); err != nil {
		return err
	}
	if mode.IsDir() || strings.HasSuffix(name, "/") {
		return x.dir(name)
	}
	if t := mode.Type(); t != 0 && t != fs.ModeSymlink {
		return fmt.Errorf("refused: entry %q is neither file, folder nor link (%s)", name, mode)
	}
	r, err := open()
	if err != nil {
		return fmt.Errorf("entry %q: %w", name, err)
	}
	defer func() { _ = r.Close() }()
	if mode&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(r, maxLink))
		if err != nil {
			return fmt.Errorf("entry %q: %w", name, err)
		}
		return x.link(name, string(target))
	}
	return x.file(name, r)
}

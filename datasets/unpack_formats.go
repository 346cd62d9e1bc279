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
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bodgit/sevenzip"

	"github.com/fastnb/go/internal/whole"
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
		if err := x.room(h.Size); err != nil {
			return fmt.Errorf("entry %q: %w", h.Name, err)
		}
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
		if target, ok := x.links[old]; ok { // to a symbolic link: one more of it
			if path.Dir(filepath.ToSlash(old)) != path.Dir(filepath.ToSlash(local)) {
				return fmt.Errorf("refused: entry %q is a hard link to the symbolic link %q of another folder", h.Name, h.Linkname)
			}
			return x.link(h.Name, target)
		}
		delete(x.links, local)
		if err := x.mkdir(filepath.Dir(local)); err != nil {
			return err
		}
		if _, err := x.root.Lstat(local); err == nil && !x.made[local] && local != old {
			if err := x.root.Remove(local); err != nil {
				return err
			}
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
	total := uint64(0)
	for _, e := range z.File {
		if total += e.UncompressedSize64; total < e.UncompressedSize64 {
			return errTooMuch
		}
	}
	if err := x.room(int64(min(total, math.MaxInt64))); err != nil {
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
	if err := scan7z(f, size); err != nil {
		return err
	}
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
	var total uint64
	for _, e := range z.File {
		if total += e.UncompressedSize; total < e.UncompressedSize {
			return errTooMuch
		}
	}
	if err := x.room(int64(min(total, math.MaxInt64))); err != nil {
		return err
	}
	x.bar.SetTotal(int64(total))
	for _, e := range z.File {
		if err := x.member(e.Name, e.Mode(), e.Open); err != nil {
			return err
		}
		x.bar.add(int64(e.UncompressedSize))
	}
	return nil
}

var errTooMuch = errors.New("refused: unpacks to more bytes than there are numbers for")

// errNoRoom is about the disk, not about the archive.
var errNoRoom = errors.New("there is no room")

// room checks that so many more bytes may and can be written.
func (x *extractor) room(n int64) error {
	if n < 0 || n > x.most-x.bytes {
		return fmt.Errorf("refused: unpacks to %s, which no honest archive of this size does", sizeText(n))
	}
	if n < askFrom {
		return nil
	}
	if free, ok := whole.Free(x.where); ok && n > free {
		return fmt.Errorf("%w: it unpacks to %s, and the disk of %s has %s left (try freeing space, or setting FASTNB_HOME to a folder on another disk)", errNoRoom, sizeText(n), filepath.Dir(x.where), sizeText(free))
	}
	return nil
}

// askFrom is the size from which on the disk is asked whether a file fits.
const askFrom = 16 << 20

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

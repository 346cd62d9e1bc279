package datasets

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fastnb/go/cell"
)

// Limits of what an archive may hold: far above any data set, far below what fills a disk.
const (
	maxEntries  = 5_000_000
	maxUnpacked = 256 << 30
	maxRatio    = 1100     // of unpacked bytes to packed ones: deflate can reach 1032
	freeBytes   = 64 << 20 // what an archive of any size may unpack to,
	freeEntries = 1024     // and hold
)

// Unpack puts the content of an archive into the folder dir, which is made if need be: tar, tar.gz,
// zip, 7z, a tar inside a 7z, or a single file packed by gzip, told by content, not by name. Files
// of the same name are replaced. Nothing is written outside dir: archives with absolute names,
// "..", links that point out, or device files are refused, and then nothing is written at all.
func Unpack(archive, dir Path) error {
	if err := unpackInto(cell.Context(), archive.p, dir.p); err != nil {
		return fmt.Errorf("fastnb: unpack: %s: %w", archive.p, err)
	}
	return nil
}

// unpackWhole makes dir of an archive that holds one data set: a folder of any name in which
// everything lies, or the files themselves. An empty folder at dir is replaced.
func unpackWhole(ctx context.Context, archive string, dir Path) error {
	sweep(dir.p)
	tmp, top, err := extractBeside(ctx, archive, dir.p, true)
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", archive, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	from := filepath.Join(tmp, top)
	if err := os.Remove(dir.p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unpacking %s: %w", archive, err)
	}
	if err := os.Rename(from, dir.p); err != nil {
		return fmt.Errorf("unpacking %s: %w", archive, explain(err, dir.p, 0))
	}
	return nil
}

// unpackPrefix begins the names of the folders in which target is unpacked.
func unpackPrefix(target string) string { return ".unpack-" + filepath.Base(target) + "." }

// sweep removes what a killed process left of an earlier try. The caller holds the lock of target.
func sweep(target string) {
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		return // unpacking will say what is wrong
	}
	for _, e := range entries {
		if rest, ok := strings.CutPrefix(e.Name(), unpackPrefix(target)); ok && !strings.Contains(rest, ".") {
			_ = os.RemoveAll(filepath.Join(filepath.Dir(target), e.Name())) // a leftover does no harm
		}
	}
}

func unpackInto(ctx context.Context, archive, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return explain(err, dir, 0)
	}
	tmp, _, err := extractBeside(ctx, archive, filepath.Join(dir, "x"), false)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	return merge(tmp, dir)
}

// merge moves all of src into dst; folders that are in both are merged.
func merge(src, dst string) error {
	entries, err := os.ReadDir(src)
	if err != nil {
		return err
	}
	for _, e := range entries {
		from, to := filepath.Join(src, e.Name()), filepath.Join(dst, e.Name())
		if st, err := os.Lstat(to); err == nil && st.IsDir() && e.IsDir() {
			if err := merge(from, to); err != nil {
				return err
			}
			continue
		}
		if err := os.Rename(from, to); err != nil {
			return err
		}
	}
	return nil
}

// asUmask gives a folder that os.MkdirTemp has made the permissions of one that os.Mkdir makes.
func asUmask(dir string) error {
	probe := filepath.Join(dir, "probe")
	if err := os.Mkdir(probe, 0o777); err != nil {
		return err
	}
	st, err := os.Stat(probe)
	if err := errors.Join(err, os.Remove(probe)); err != nil {
		return err
	}
	return os.Chmod(dir, st.Mode().Perm())
}

// extractBeside unpacks into a new hidden folder next to target, so that a rename can put the result
// in place. With one, top is the single folder in which everything lies, if there is such a one, and
// else "."; links must stay inside of it. On an error nothing is left.
func extractBeside(ctx context.Context, archive, target string, one bool) (dir, top string, err error) {
	f, err := os.Open(archive)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return "", "", err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(target), unpackPrefix(target)+"*")
	if err != nil {
		return "", "", explain(err, filepath.Dir(target), 0)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(tmp) // the error is what counts
		}
	}()
	if err := asUmask(tmp); err != nil {
		return "", "", err
	}
	root, err := os.OpenRoot(tmp)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = root.Close() }()
	bar := newProgress("unpacking "+filepath.Base(archive), st.Size())
	defer bar.done()
	x := &extractor{
		ctx: ctx, root: root, bar: bar, made: map[string]bool{".": true}, links: map[string]string{}, where: tmp,
		most: min(maxUnpacked, freeBytes+maxRatio*st.Size()), mostEntries: min(maxEntries, freeEntries+st.Size()/2),
	}
	if top, err = x.all(f, st.Size(), filepath.Base(archive), one); err != nil {
		if ctx.Err() != nil {
			return "", "", cell.ErrInterrupted
		}
		return "", "", explain(err, filepath.Dir(target), 0)
	}
	return tmp, top, nil
}

// all unpacks the archive, and makes its links when everything else is there.
func (x *extractor) all(f *os.File, size int64, name string, one bool) (top string, err error) {
	defer func() {
		if r := recover(); r != nil { // a decoder's slip over damaged bytes
			err = fmt.Errorf("the archive is damaged (%v)", r)
		}
	}()
	if err := x.archive(f, size, name); err != nil {
		return "", err
	}
	top = "."
	if one {
		if top, err = x.single(); err != nil {
			return "", err
		}
	}
	return top, x.makeLinks(top)
}

// extractor writes an archive's entries below root. os.Root already refuses to leave it; names are
// checked besides, so that a hostile archive is called so.
type extractor struct {
	ctx     context.Context
	root    *os.Root
	bar     *progress
	where   string            // what root is, for asking how much fits there
	made    map[string]bool   // folders that are there
	links   map[string]string // symbolic links to make in the end, and where they lead
	entries int64
	bytes   int64

	most, mostEntries int64 // what an archive of this size can hold
}

// archive tells the kind by the first bytes and unpacks it.
func (x *extractor) archive(f *os.File, size int64, name string) error {
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("not an archive: %w", err)
	}
	head = head[:n]
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return x.gzip(bufio.NewReaderSize(x.bar.reader(f), 1<<18), name)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return x.zip(f, size)
	case bytes.HasPrefix(head, []byte("7z\xbc\xaf\x27\x1c")):
		return x.sevenZip(f, size)
	case isTar(head):
		return x.tar(bufio.NewReaderSize(x.bar.reader(f), 1<<18))
	}
	return errors.New("not an archive fastnb can read (tar, tar.gz, zip, 7z)")
}

// clean checks an entry's name and gives it in the local form; "." is the archive's root.
func clean(name string) (string, error) {
	slashed := strings.ReplaceAll(name, `\`, "/")
	switch {
	case name == "" || strings.ContainsRune(name, 0):
		return "", fmt.Errorf("refused: entry %q has no proper name", name)
	case strings.HasPrefix(slashed, "/") || len(slashed) > 1 && slashed[1] == ':':
		return "", fmt.Errorf("refused: entry %q is an absolute path", name)
	}
	for _, part := range strings.Split(slashed, "/") {
		if part == ".." {
			return "", fmt.Errorf("refused: entry %q points out of the archive's folder", name)
		}
	}
	local := filepath.FromSlash(path.Clean(slashed))
	if !filepath.IsLocal(local) {
		return "", fmt.Errorf("refused: entry %q is not a file name on this system", name)
	}
	return local, nil
}

// next counts an entry and sees to interrupts.
func (x *extractor) next() error {
	x.entries++
	if x.entries > x.mostEntries {
		return fmt.Errorf("refused: more than %d entries, which an archive of this size cannot hold", x.mostEntries)
	}
	return x.ctx.Err()
}

func (x *extractor) dir(name string) error {
	local, err := clean(name)
	if err != nil {
		return err
	}
	return x.mkdir(local)
}

// mkdir makes a folder with its parents, once: data sets have a hundred thousand files in a few.
func (x *extractor) mkdir(local string) error {
	if x.made[local] {
		return nil
	}
	if err := x.root.MkdirAll(local, 0o755); err != nil {
		return err
	}
	x.made[local] = true
	return nil
}

// file writes one file; an earlier entry of the same name is replaced.
func (x *extractor) file(name string, r io.Reader) error {
	local, err := clean(name)
	if err != nil {
		return err
	}
	delete(x.links, local)
	if err := x.mkdir(filepath.Dir(local)); err != nil {
		return err
	}
	const flags = os.O_CREATE | os.O_WRONLY | os.O_EXCL
	f, err := x.root.OpenFile(local, flags, 0o644)
	if errors.Is(err, fs.ErrExist) && !x.made[local] {
		if err := x.root.Remove(local); err != nil {
			return err
		}
		f, err = x.root.OpenFile(local, flags, 0o644)
	}
	if err != nil {
		return err
	}
	err = x.copy(f, r)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("entry %q: %w", name, err)
	}
	return nil
}

// copy writes all of r, within the limit and until an interrupt.
func (x *extractor) copy(w io.Writer, r io.Reader) error {
	buf := make([]byte, 1<<17)
	for {
		if err := x.ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if x.bytes += int64(n); x.bytes > x.most {
			return fmt.Errorf("refused: unpacks to more than %s, which no honest archive of this size does", sizeText(x.most))
		}
		if _, e := w.Write(buf[:n]); e != nil {
			return e
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

package datasets

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/internal/whole"
)

// ErrUnavailable is in the chain of errors about a data set or a weights file that could not be
// fetched: offline, no address, no connection. A file that came and was wrong is another error.
var ErrUnavailable = errors.New("not available here")

// DataOption changes what GetData does.
type DataOption interface{ applyData(*getConfig) }

type getConfig struct {
	tiles  int
	h, w   int
	twin   bool
	orTwin bool
	given  []string // names of options
}

type dataOption func(*getConfig)

func (o dataOption) applyData(c *getConfig) { o(c) }

// Tiles says how many items a generated twin has at least; 0 is the generator's own number (planet:
// 1,000). It has no meaning for real data.
func Tiles(n int) DataOption {
	return dataOption(func(c *getConfig) { c.tiles, c.given = n, append(c.given, "Tiles") })
}

// TwinSize is the size in pixels of the pictures that a generated twin draws, where its generator can
// draw others than its own (camvid: 180x240, biwi_head_pose: 480x640). A twin of another size has a
// folder of its own. It has no meaning for real data.
func TwinSize(height, width int) DataOption {
	return dataOption(func(c *getConfig) { c.h, c.w, c.given = height, width, append(c.given, "TwinSize") })
}

// UseTwin asks, with true, for the generated twin though FASTNB_OFFLINE is not set.
func UseTwin(on bool) DataOption {
	return dataOption(func(c *getConfig) { c.twin, c.given = on, append(c.given, "UseTwin") })
}

// OrTwin lets the generated twin stand in where the data set cannot be had: no connection, no address, an
// account missing. A banner in the cell then says so, and how to get the real one. Data that came and was
// wrong is still an error.
func OrTwin() DataOption {
	return dataOption(func(c *getConfig) { c.orTwin, c.given = true, append(c.given, "OrTwin") })
}

// GetData gives the folder of the named data set, bringing it there first if need be. It tries the
// folder data/name (when it holds anything), name.tgz of the FASTNB_MIRROR, and the data set's own
// address; with FASTNB_OFFLINE=1 not the address, but the generated twin in data/name-twin. A name
// that the catalogue lacks must be in the mirror or on the disk. An error says how to get the data. The
// catalogue has "planet", "planet_sample", "planet_tiny", "camvid", "camvid_tiny", "biwi_head_pose",
// "biwi_sample", "imdb", "imdb_sample", "wikitext-103", "wikitext-2", "mnist_tiny", "oxford-iiit-pet" and
// "bears".
func GetData(name string, opts ...DataOption) (Path, error) {
	u, _ := lookup(name)
	return get(u, opts)
}

// UntarData is GetData for an entry of the catalogue, UntarData(URLs.CamVid), or for an address of
// the reader's own, UntarData(URL{Address: "https://…/flowers.tgz"}) (fastai's untar_data).
func UntarData(u URL, opts ...DataOption) (Path, error) { return get(u, opts) }

func get(u URL, opts []DataOption) (Path, error) {
	var c getConfig
	for _, o := range opts {
		o.applyData(&c)
	}
	u.Name = u.name()
	fail := func(err error) (Path, error) {
		return Path{}, fmt.Errorf("fastnb: get data: %s: %w", u.Name, err)
	}
	if err := checkName(u.Name); err != nil {
		return fail(err)
	}
	if c.tiles < 0 {
		return fail(fmt.Errorf("Tiles(%d): a twin has no fewer than no items (try 0 for as many as it has by itself)", c.tiles))
	}
	dir := dataDir().Join(u.Name)
	if !c.twin && filled(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(dataDir().p, 0o777); err != nil {
		return fail(explain(err, dataDir().p, 0))
	}
	ctx := cell.Context()
	unlock, err := lock(ctx, dataDir().Join("."+u.Name+".lock").p)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	if c.twin {
		dir, err = twin(ctx, u, c)
	} else if !filled(dir) { // another process may have brought it meanwhile
		dir, err = bring(ctx, u, c, dir)
		if c.orTwin && errors.Is(err, ErrUnavailable) && HasTwin(u.Name) {
			why := err
			if dir, err = twin(ctx, u, c); err == nil {
				standIn(u, dir, why)
			}
		}
	}
	if err != nil {
		return fail(err)
	}
	return dir, nil
}

// standIn says in the cell that a twin is shown in place of the data set, why, and how to get the real one.
func standIn(u URL, dir Path, why error) {
	head := fmt.Sprintf("Generated data: %s cannot be had here, so its twin is used: %s.", u.Name, dir.p)
	plain := head + "\n(" + why.Error() + ")\n"
	page := `<div style="border-left:4px solid #d9822b;padding:.3em .8em;margin:.3em 0"><b>` + html.EscapeString(head) +
		`</b><details><summary>Why, and how to get the real data</summary><pre style="white-space:pre-wrap">` + html.EscapeString(why.Error()) + `</pre></details></div>`
	if cell.Display(cell.Bundle{"text/plain": plain, "text/html": page}) != nil {
		fmt.Print(plain)
	}
}

// bring fetches u into dir from the first place that has it.
func bring(ctx context.Context, u URL, c getConfig, dir Path) (Path, error) {
	ok, err := fromMirror(ctx, u, dir)
	if ok || err != nil && !errors.Is(err, ErrUnavailable) {
		return dir, err
	}
	d, other := bringOther(ctx, u, c, dir)
	if err != nil && other != nil { // the mirror was asked, and had nothing
		other = fmt.Errorf("%w; the mirror before that: %w", other, err)
	}
	return d, other
}

// bringOther fetches u from elsewhere than the mirror.
func bringOther(ctx context.Context, u URL, c getConfig, dir Path) (Path, error) {
	if Offline() {
		if HasTwin(u.Name) && c.orTwin {
			return dir, fmt.Errorf("%w: FASTNB_OFFLINE is set (%s)", ErrUnavailable, howToGet(u, dir))
		}
		if HasTwin(u.Name) {
			return twin(ctx, u, c)
		}
		return dir, fmt.Errorf("%w: FASTNB_OFFLINE is set, and there is no generated twin of it (try unsetting FASTNB_OFFLINE, or FASTNB_MIRROR with a folder that holds %s.tgz)", ErrUnavailable, u.Name)
	}
	if u.Address == "" {
		return dir, noAddress(u, dir)
	}
	archive := dataDir().Join(u.Name + archiveExt(u.Address))
	err := download(ctx, file{address: u.Address, dest: archive.p, size: u.Size, md5: u.MD5})
	if errors.Is(err, ErrUnavailable) {
		return dir, fmt.Errorf("%w (%s)", err, otherWays(u))
	}
	if err != nil {
		return dir, err
	}
	if err := unpackFetched(ctx, archive.p, u.Address, dir); err != nil {
		return dir, err
	}
	return dir, note(dir, origin{Source: sourceReal, From: u.Address})
}

// noAddress is the error for data that must be brought by hand; the folder for it is made.
func noAddress(u URL, dir Path) error {
	if u.Manual == "" {
		return fmt.Errorf("%w: the catalogue has no data set of that name, and there is no folder %s (try `fastnb data list`, or FASTNB_MIRROR with a folder that holds %s.tgz)", ErrUnavailable, dir.p, u.Name)
	}
	if err := os.MkdirAll(dir.p, 0o777); err != nil {
		return explain(err, dir.p, 0)
	}
	return fmt.Errorf("%w: %s (%s)", ErrUnavailable, fmt.Sprintf(u.Manual, dir.p), otherWays(u))
}

// howToGet tells an offline reader how the data set is brought.
func howToGet(u URL, dir Path) string {
	if u.Address == "" && u.Manual != "" {
		return fmt.Sprintf(u.Manual, dir.p)
	}
	return fmt.Sprintf("try without FASTNB_OFFLINE, or FASTNB_MIRROR with a folder that holds %s.tgz", u.Name)
}

// otherWays names what a reader without the address can do.
func otherWays(u URL) string {
	s := fmt.Sprintf("or set FASTNB_MIRROR to a folder that holds %s.tgz", u.Name)
	if _, has := twins[u.Name]; has {
		s += ", or FASTNB_OFFLINE=1 to draw a generated twin"
	}
	return s
}

// fromMirror takes u from the mirror, if there is one that has it.
func fromMirror(ctx context.Context, u URL, dir Path) (bool, error) {
	m := mirror()
	if m == "" {
		return false, nil
	}
	if isURL(m) {
		return fromMirrorURL(ctx, m, u, dir)
	}
	if st, err := os.Stat(m); err != nil || !st.IsDir() {
		return false, fmt.Errorf("FASTNB_MIRROR: %s is not a folder", m)
	}
	for _, ext := range []string{".tgz", ".tar.gz", ".zip"} {
		archive := filepath.Join(m, u.Name+ext)
		if _, err := os.Stat(archive); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := unpackWhole(ctx, archive, dir); err != nil {
			return false, err
		}
		return true, note(dir, origin{Source: sourceMirror, From: archive})
	}
	return false, nil
}

func fromMirrorURL(ctx context.Context, base string, u URL, dir Path) (bool, error) {
	if Offline() {
		return false, nil
	}
	address := base + "/" + u.Name + ".tgz"
	archive := dataDir().Join(u.Name + ".tgz")
	err := download(ctx, file{address: address, dest: archive.p})
	if err != nil {
		return false, err // where the mirror does not have it, the next place may
	}
	if err := unpackFetched(ctx, archive.p, address, dir); err != nil {
		return false, err
	}
	return true, note(dir, origin{Source: sourceMirror, From: address})
}

// unpackFetched unpacks an archive that came from address and removes it: what is unpacked needs no
// archive, and one that cannot be unpacked would be in the way of every later try. It is kept when the
// archive is not to blame.
func unpackFetched(ctx context.Context, archive, address string, dir Path) error {
	err := unpackWhole(ctx, archive, dir)
	if err != nil && (ctx.Err() != nil || ours(err)) {
		return err
	}
	if err != nil {
		err = fmt.Errorf("%w (%s came from %s, and was removed)", err, whatIs(archive), address)
	}
	_ = os.Remove(archive) // failing to do so harms nothing now
	return err
}

// ours reports whether an error of unpacking is about this machine's disk, not about the archive.
func ours(err error) bool {
	for _, e := range []error{fs.ErrPermission, syscall.EROFS, syscall.EIO, errNoRoom} {
		if errors.Is(err, e) {
			return true
		}
	}
	return whole.Full(err)
}

// whatIs describes a file that was to be an archive.
func whatIs(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return "it"
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	kind, _, _ := strings.Cut(http.DetectContentType(head[:n]), ";")
	switch {
	case n == 0:
		return "an empty answer"
	case kind == "text/html":
		return "a web page, such as one that asks to log in,"
	case strings.HasPrefix(kind, "text/"):
		return "a text that begins " + strconv.Quote(string(head[:min(n, 60)]))
	}
	return "it"
}

// filled reports whether dir is a folder with something in it.
func filled(dir Path) bool {
	f, err := os.Open(dir.p)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	names, _ := f.Readdirnames(1)
	return len(names) > 0
}

// archiveExt is the ending of an address that tells the kind of archive.
func archiveExt(address string) string {
	for _, ext := range []string{".tar.gz", ".tgz", ".tar.7z", ".7z", ".zip", ".tar"} {
		if strings.HasSuffix(address, ext) {
			return ext
		}
	}
	return ".tgz"
}

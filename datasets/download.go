package datasets

import (
	"context"
	"crypto/md5" //nolint:gosec // fastai publishes MD5 sums; they guard against damage, not attack
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/internal/whole"
)

// file is something to download and how to tell that it came whole.
type file struct {
	address string
	dest    string // the finished file; dest.part while it is coming
	size    int64  // bytes; 0 = not checked
	md5     string // of the first MiB; "" = not checked
	sha256  string // first hex digits; "" = not checked
	direct  bool   // no other host and no page may answer
}

const (
	connectTimeout = 5 * time.Second  // to an address that may not exist from here
	headerTimeout  = 30 * time.Second // from request to answer
	attempts       = 5                // as fastai: broken connections go on where they stopped
	md5Head        = 1 << 20          // how much fastai's checksums cover
	maxUntold      = 16 << 30         // of an answer that does not say how long it is
	reserve        = 256 << 20        // of the disk, which a download leaves free
)

// stallTimeout is how long no byte may come; tests shorten it.
var stallTimeout = 30 * time.Second

var client = &http.Client{Transport: &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
	TLSHandshakeTimeout:   connectTimeout,
	ResponseHeaderTimeout: headerTimeout,
}}

// errStalled is a connection over which nothing came at all.
var errStalled = errors.New("nothing came")

// errBroken is a connection that ended early; asking again may help.
var errBroken = errors.New("the connection broke")

// download brings f to f.dest. A part left by an earlier try is gone on with. Errors about an
// address that cannot be reached have ErrUnavailable in their chain.
func download(ctx context.Context, f file) error {
	if _, err := os.Stat(f.dest); err == nil {
		if f.check(f.dest) == nil {
			return nil
		}
		if err := os.Remove(f.dest); err != nil {
			return explain(err, f.dest, 0)
		}
	}
	part := f.dest + ".part"
	bar := newProgress("downloading "+filepath.Base(f.dest), f.size)
	defer bar.done()
	var err error
	for try := range attempts {
		if err = f.fetch(ctx, part, bar); !errors.Is(err, errBroken) {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(try) * 500 * time.Millisecond):
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %s is kept, the next try goes on from there", cell.ErrInterrupted, part)
	}
	if err != nil {
		return err
	}
	if err := f.check(part); err != nil {
		_ = os.Remove(part) // wrong from the start: going on with it cannot help
		return fmt.Errorf("%s: %w (the file was removed; try again, or tell us if it was changed for good)", f.address, err)
	}
	_ = os.Remove(part + ".tag") // a stale one does no harm
	if err := os.Rename(part, f.dest); err != nil {
		return explain(err, f.dest, 0)
	}
	return nil
}

// fetch asks once, from the end of what part holds.
func (f file) fetch(ctx context.Context, part string, bar *progress) error {
	out, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return explain(err, part, f.size)
	}
	defer func() { _ = out.Close() }()
	have, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if f.size > 0 && have == f.size {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := f.ask(ctx, part, have)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		have = 0
		if err := out.Truncate(0); err != nil {
			return explain(err, part, f.size)
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%w: the server has no more than is here", errBroken)
		}
	}
	if _, err := out.Seek(have, io.SeekStart); err != nil {
		return err
	}
	if tag := resp.Header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		_ = os.WriteFile(part+".tag", []byte(tag), 0o644) // only makes going on safer
	}
	if bar.Total() == 0 && resp.ContentLength > 0 {
		bar.SetTotal(have + resp.ContentLength)
	}
	most, err := f.most(resp, part, have)
	if err != nil {
		return err
	}
	return f.receive(resp, out, have, most, bar, cancel)
}

// most is how long the file may become: as long as is known of it, as the server says, or as the disk
// allows. A server that announces another length than is known, or one that does not fit, is refused
// before anything is taken.
func (f file) most(resp *http.Response, part string, have int64) (int64, error) {
	most := int64(maxUntold)
	switch told := resp.ContentLength; {
	case f.size > 0 && told >= 0 && have+told != f.size:
		_ = os.Remove(part) // what is there is of no use
		return 0, fmt.Errorf("%s: wrong size: the server announces %d bytes, expected %d (it was changed, or something else answers in its place)", f.address, have+told, f.size)
	case f.size > 0:
		most = f.size
	case told >= 0:
		most = have + told
	}
	free, ok := whole.Free(filepath.Dir(part))
	if !ok {
		return most, nil
	}
	if known := f.size > 0 || resp.ContentLength >= 0; known && most-have > free {
		return 0, fmt.Errorf("%s: it needs %s more, and the disk of %s has %s left (try freeing space, or setting FASTNB_HOME to a folder on another disk)", f.address, sizeText(most-have), filepath.Dir(part), sizeText(free))
	} else if !known {
		most = min(most, have+max(free-reserve, 0))
	}
	return most, nil
}

// ask sends the request, for the bytes from have on.
func (f file) ask(ctx context.Context, part string, have int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (compatible; fastnb)")
	req.Header.Set("Accept-Encoding", "identity") // ranges and sizes are of the file as it is
	if have > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		if tag, err := os.ReadFile(part + ".tag"); err == nil {
			req.Header.Set("If-Range", string(tag))
		}
	}
	by := client
	if f.direct {
		by = straight
	}
	resp, err := by.Do(req)
	if errors.Is(err, errElsewhere) {
		return nil, errors.Unwrap(err) // without Go's own account of the request
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if f.direct && resp.StatusCode < 300 {
		if err := aPage(resp); err != nil {
			_ = resp.Body.Close() // nothing in it is wanted
			return nil, err
		}
	}
	switch s := resp.StatusCode; {
	case s == http.StatusOK, s == http.StatusRequestedRangeNotSatisfiable:
		return resp, nil
	case s == http.StatusPartialContent:
		if from := "bytes " + strconv.FormatInt(have, 10) + "-"; strings.HasPrefix(resp.Header.Get("Content-Range"), from) {
			return resp, nil
		}
		err = fmt.Errorf("the server answered with another part than asked for (%q)", resp.Header.Get("Content-Range"))
	case s >= 500:
		err = fmt.Errorf("%w: the server answered %s", errBroken, resp.Status)
	default:
		err = fmt.Errorf("%w: %s: the server answered %s", ErrUnavailable, f.address, resp.Status)
	}
	_ = resp.Body.Close() // nothing in it is wanted
	return nil, err
}

// receive writes the answer's body behind the first have bytes.
func (f file) receive(resp *http.Response, out *os.File, have, most int64, bar *progress, cancel func()) error {
	var stalled atomic.Bool
	stall := time.AfterFunc(stallTimeout, func() { stalled.Store(true); cancel() })
	defer stall.Stop()
	buf := make([]byte, 1<<17)
	got := int64(0)
	for {
		n, err := resp.Body.Read(buf)
		stall.Reset(stallTimeout)
		if have+got+int64(n) > most {
			_ = os.Remove(out.Name()) // it is not what was asked for
			return fmt.Errorf("%s: sends more than %s (stopped, and removed what came)", f.address, sizeText(most))
		}
		if _, e := out.Write(buf[:n]); e != nil {
			return explain(e, f.dest, f.size-have-got)
		}
		got += int64(n)
		bar.set(have + got)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if stalled.Load() && got == 0 {
			return fmt.Errorf("%w: %s: %w for %v, at %s (try again later: it goes on from there)", ErrUnavailable, f.address, errStalled, stallTimeout, sizeText(have))
		}
		if err != nil {
			return fmt.Errorf("%w: %s after %s: %w", errBroken, f.address, sizeText(have+got), err)
		}
	}
}

// check compares a file with what is known of it.
func (f file) check(name string) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	if f.size > 0 && st.Size() != f.size {
		return fmt.Errorf("wrong size: %d bytes, expected %d", st.Size(), f.size)
	}
	if f.md5 != "" {
		h := md5.New() //nolint:gosec // see the import
		if _, err := io.Copy(h, io.LimitReader(in, md5Head)); err != nil {
			return err
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != f.md5 {
			return fmt.Errorf("wrong checksum: MD5 of the first MiB is %s, expected %s", got, f.md5)
		}
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	if f.sha256 != "" {
		h := sha256.New()
		if _, err := io.Copy(h, in); err != nil {
			return err
		}
		return sameSum(f.sha256, h)
	}
	return nil
}

// sameSum compares a sum with the first digits of what it should be.
func sameSum(want string, h hash.Hash) error {
	if got := hex.EncodeToString(h.Sum(nil)); !strings.HasPrefix(got, strings.ToLower(want)) {
		return fmt.Errorf("wrong checksum: SHA-256 starts with %s, expected %s", got[:min(len(want), len(got))], want)
	}
	return nil
}

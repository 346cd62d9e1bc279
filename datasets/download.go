package datasets

import (
	"context"
	"crypto/md5" //nolint:gosec // fastai publishes MD5 sums; they guard against damage, not attack
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fastnb/go/cell"
)

// file is something to download and how to tell that it came whole.
type file struct {
	address string
	dest    string // the finished file; dest.part while it is coming
	size    int64  // bytes; 0 = not checked
	md5     string // of the first MiB; "" = not checked
	sha256  string // first hex digits; "" = not checked
}

const (
	connectTimeout = 5 * time.Second  // to an address that may not exist from here
	headerTimeout  = 30 * time.Second // from request to answer
	stallTimeout   = 60 * time.Second // without a byte
	attempts       = 5                // as fastai: broken connections go on where they stopped
	md5Head        = 1 << 20          // how much fastai's checksums cover
)

var client = &http.Client{Transport: &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
	TLSHandshakeTimeout:   connectTimeout,
	ResponseHeaderTimeout: headerTimeout,
}}

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
	return f.receive(resp, out, have, bar, cancel)
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
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
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
func (f file) receive(resp *http.Response, out *os.File, have int64, bar *progress, cancel func()) error {
	stall := time.AfterFunc(stallTimeout, cancel)
	defer stall.Stop()
	buf := make([]byte, 1<<17)
	got := int64(0)
	for {
		n, err := resp.Body.Read(buf)
		stall.Reset(stallTimeout)
		if _, e := out.Write(buf[:n]); e != nil {
			return explain(e, f.dest, f.size-have-got)
		}
		got += int64(n)
		bar.set(have + got)
		if errors.Is(err, io.EOF) {
			return nil
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
		if got := hex.EncodeToString(h.Sum(nil)); !strings.HasPrefix(got, strings.ToLower(f.sha256)) {
			return fmt.Errorf("wrong checksum: SHA-256 starts with %s, expected %s", got[:len(f.sha256)], f.sha256)
		}
	}
	return nil
}

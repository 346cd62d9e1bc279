package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
)

// FetchExport gives the file of an exported model that lies at an address, fetching it first if it is not here yet:
// into models/served/ under the home. sum is the file's SHA-256 in hex; "" takes what comes, over https or from this
// machine only. An answer that leads to another host, or that is a page instead of a file, is refused.
func FetchExport(ctx context.Context, address, sum string) (Path, error) {
	fail := func(err error) (Path, error) { return Path{}, fmt.Errorf("fastnb: model: %s: %w", address, err) }
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fail(errors.New("not an address of a file (try https://HOST/FILE)"))
	case sum != "" && !isSHA256(sum):
		return fail(fmt.Errorf("%q is no SHA-256 sum, which has 64 hex digits (try sha256sum FILE)", sum))
	case sum == "" && u.Scheme == "http" && !onThisMachine(u.Hostname()):
		return fail(errors.New("anybody on the way could change it (try https, or #sha256=SUM behind it)"))
	}
	name := path.Base(u.Path)
	if checkName(name) != nil {
		name = "model"
	}
	of := sha256.Sum256([]byte(address))
	dir := modelsDir().Join("served")
	f := file{address: address, dest: dir.Join(hex.EncodeToString(of[:6]) + "-" + name).p, sha256: strings.ToLower(sum), direct: true}
	if _, err := os.Stat(f.dest); err == nil && f.check(f.dest) == nil {
		return Path{f.dest}, nil
	}
	if Offline() {
		return fail(fmt.Errorf("%w: FASTNB_OFFLINE is set (try the path of a file)", ErrUnavailable))
	}
	if err := os.MkdirAll(dir.p, 0o777); err != nil {
		return fail(explain(err, dir.p, 0))
	}
	unlock, err := lock(ctx, f.dest+".lock")
	if err != nil {
		return fail(err)
	}
	defer unlock()
	if err := download(ctx, f); err != nil {
		return fail(err)
	}
	if err := startsAsExport(f.dest); err != nil {
		_ = os.Remove(f.dest) // else it would be found here next time
		return fail(err)
	}
	return Path{f.dest}, nil
}

func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// startsAsExport reports whether a file begins as an export does: the length of a JSON head, and the head.
func startsAsExport(name string) error {
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	var head [9]byte
	if _, err := io.ReadFull(in, head[:]); err != nil || binary.LittleEndian.Uint64(head[:]) > 1<<30 || head[8] != '{' {
		return errors.New("the file is no export (try what learn.Export wrote)")
	}
	return nil
}

// straight is a client that stays with the host it was sent to.
var straight = &http.Client{Transport: client.Transport, CheckRedirect: func(to *http.Request, via []*http.Request) error {
	from := via[len(via)-1].URL
	switch {
	case to.URL.Host != from.Host || from.Scheme == "https" && to.URL.Scheme != "https":
		return fmt.Errorf("%w: %s (try that address itself, if you trust it)", errElsewhere, to.URL.Redacted())
	case len(via) > 5:
		return errors.New("it leads round in circles")
	}
	return nil
}}

// errElsewhere is an answer that leads to another host.
var errElsewhere = errors.New("it leads elsewhere")

// aPage is the error of an answer that is a page for people.
func aPage(resp *http.Response) error {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if kind = strings.TrimSpace(strings.ToLower(kind)); kind == "text/html" || kind == "application/xhtml+xml" {
		return errors.New("the answer is a page, not a file (a link to share a file leads to a page about it: try the direct link)")
	}
	return nil
}

package vision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/internal/whole"
)

// DownloadOption is an option of DownloadImages.
type DownloadOption interface{ applyDownload(*downloadConfig) }

type downloadConfig struct {
	most    int
	workers int
	timeout time.Duration
}

type downloadFunc func(*downloadConfig)

func (f downloadFunc) applyDownload(c *downloadConfig) { f(c) }

// MaxPics is how many addresses are tried at most (default 1000).
func MaxPics(n int) DownloadOption { return downloadFunc(func(c *downloadConfig) { c.most = n }) }

// PicTimeout is how long one picture may take (default 4 seconds, as fastai's).
func PicTimeout(d time.Duration) DownloadOption {
	return downloadFunc(func(c *downloadConfig) { c.timeout = d })
}

// maxPicture is the most bytes that one address may give.
const maxPicture = 64 << 20

// DownloadImages fetches the pictures that the lines of a file name, by their addresses, into a folder, as
// 00000000.jpg and so on with the ending of each address. It gives the number that came; an address that
// gives nothing is named and left out, as in fastai. What is there already is not fetched again. Options:
// MaxPics (1000), PicTimeout (4 seconds). VerifyImages then tells which of them are pictures. (fastai's
// download_images)
func DownloadImages(urls, dest datasets.Path, o ...DownloadOption) (int, error) {
	c := downloadConfig{most: 1000, workers: 8, timeout: 4 * time.Second}
	for _, f := range o {
		f.applyDownload(&c)
	}
	fail := func(err error) (int, error) {
		return 0, fmt.Errorf("fastnb: download images: %s: %w", urls, err)
	}
	if datasets.Offline() {
		return fail(fmt.Errorf("%w: FASTNB_OFFLINE is set", datasets.ErrUnavailable))
	}
	lines, err := urls.ReadLines()
	if err != nil {
		return fail(err)
	}
	var list []string
	for _, l := range lines {
		if l = strings.Trim(strings.TrimSpace(l), `",`); l != "" && len(list) < c.most {
			list = append(list, l)
		}
	}
	if len(list) == 0 {
		return fail(errors.New("it names no address"))
	}
	if err := os.MkdirAll(dest.String(), 0o777); err != nil {
		return fail(err)
	}
	whole.Sweep(dest.String())
	return c.all(list, dest)
}

// all fetches the pictures, several at a time.
func (c downloadConfig) all(list []string, dest datasets.Path) (int, error) {
	failed := make([]error, len(list))
	bar := cell.NewProgress("fetching pictures", len(list))
	defer bar.Done()
	ctx := cell.Context()
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(c.workers, len(list)) {
		wg.Go(func() {
			for k := range next {
				failed[k] = c.one(ctx, list[k], filepath.Join(dest.String(), fmt.Sprintf("%08d%s", k, ending(list[k]))))
				bar.Add(1)
			}
		})
	}
	for k := range list {
		if ctx.Err() != nil {
			break
		}
		next <- k
	}
	close(next)
	wg.Wait()
	if ctx.Err() != nil {
		return 0, fmt.Errorf("fastnb: download images: %w (what has come is kept)", cell.ErrInterrupted)
	}
	came := 0
	for k, err := range failed {
		if err != nil {
			fmt.Printf("%s: %v\n", list[k], err)
			continue
		}
		came++
	}
	return came, nil
}

// ending is the ending of an address' last part, .jpg if it has none of a picture's.
func ending(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ".jpg"
	}
	switch e := strings.ToLower(path.Ext(u.Path)); e {
	case ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff":
		return e
	}
	return ".jpg"
}

// one fetches one picture under a temporary name.
func (c downloadConfig) one(ctx context.Context, address, name string) (err error) {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if s := req.URL.Scheme; s != "http" && s != "https" {
		return fmt.Errorf("%q is no address of the web", address)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (compatible; fastnb)")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or given up
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answered %s", resp.Status)
	}
	return whole.WriteOfMany(name, func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(resp.Body, maxPicture+1))
		if err == nil && n > maxPicture {
			err = errors.New("it is larger than 64 MB")
		}
		return err
	})
}

package vision

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/disintegration/imaging"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/internal/whole"
)

// VerifyOption is an option of VerifyImages.
type VerifyOption interface{ applyVerify(*verifyConfig) }

type verifyConfig struct {
	remove, recurse bool
	most            int
}

type verifyFunc func(*verifyConfig)

func (f verifyFunc) applyVerify(c *verifyConfig) { f(c) }

// DeleteBroken says whether files that are no pictures are deleted (default false: they are only named).
func DeleteBroken(on bool) VerifyOption { return verifyFunc(func(c *verifyConfig) { c.remove = on }) }

// MaxSize makes pictures whose longer side has more than n pixels smaller, in place (default 0: none).
func MaxSize(n int) VerifyOption { return verifyFunc(func(c *verifyConfig) { c.most = n }) }

// Subfolders has folders inside the folder looked through as well (default false).
func Subfolders(on bool) VerifyOption { return verifyFunc(func(c *verifyConfig) { c.recurse = on }) }

// VerifyImages opens each picture of a folder as training would, and gives those that cannot be opened, after
// naming each with its reason. Options: DeleteBroken (false), MaxSize (0), Subfolders (false). A picture is
// made smaller under a temporary name first, so that an interrupt loses none, and keeps its permissions and its EXIF
// data. (fastai's verify_images, which deletes unless told otherwise)
func VerifyImages(path datasets.Path, o ...VerifyOption) (datasets.Listing, error) {
	var c verifyConfig
	for _, f := range o {
		f.applyVerify(&c)
	}
	fail := func(err error) (datasets.Listing, error) {
		return nil, fmt.Errorf("fastnb: verify images: %s: %w", path, err)
	}
	files, err := GetImageFiles(path, data.Recurse(c.recurse))
	if err != nil {
		return fail(err)
	}
	if c.most > 0 {
		swept := map[string]bool{}
		for _, f := range files {
			if dir := f.Parent().String(); !swept[dir] {
				whole.Sweep(dir)
				swept[dir] = true
			}
		}
	}
	reasons, err := verifyAll(files, c)
	if err != nil {
		return fail(err)
	}
	broken := datasets.Listing{}
	for k, r := range reasons {
		if r == nil {
			continue
		}
		broken = append(broken, files[k])
		done := ""
		if c.remove {
			if err := os.Remove(files[k].String()); err != nil {
				return fail(err)
			}
			done = " (deleted)"
		}
		fmt.Printf("%s: %v%s\n", files[k], r, done)
	}
	return broken, nil
}

// verifyAll is why each file is no picture, nil for those that are one.
func verifyAll(files datasets.Listing, c verifyConfig) ([]error, error) {
	reasons, failed := make([]error, len(files)), make([]error, len(files))
	bar := cell.NewProgress("verifying", len(files))
	defer bar.Done()
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		wg.Go(func() {
			for k := range next {
				reasons[k], failed[k] = c.verify(files[k])
				bar.Add(1)
			}
		})
	}
	for k := range files {
		if cell.Interrupted() != nil {
			break
		}
		next <- k
	}
	close(next)
	wg.Wait()
	if err := cell.Interrupted(); err != nil {
		return nil, err
	}
	for k, err := range failed {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", files[k], err)
		}
	}
	return reasons, nil
}

// verify opens one file and makes it smaller if it is to be.
func (c verifyConfig) verify(file datasets.Path) (broken, err error) {
	x, err := OpenImage(file)
	if err != nil {
		return err, nil
	}
	s := x.Size()
	if c.most <= 0 || max(s.H, s.W) <= c.most {
		return nil, nil
	}
	src, err := imaging.Open(file.String())
	if err != nil {
		return nil, nil // a kind that only our own decoder reads stays as it is
	}
	return nil, writeSmaller(file.String(), imaging.Fit(src, c.most, c.most, imaging.Box))
}

// writeSmaller puts a picture in the place of a file, in its format and with its EXIF data, by which it may have to
// be turned; formats that cannot be written stay.
func writeSmaller(name string, img image.Image) error {
	was, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg":
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 90})
	case ".png":
		err = png.Encode(&b, img)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return whole.WriteOfMany(name, func(w io.Writer) error { _, err := w.Write(withEXIF(b.Bytes(), exifOf(was))); return err })
}

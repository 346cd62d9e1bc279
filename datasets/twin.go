package datasets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/fastnb/go/cell"
)

// twinSuffix marks folders of generated data; they never share a folder with real data.
const twinSuffix = "-twin"

// order is what a generator shall draw.
type order struct {
	have, n int // items that are there, and that there shall be at least
	h, w    int // of the pictures in pixels
}

// generator draws a data set in the layout of the real one. The same item number always gives the
// same item, so that a twin can be made longer later.
type generator struct {
	items int // default number
	h, w  int // default size of pictures
	fixed bool
	// draw makes dir hold what is ordered. Those that are fixed draw pictures of the default size only.
	draw func(ctx context.Context, dir string, o order) error
}

// twins are the data sets that can be generated.
var twins = map[string]generator{}

// HasTwin reports whether a stand-in of the named data set can be generated.
func HasTwin(name string) bool { _, ok := twins[name]; return ok }

// maxTwinSide bounds the pictures of twins: a slip of the keyboard must not fill the disk.
const maxTwinSide = 4096

// sized is g for pictures of another size (0, 0: g's own), and what that adds to the folder's name.
func (g generator) sized(h, w int) (generator, string, error) {
	switch {
	case h == 0 && w == 0 || h == g.h && w == g.w:
		return g, "", nil
	case g.fixed:
		return g, "", fmt.Errorf("the twin's pictures are %dx%d and cannot be of another size", g.h, g.w)
	case h < 16 || w < 16 || h > maxTwinSide || w > maxTwinSide:
		return g, "", fmt.Errorf("pictures of %dx%d pixels cannot be drawn: height and width must be between 16 and %d", h, w, maxTwinSide)
	}
	g.h, g.w = h, w
	return g, fmt.Sprintf("-%dx%d", h, w), nil
}

// twin gives the folder of u's twin.
func twin(ctx context.Context, u URL, c getConfig) (Path, error) {
	g, ok := twins[u.Name]
	if !ok {
		return Path{}, fmt.Errorf("%w: there is no generated twin of it", ErrUnavailable)
	}
	g, size, err := g.sized(c.h, c.w)
	if err != nil {
		return Path{}, err
	}
	dir := dataDir().Join(u.Name + twinSuffix + size)
	return dir, g.fill(ctx, dir, c.tiles)
}

// fill draws what is missing.
func (g generator) fill(ctx context.Context, dir Path, n int) error {
	if n <= 0 {
		n = g.items
	}
	have, size := 0, fmt.Sprintf("%dx%d", g.h, g.w)
	if o, ok := readOrigin(dir); ok && o.Source == sourceTwin && dir.IsDir() {
		if o.Size != "" && o.Size != size {
			return fmt.Errorf("%s holds pictures of %s, not %s (try another folder)", dir, o.Size, size)
		}
		have = o.Items
	}
	if have >= n {
		return nil
	}
	if err := os.MkdirAll(dir.p, 0o777); err != nil {
		return explain(err, dir.p, 0)
	}
	if err := g.draw(ctx, dir.p, order{have, n, g.h, g.w}); err != nil {
		return fmt.Errorf("drawing the twin: %w", explain(err, dir.p, 0))
	}
	return note(dir, origin{Source: sourceTwin, Items: n, Size: size})
}

// SampleData draws the twin of the named data set with n items (0: default) into dir, which must be
// empty or hold an earlier, smaller sample. Options: TwinSize.
func SampleData(name string, dir Path, n int, opts ...DataOption) error {
	var c getConfig
	for _, o := range opts {
		o.applyData(&c)
	}
	for _, o := range c.given {
		if o != "TwinSize" {
			return fmt.Errorf("fastnb: sample: %s: option %s has no effect on SampleData (try it with GetData)", name, o)
		}
	}
	if n < 0 {
		return fmt.Errorf("fastnb: sample: %s: %d items (try 0 for as many as it has by itself)", name, n)
	}
	g, ok := twins[name]
	if !ok {
		return fmt.Errorf("fastnb: sample: %s: %w: there is no generator of that name", name, ErrUnavailable)
	}
	g, _, err := g.sized(c.h, c.w)
	if err != nil {
		return fmt.Errorf("fastnb: sample: %s: %w", name, err)
	}
	abs, err := filepath.Abs(dir.p)
	if err != nil {
		return fmt.Errorf("fastnb: sample: %s: %w", name, err)
	}
	if o, ok := readOrigin(Path{abs}); filled(Path{abs}) && (!ok || o.Source != sourceTwin) {
		return fmt.Errorf("fastnb: sample: %s: the folder %s is not empty", name, abs)
	}
	if err := g.fill(context.Background(), Path{abs}, n); err != nil {
		return fmt.Errorf("fastnb: sample: %s: %w", name, err)
	}
	return nil
}

// inParallel calls f for from..to on all cores until an error or an interrupt.
func inParallel(ctx context.Context, from, to int, f func(i int) error) error {
	var (
		wg    sync.WaitGroup
		next  atomic.Int64
		first atomic.Pointer[error]
	)
	next.Store(int64(from))
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for first.Load() == nil && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= to {
					return
				}
				if err := f(i); err != nil {
					first.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := first.Load(); err != nil {
		return *err
	}
	if ctx.Err() != nil {
		return cell.ErrInterrupted
	}
	return nil
}

package datasets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// twinSuffix marks folders of generated data; they never share a folder with real data.
const twinSuffix = "-twin"

// generator draws a data set in the layout of the real one. The same item number always gives the
// same item, so that a twin can be made longer later.
type generator struct {
	items int // default number
	// draw makes dir hold at least n items. have of them are there already.
	draw func(ctx context.Context, dir string, have, n int) error
}

// twins are the data sets that can be generated.
var twins = map[string]generator{}

// HasTwin reports whether a stand-in of the named data set can be generated.
func HasTwin(name string) bool { _, ok := twins[name]; return ok }

// twin gives the folder of u's twin with at least n items, 0 for the generator's default.
func twin(ctx context.Context, u URL, n int) (Path, error) {
	g, ok := twins[u.Name]
	if !ok {
		return Path{}, fmt.Errorf("%w: there is no generated twin of it", ErrUnavailable)
	}
	dir := dataDir().Join(u.Name + twinSuffix)
	return dir, g.fill(ctx, dir, n)
}

// fill draws what is missing.
func (g generator) fill(ctx context.Context, dir Path, n int) error {
	if n <= 0 {
		n = g.items
	}
	have := 0
	if o, ok := readOrigin(dir); ok && o.Source == sourceTwin && dir.IsDir() {
		have = o.Items
	}
	if have >= n {
		return nil
	}
	if err := os.MkdirAll(dir.p, 0o777); err != nil {
		return explain(err, dir.p, 0)
	}
	if err := g.draw(ctx, dir.p, have, n); err != nil {
		return fmt.Errorf("drawing the twin: %w", explain(err, dir.p, 0))
	}
	return note(dir, origin{Source: sourceTwin, Items: n})
}

// SampleData draws the twin of the named data set with n items (0: default) into dir, which must be
// empty or hold an earlier, smaller sample.
func SampleData(name string, dir Path, n int) error {
	g, ok := twins[name]
	if !ok {
		return fmt.Errorf("fastnb: sample: %s: %w: there is no generator of that name", name, ErrUnavailable)
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

package gpu

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/internal/whole"
)

// How products are done is measured once for each shape on a card, when a plan that has it is compiled first, and
// kept in FASTNB_HOME/gpu/products-<card>.json. FASTNB_GPU_TUNE=0 leaves all to a guess. What cannot be measured
// or kept (no room, a folder that cannot be written) is guessed or measured again: nothing depends on it but speed.

// tuneFrom is the number of operations of a product from which measuring pays.
const tuneFrom = 2e7

// tuneBudget is how long one way of doing a product is measured, in seconds.
const tuneBudget = 2e-3

// tuner knows how products are best done on a card.
type tuner struct {
	dev    *Device
	file   string
	from   float64 // the number of operations from which measuring pays
	budget float64 // how long one way is measured, in seconds
	// pick takes one of n ways instead of measuring them; nil but in tests.
	pick func(n int) int

	mu    sync.Mutex
	known map[string]kept
	fresh bool // something new is known
}

// kept is a choice as it lies in the file.
type kept struct {
	Tile    string  `json:"tile"`
	Splits  int     `json:"splits"`
	Seconds float64 `json:"seconds"`
}

// tuning is the device's tuner, nil where nothing is measured: on other cards than CUDA's one kernel does it all.
func (d *Device) tuning() *tuner {
	d.tuned.Do(func() {
		if d.card.Driver != "cuda" || os.Getenv("FASTNB_GPU_TUNE") == "0" {
			return
		}
		name := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				return r
			}
			return '-'
		}, d.card.Name+" "+d.card.Version)
		t := &tuner{dev: d, file: datasets.Home().Join("gpu", "products-"+name+".json").String(), from: tuneFrom, budget: tuneBudget}
		b, _ := os.ReadFile(t.file) // none is an empty one
		t.known = remembered(b)
		d.tuner = t
	})
	return d.tuner
}

// remembered is what a file says; nothing where it is of another version, or cut off.
func remembered(file []byte) map[string]kept {
	var m map[string]kept
	if json.Unmarshal(file, &m) != nil || m == nil {
		return map[string]kept{}
	}
	return m
}

// key names all products that take the same time.
func (p *product) key() string {
	g := p.patch
	return fmt.Sprint(kernels.GemmVersion, p.mode, p.kind, map[bool]string{true: "tf32"}[p.loose], p.c.kind, p.add, p.mask != nil, p.batch, p.m, p.n, p.k, p.ld, g.n, g.gh, g.gw, g.sh, g.sw, g.kh, g.kw, g.stride, g.pad, g.kc, g.kv)
}

// choice is how p is best done; false where that cannot be measured.
func (t *tuner) choice(c *compiler, p *product) (choice, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := c.choices(p)
	if t.pick != nil {
		return all[t.pick(len(all))], true
	}
	if x, ok := t.recall(all, p.key()); ok {
		return x, true
	}
	b, err := newBench(t.dev)
	if err != nil {
		return choice{}, false
	}
	defer b.close() //nolint:errcheck // what was measured is measured
	best, least := choice{}, 0.0
	try := func(x choice) {
		if s, err := b.seconds(*p, x, t.budget); err == nil && (least == 0 || s < least) {
			best, least = x, s
		}
	}
	for i, x := range all {
		if i == 0 || all[i-1].tile.Name != x.tile.Name { // each tile with as many parts as are wanted
			try(x)
		}
	}
	for i, x := range all {
		if i > 0 && all[i-1].tile.Name == x.tile.Name && x.tile.Name == best.tile.Name {
			try(x)
		}
	}
	if least == 0 {
		return choice{}, false
	}
	t.known[p.key()], t.fresh = kept{best.tile.Name, best.splits, least}, true
	return best, true
}

// recall is what is known of a product, if it is one of all its ways: a file may say anything, as more parts than there
// is room for, or a tile that does not fit.
func (t *tuner) recall(all []choice, key string) (choice, bool) {
	k, ok := t.known[key]
	for _, x := range all {
		if ok && x.tile.Name == k.Tile && x.splits == k.Splits {
			return x, true
		}
	}
	return choice{}, false
}

// keep writes what is new.
func (t *tuner) keep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.fresh {
		return
	}
	t.fresh = false
	b, err := json.MarshalIndent(t.known, "", " ")
	if err != nil || os.MkdirAll(filepath.Dir(t.file), 0o777) != nil {
		return
	}
	_ = whole.WriteBytes(t.file, b) // what is not kept is measured again
}

package gpu

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	none := func(*soft, []Arg) {}
	softKernels["gemm"], softKernels["gemm_sum"] = none, none
}

// tuned compiles a product on a new card over one home and gives what was chosen and how many units were loaded.
func tuned(t *testing.T) (choice, int) {
	t.Helper()
	s := newSoft(1 << 30)
	s.card.Driver, s.card.Name, s.card.Compute, s.card.Units, s.card.Tensor = "cuda", "Soft Card/1", 90, 132, true
	d, err := New(s, tensor.Float16)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c := &compiler{dev: d, plan: &device.Plan{Name: "test"}, act: tensor.Float16, step: &device.Step{Op: "matmul"}}
	temp := func(n int) ref { return c.temp(tensor.Float16, n) }
	p := c.spec(gemmSpec{A: temp(512 * 256), B: temp(512 * 256), C: temp(512 * 512), M: 512, N: 512, K: 256, TransB: true})
	tile := c.choose(&p)
	d.tuning().keep()
	return choice{tile, p.splits}, len(s.loads)
}

var parts, tiles = regexp.MustCompile(`"splits": \d+`), regexp.MustCompile(`"tile": "[^"]+"`)

// A product is measured once on a card, and the way that was found is kept for the next start.
func TestTuning(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	first, loads := tuned(t)
	if loads < 4 {
		t.Errorf("%d units were loaded, chosen is %s", loads, first.tile.Name)
	}
	again, loads := tuned(t)
	if loads != 0 || again.tile.Name != first.tile.Name || again.splits != first.splits {
		t.Errorf("measured again: %d units were loaded, %s/%d after %s/%d", loads, again.tile.Name, again.splits, first.tile.Name, first.splits)
	}
	files, err := filepath.Glob(filepath.Join(os.Getenv("FASTNB_HOME"), "gpu", "products-Soft-Card-1-*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"cut": "{cut of", "empty": "", "null": "null", "a list": "[]", "another kind": `{"a": 1}`,
		"too many parts": parts.ReplaceAllString(string(good), `"splits": 1000000000`), "no part": parts.ReplaceAllString(string(good), `"splits": 0`), "less than none": parts.ReplaceAllString(string(good), `"splits": -3`),
		"another tile": tiles.ReplaceAllString(string(good), `"tile": "no such"`),
	} {
		if err := os.WriteFile(files[0], []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, loads := tuned(t); loads == 0 || got.splits < 1 || got.splits > 64 {
			t.Errorf("%s: the file is believed: %s/%d", name, got.tile.Name, got.splits)
		}
	}
	t.Setenv("FASTNB_GPU_TUNE", "0")
	s := newSoft(1 << 20)
	s.card.Driver = "cuda"
	d, err := New(s, tensor.Float16)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.tuning() != nil {
		t.Error("FASTNB_GPU_TUNE=0 does not keep from measuring")
	}
}

// FuzzTimes reads any bytes as a file of times: what is chosen is a way of doing the product.
func FuzzTimes(f *testing.F) {
	s := newSoft(1 << 30)
	s.card.Driver, s.card.Compute, s.card.Units, s.card.Tensor = "cuda", 90, 132, true
	d, err := New(s, tensor.Float16)
	if err != nil {
		f.Fatal(err)
	}
	defer d.Close()
	of := func(n int) ref { return ref{kind: tensor.Float16, n: n} }
	c := &compiler{dev: d}
	p := c.spec(gemmSpec{A: of(512 * 256), B: of(512 * 256), C: of(512 * 512), M: 512, N: 512, K: 256, TransB: true})
	way := c.choices(&p)[0]
	for _, k := range []kept{{way.tile.Name, way.splits, 1e-3}, {way.tile.Name, -1, 0}, {"", 1 << 40, -1}, {"128x128", 0, 0}} {
		b, err := json.Marshal(map[string]kept{p.key(): k})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, file []byte) {
		tu := &tuner{dev: d, known: remembered(file)}
		k, ok := tu.known[p.key()]
		tu.known["x"] = k // what is measured is written there
		if !ok {
			return
		}
		if x, ok := tu.recall(c.choices(&p), p.key()); ok && (x.tile.Name != k.Tile || x.splits != k.Splits || !c.able(&p, x.tile) || x.splits < 1 || x.splits > 4096) {
			t.Errorf("%s/%d is done for %+v", x.tile.Name, x.splits, k)
		}
	})
}

// The guess has a way for every product, and tiles whose memory the card does not have are not chosen.
func TestGuess(t *testing.T) {
	s := newSoft(1 << 20)
	d, err := New(s, tensor.Float16)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, compute := range []int{0, 61, 75, 80, 86, 90, 120} {
		d.card = Card{Driver: "cuda", Compute: compute, Tensor: compute >= 75, Units: 40}
		for _, kind := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
			c := &compiler{dev: d, act: kind}
			for _, x := range lessons(kind) {
				got := c.guess(&x.p)
				if !c.able(&x.p, got.tile) || got.splits < 1 {
					t.Fatalf("compute %d: %s: %s/%d", compute, x.name, got.tile.Name, got.splits)
				}
				if got.tile.Shared > mostShared(compute) || got.tile.Compute > compute {
					t.Errorf("compute %d: %s: %s takes %d bytes of shared memory", compute, x.name, got.tile.Name, got.tile.Shared)
				}
			}
		}
	}
}

// Products over classes of pixels are never cut: a part has no place of its own for each class.
func TestClassesAreWhole(t *testing.T) {
	s := newSoft(1 << 20)
	d, err := New(s, tensor.Float16)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.card = Card{Driver: "cuda", Compute: 90, Tensor: true, Units: 132}
	c := &compiler{dev: d, act: tensor.Float16}
	seen := 0
	for _, x := range lessons(tensor.Float16) {
		if x.p.classes() == 1 {
			continue
		}
		seen++
		for _, way := range c.choices(&x.p) {
			if way.splits != 1 {
				t.Fatalf("%s: %s in %d parts", x.name, way.tile.Name, way.splits)
			}
		}
	}
	if seen == 0 {
		t.Error("no product over classes in the table")
	}
}

// A product with a large result, as a decoder's scores are, is measured too: only parts are bounded.
func TestLargeResultsAreMeasured(t *testing.T) {
	s := newSoft(1 << 30)
	s.card.Driver, s.card.Compute, s.card.Units, s.card.Tensor = "cuda", 90, 132, true
	d, err := New(s, tensor.Float16)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	of := func(n int) ref { return ref{kind: tensor.Float16, n: n} }
	c := &compiler{dev: d}
	p := c.spec(gemmSpec{A: of(4480 * 400), B: of(60000 * 400), C: of(4480 * 60000), M: 4480, N: 60000, K: 400, TransB: true})
	all := c.choices(&p)
	for _, x := range all {
		if x.splits != 1 {
			t.Errorf("%s in %d parts", x.tile.Name, x.splits)
		}
	}
	if len(all) < 2 {
		t.Errorf("%d ways", len(all))
	}
}

// What masks a product is made up like its operands when it is measured: the plan it belongs to is not there.
func TestMaskedProductsAreMeasured(t *testing.T) {
	t.Setenv("FASTNB_HOME", t.TempDir())
	s := newSoft(1 << 30)
	s.card.Driver, s.card.Compute, s.card.Units, s.card.Tensor = "cuda", 90, 132, true
	d, err := New(s, tensor.Float16)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	v := conv{n: 4, h: 32, w: 32, c: 64, oh: 32, ow: 32, o: 64, kh: 3, kw: 3, groups: 1, stride: [2]int{1, 1}, pad: [2]int{1, 1}}
	of := func(value device.ValueID, n int) ref { return ref{value: value, kind: tensor.Float16, n: n} }
	pixels := v.n * v.h * v.w * v.c
	y := of(92, pixels) // of a plan that the measurement does not know
	p := v.dx(tensor.Float16, of(90, pixels), of(91, v.o*v.taps()*v.c), of(93, pixels), v.o, v.c)
	p.mask = &y
	c := &compiler{dev: d, plan: &device.Plan{Name: "test"}, act: tensor.Float16, step: &device.Step{Op: "conv2d_dx"}}
	if _, ok := d.tuning().choice(c, &p); !ok || len(s.loads) == 0 {
		t.Errorf("not measured: %d units were loaded", len(s.loads))
	}
	if p.mask != &y {
		t.Error("the product's own mask was changed")
	}
}

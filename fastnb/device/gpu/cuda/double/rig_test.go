//go:build linux

package double_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/fastnb/go/fastnb/device/gpu/cuda/double"
)

// card is the double as a test uses it: by the driver's own entry points.
type card struct {
	t       *testing.T
	lib     uintptr
	funcs   map[string]uintptr
	modules map[string]uintptr
}

// onCard says that the tests are to run on the machine's card instead: those that are about the instructions and
// the driver's rules, which shows that the double keeps to them. The others are skipped there.
var onCard = os.Getenv("FASTNB_TEST_CARD") != ""

// ofDouble skips what a card does not do, or not each time.
func ofDouble(t *testing.T) {
	t.Helper()
	if onCard {
		t.Skip("of the double alone")
	}
}

// open gives a fresh double with options as "seed=3".
func open(t *testing.T, options ...string) *card {
	t.Helper()
	path := "libcuda.so.1"
	if !onCard {
		path = double.Build(t)
	}
	lib, err := purego.Dlopen(path, purego.RTLD_NOW)
	if err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	c := &card{t, lib, map[string]uintptr{}, map[string]uintptr{}}
	if !onCard {
		c.must("doubleReset")
	}
	for _, o := range append([]string{"quiet=1"}, options...) {
		key, value, _ := strings.Cut(o, "=")
		if key != "quiet" && key != "seed" {
			ofDouble(t)
		}
		if !onCard {
			c.must("doubleConfigure", text(key), text(value))
		}
	}
	var ctx uintptr
	c.must("cuInit", 0)
	c.must("cuDevicePrimaryCtxRetain", ptr(&ctx), 0)
	c.must("cuCtxSetCurrent", ctx)
	return c
}

// ptr is an address for C; what it points to does not move.
func ptr[T any](p *T) uintptr {
	sink = p
	return uintptr(unsafe.Pointer(p))
}

var sink any

var texts [][]byte

// text is a string of C, kept for good.
func text(s string) uintptr {
	b := append([]byte(s), 0)
	texts = append(texts, b)
	return ptr(&b[0])
}

// call calls an entry point.
//
//go:uintptrescapes
func (c *card) call(name string, args ...uintptr) int {
	fn := c.funcs[name]
	if fn == 0 {
		var err error
		if fn, err = purego.Dlsym(c.lib, name); err != nil {
			c.t.Fatal(err)
		}
		c.funcs[name] = fn
	}
	r, _, _ := purego.SyscallN(fn, args...)
	return int(int32(r))
}

// must calls an entry point that is to succeed.
//
//go:uintptrescapes
func (c *card) must(name string, args ...uintptr) {
	c.t.Helper()
	if r := c.call(name, args...); r != 0 {
		c.t.Fatalf("%s: error %d: %s", name, r, c.said())
	}
}

// said is what the double says of its first error.
func (c *card) said() string {
	if onCard {
		return "said by the card"
	}
	fn, err := purego.Dlsym(c.lib, "doubleError")
	if err != nil {
		c.t.Fatal(err)
	}
	var f func() string
	purego.RegisterFunc(&f, fn)
	return f()
}

// module loads testdata/NAME.ptx, which must be of NAME.cu as it is.
func (c *card) module(name string) uintptr {
	c.t.Helper()
	if m := c.modules[name]; m != 0 {
		return m
	}
	ptx, err := os.ReadFile(filepath.Join("testdata", name+".ptx"))
	if err != nil {
		c.t.Fatal(err)
	}
	src, err := os.ReadFile(filepath.Join("testdata", name+".cu"))
	if err != nil {
		c.t.Fatal(err)
	}
	if !strings.Contains(string(ptx), fmt.Sprintf("sha256 %x", sha256.Sum256(src))) {
		c.t.Errorf("testdata/%s.ptx is not of today's %s.cu (try make generate-ptx)", name, name)
	}
	var m uintptr
	c.must("cuModuleLoadData", ptr(&m), text(string(ptx)))
	c.modules[name] = m
	return m
}

// kernel gives an entry, named MODULE.ENTRY.
func (c *card) kernel(name string) uintptr {
	c.t.Helper()
	module, entry, _ := strings.Cut(name, ".")
	m := c.module(module)
	var f uintptr
	c.must("cuModuleGetFunction", ptr(&f), m, text(entry))
	return f
}

// up allocates and fills memory.
func up[T any](c *card, v []T) uint64 {
	c.t.Helper()
	var p uint64
	n := uintptr(len(v)) * unsafe.Sizeof(v[0])
	c.must("cuMemAlloc_v2", ptr(&p), n)
	c.must("cuMemcpyHtoD_v2", uintptr(p), ptr(&v[0]), n)
	return p
}

// down reads memory.
func down[T any](c *card, p uint64, n int) []T {
	c.t.Helper()
	v := make([]T, n)
	c.must("cuMemcpyDtoH_v2", ptr(&v[0]), uintptr(p), uintptr(n)*unsafe.Sizeof(v[0]))
	return v
}

// launch queues a kernel; args are addresses and numbers.
func (c *card) launch(stream uintptr, kernel string, grid, block, shared int, args ...any) int {
	c.t.Helper()
	vals := make([]uint64, len(args)+1)
	ptrs := make([]uintptr, len(args)+1)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&vals[0])
	for i, a := range args {
		switch a := a.(type) {
		case uint64:
			vals[i] = a
		case int:
			vals[i] = uint64(uint32(a))
		case float32:
			vals[i] = uint64(*(*uint32)(unsafe.Pointer(&a)))
		default:
			c.t.Fatalf("argument %T", a)
		}
		ptrs[i] = ptr(&vals[i])
	}
	return c.call("cuLaunchKernel", c.kernel(kernel), uintptr(grid), 1, 1, uintptr(block), 1, 1, uintptr(shared), stream, ptr(&ptrs[0]), 0)
}

// run launches a kernel and waits for it.
func (c *card) run(kernel string, grid, block, shared int, args ...any) int {
	c.t.Helper()
	if r := c.launch(0, kernel, grid, block, shared, args...); r != 0 {
		return r
	}
	return c.call("cuCtxSynchronize")
}

// ran is run that is to succeed.
func (c *card) ran(kernel string, grid, block, shared int, args ...any) {
	c.t.Helper()
	if r := c.run(kernel, grid, block, shared, args...); r != 0 {
		c.t.Fatalf("%s: error %d: %s", kernel, r, c.said())
	}
}

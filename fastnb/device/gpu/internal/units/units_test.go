package units_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fastnb/go/fastnb/device/gpu/internal/units"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
)

// A unit is compiled once however many need it at once, a failure is told to all, and the end is kernels first.
func TestTable(t *testing.T) {
	var table units.Table[string]
	var compiled atomic.Int32
	compile := func(u kernels.Unit) (uintptr, error) {
		compiled.Add(1)
		if u.Name == "bad" {
			return 0, errors.New("does not compile")
		}
		return 7, nil
	}
	find := func(module uintptr, u kernels.Unit, entry string) (string, error) {
		if entry == "missing" {
			return "", errors.New("no " + entry)
		}
		return u.Name + "." + entry, nil
	}
	get := func(unit, entry string) (string, error) {
		return table.Kernel(kernels.Unit{Name: unit}, entry, compile, find)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if k, err := get("a", "x"); k != "a.x" || err != nil {
				t.Error(k, err)
			}
			if _, err := get("bad", "x"); err == nil || !strings.Contains(err.Error(), "does not compile") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := compiled.Load(); n != 2 {
		t.Errorf("%d compilations of two units", n)
	}
	if _, err := get("a", "missing"); err == nil {
		t.Error("a kernel that is not there was found")
	}
	if _, err := get("b", "y"); err != nil {
		t.Fatal(err)
	}
	var order []string
	table.Close(func(k string) { order = append(order, "kernel") }, func(uintptr) { order = append(order, "module") })
	if want := []string{"kernel", "kernel", "module", "module"}; !slices.Equal(order, want) {
		t.Error(order)
	}
	if _, err := get("a", "x"); err != nil || compiled.Load() != 4 {
		t.Error("behind Close it is made anew: ", err, compiled.Load())
	}
}

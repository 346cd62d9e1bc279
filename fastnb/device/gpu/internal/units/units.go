// Package units keeps what a driver made of units of kernels: a unit is compiled when it is first needed, by one
// goroutine while others that need it wait, and each of its kernels is looked up once.
//
// It stands below gpu's drivers and imports kernels.
package units

import (
	"sync"

	"github.com/fastnb/go/fastnb/device/gpu/kernels"
)

// Table holds units by their names; K is a driver's kernel. Any goroutine may call it.
type Table[K any] struct {
	mu  sync.Mutex // guards all
	all map[string]*unit[K]
}

type unit[K any] struct {
	once    sync.Once
	module  uintptr // 0: it could not be made
	err     error
	mu      sync.Mutex // guards kernels
	kernels map[string]K
}

// Kernel is an entry of a unit. compile makes the unit's module, find a kernel of it; neither is called again
// for what was made, nor for a unit whose compilation failed.
func (t *Table[K]) Kernel(u kernels.Unit, entry string, compile func(kernels.Unit) (uintptr, error), find func(module uintptr, u kernels.Unit, entry string) (K, error)) (K, error) {
	t.mu.Lock()
	c := t.all[u.Name]
	if c == nil {
		c = &unit[K]{kernels: map[string]K{}}
		if t.all == nil {
			t.all = map[string]*unit[K]{}
		}
		t.all[u.Name] = c
	}
	t.mu.Unlock()
	var none K
	c.once.Do(func() { c.module, c.err = compile(u) })
	if c.err != nil {
		return none, c.err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.kernels[entry]; ok {
		return k, nil
	}
	k, err := find(c.module, u, entry)
	if err != nil {
		return none, err
	}
	c.kernels[entry] = k
	return k, nil
}

// Close forgets all: kernels first, then their modules. Nothing is looked up meanwhile.
func (t *Table[K]) Close(kernel func(K), module func(uintptr)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range t.all {
		for _, k := range u.kernels {
			kernel(k)
		}
	}
	for _, u := range t.all {
		if u.module != 0 {
			module(u.module)
		}
	}
	t.all = nil
}

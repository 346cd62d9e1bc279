package opencl

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/internal/dl"
)

// A checker stands between the driver and OpenCL's library and keeps account of every object: what it is part of,
// which commands refer to it, in which order commands of different queues are. It finds what OpenCL leaves
// undefined or what drivers are known to fall over, whether or not the library at hand minds:
//
//   - an object that is used or given back when it is gone; memory before its parts, or while commands are queued
//     that use it; kernels, queues and events while work on them is queued; programs before their kernels;
//     queues before the memory that they worked on
//   - commands of two queues at once on memory that one of them writes, and on a memory object and a part of it
//   - an event that was asked whether it is done, and not waited for
//   - what is left when the context goes
type checker struct {
	real *api

	mu    sync.Mutex // guards what follows
	objs  map[uintptr]*object
	lanes map[uintptr]*lane
	found []string
	// orphans counts kernels that had memory for an argument that was gone when they were given back.
	orphans int
	parts   int // made
}

type object struct {
	kind      string
	ctx       uintptr
	handle    uintptr
	of        *object // parent of a part, program of a kernel, queue of an event
	held      int     // live parts or kernels
	dead      bool
	at, size  int64           // of a part
	args      map[int]uintptr // of a kernel
	n         int64           // of an event: its place
	order     map[uintptr]int64
	asked     bool // an event that said it is done
	waitedFor bool
}

// root is the memory object that something is a part of.
func (o *object) root() *object {
	if o.of != nil {
		return o.of
	}
	return o
}

// lane is a queue's work.
type lane struct {
	n, done int64
	behind  map[uintptr]int64 // how far other lanes are when its next command begins
	open    []command
}

type command struct {
	n    int64
	uses []access
	with *object // its kernel
}

type access struct {
	o        *object
	from, to int64 // in the memory object
	writes   bool  // for certain
}

var theChecker = sync.OnceValues(func() (*checker, error) {
	a, err := load()
	if err != nil {
		return nil, err
	}
	c := &checker{real: a, objs: map[uintptr]*object{}, lanes: map[uintptr]*lane{}}
	return c, nil
})

// theAPI is made once: the number of functions that C can call is limited.
var theAPI = sync.OnceValue(func() *api {
	c, err := theChecker()
	if err != nil {
		panic(err)
	}
	return c.api()
})

// OpenChecked opens a device behind the checker. What the checker found is the test's failure, when done is called.
func OpenChecked(number int, auto bool) (drv gpu.Driver, done func(t testing.TB), err error) {
	c, err := theChecker()
	if err != nil {
		return nil, nil, err
	}
	drv, err = theAPI().find(number, auto)
	return drv, func(t testing.TB) {
		t.Helper()
		found, _, _ := c.take()
		for _, s := range found {
			t.Error("the checker of OpenCL's objects: ", s)
		}
	}, err
}

func (c *checker) take() (found []string, orphans, parts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, orphans, parts = c.found, c.orphans, c.parts
	c.found, c.orphans, c.parts = nil, 0, 0
	return found, orphans, parts
}

func (c *checker) bad(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); len(c.found) < 20 {
		c.found = append(c.found, s)
	}
}

// in reads what C would of an address that Go gave.
func in[V any](p uintptr) V { return **(**V)(unsafe.Pointer(&p)) }

func list(p uintptr, n int) []uintptr { return unsafe.Slice(*(**uintptr)(unsafe.Pointer(&p)), n) }

// made notes a new object. A handle that is used again is a new object.
func (c *checker) made(kind string, ctx, h uintptr, of *object) *object {
	if h == 0 {
		return nil
	}
	o := &object{kind: kind, ctx: ctx, handle: h, of: of}
	c.objs[h] = o
	if of != nil && kind != "event" {
		of.held++
	}
	return o
}

// live is an object that may be used.
func (c *checker) live(h uintptr, kind, by string) *object {
	o := c.objs[h]
	switch {
	case o == nil || o.kind != kind:
		c.bad("%s: %#x is no %s", by, h, kind)
		return nil
	case o.dead:
		c.bad("%s: a %s that was given back", by, kind)
		return nil
	}
	return o
}

// release notes that an object goes, and says whether there was one.
func (c *checker) release(h uintptr, kind string) bool {
	o := c.live(h, kind, "release")
	if o == nil {
		return false
	}
	o.dead = true
	if o.held > 0 {
		c.bad("release: a %s that %d others are made of", kind, o.held)
	}
	if o.of != nil && kind != "event" {
		o.of.held--
	}
	for q, l := range c.lanes {
		for _, cmd := range l.open {
			for _, u := range cmd.uses {
				if u.o == o || u.o.root() == o {
					c.bad("release: memory that command %d of queue %#x uses, which nobody waited for", cmd.n, q)
				}
			}
			if cmd.with == o {
				c.bad("release: a kernel that is queued as command %d of queue %#x", cmd.n, q)
			}
		}
	}
	switch kind {
	case "kernel":
		for _, a := range o.args {
			if m := c.objs[a]; m != nil && m.dead {
				c.orphans++
				break
			}
		}
	case "event":
		if o.asked && !o.waitedFor {
			c.bad("release: an event that was asked whether it is done, and not waited for")
		}
	case "queue":
		if l := c.lanes[h]; l.done < l.n {
			c.bad("release: a queue with %d commands that nobody waited for", l.n-l.done)
		}
		for _, x := range c.objs {
			if !x.dead && (x.kind == "event" && x.of == o || x.kind == "memory" && x.ctx == o.ctx) {
				c.bad("release: a queue before %s", x.kind)
				break
			}
		}
		delete(c.lanes, h)
	}
	return true
}

// ended notes that a context goes, with which nothing may be left.
func (c *checker) ended(ctx uintptr) {
	left := map[string]int{}
	for h, o := range c.objs {
		if o.ctx != ctx {
			continue
		}
		if !o.dead {
			left[o.kind]++
		}
		delete(c.objs, h)
	}
	for kind, n := range left {
		c.bad("left when the context went: %d of kind %s", n, kind)
	}
}

// queued notes a command. The caller holds mu until the library has it.
func (c *checker) queued(q uintptr, with *object, uses ...access) *lane {
	o, l := c.live(q, "queue", "command"), c.lanes[q]
	if o == nil {
		return &lane{behind: map[uintptr]int64{}}
	}
	l.n++
	uses = append([]access(nil), uses...)
	for other, m := range c.lanes {
		if other == q {
			continue
		}
		for _, cmd := range m.open {
			if cmd.n <= l.behind[other] {
				continue
			}
			for _, x := range cmd.uses {
				for _, y := range uses {
					c.together(x, y)
				}
			}
		}
	}
	l.open = append(l.open, command{l.n, uses, with})
	return l
}

// together looks at two accesses that nothing orders.
func (c *checker) together(x, y access) {
	switch {
	case x.o.root() != y.o.root():
	case x.o != y.o && (x.o.of == nil || y.o.of == nil):
		c.bad("two queues at once: a memory object and a part of it, bytes %d to %d and %d to %d", x.from, x.to, y.from, y.to)
	case x.from < y.to && y.from < x.to && (x.writes || y.writes):
		c.bad("two queues at once: bytes %d to %d and %d to %d, one is written", x.from, x.to, y.from, y.to)
	}
}

// use is an access of n bytes (all where n < 0) from a place in a memory object or part on.
func (c *checker) use(h, at uintptr, n int64, writes bool, by string) []access {
	o := c.live(h, "memory", by)
	if o == nil {
		return nil
	}
	if n < 0 {
		n = o.size
	}
	from := o.at + int64(at)
	return []access{{o, from, from + n, writes}}
}

// passed notes that the host waited for a queue up to a command, and with it for what that was behind.
func (c *checker) passed(q uintptr, n int64, order map[uintptr]int64) {
	set := func(q uintptr, n int64) {
		l := c.lanes[q]
		if l == nil || n <= l.done {
			return
		}
		l.done = n
		for len(l.open) > 0 && l.open[0].n <= n {
			l.open = l.open[1:]
		}
	}
	set(q, n)
	for q, n := range order {
		set(q, n)
	}
}

// snapshot is what is done when a lane's last command is.
func (l *lane) snapshot(q uintptr) map[uintptr]int64 {
	out := maps.Clone(l.behind)
	out[q] = l.n
	return out
}

// call calls the library.
//
//go:uintptrescapes
func (c *checker) call(fn uintptr, args ...uintptr) uintptr { return dl.Call(fn, args...) }

// callback is a function that C, and so the driver, can call.
func callback(fn any) uintptr { return purego.NewCallback(fn) }

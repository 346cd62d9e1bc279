package opencl

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/internal/dl"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/tensor"
)

// checkedDriver is a driver behind the checker, which is given back by the test.
func checkedDriver(t *testing.T) (*driver, *checker) {
	t.Helper()
	drv, done, err := OpenChecked(0, false)
	if errors.Is(err, device.ErrNotFound) && os.Getenv("FASTNB_CI") == "" {
		t.Skip("no OpenCL on this machine: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	done(t)
	c, _ := theChecker()
	return drv.(*driver), c
}

// plus is the plan c = a + b over n numbers, k times over.
func plus(n, k int) *device.Plan {
	shape := []int{n}
	p := &device.Plan{Name: "sum"}
	a := p.Add(device.Value{Name: "a", DType: tensor.Float32, Shape: shape, Place: device.Bound})
	b := p.Add(device.Value{Name: "b", DType: tensor.Float32, Shape: shape, Place: device.Bound})
	p.Args = []device.Arg{{Value: a, Access: device.Read}, {Value: b, Access: device.Read}}
	for i := range k {
		v := device.Value{Name: "c", DType: tensor.Float32, Shape: shape}
		if i == k-1 {
			v.Place = device.Bound
		}
		c := p.Add(v)
		p.Steps = append(p.Steps, device.Step{Op: "add", In: []device.ValueID{a, b}, Out: []device.ValueID{c}})
		a = c
	}
	p.Args = append(p.Args, device.Arg{Value: a, Access: device.Write})
	return p
}

// session does what a session does: queues side by side, waits with patience and without, buffers that are freed
// while they are in use, a run that nobody waits for. Then the device is closed as it stands.
func session(t *testing.T, drv gpu.Driver) {
	t.Helper()
	dev, err := gpu.New(drv, tensor.Float32)
	if err != nil {
		t.Fatal(err)
	}
	const n, k = 1000, 6
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			q := dev.NewQueue()
			prog, err := dev.Compile(plus(n, k))
			if err != nil {
				t.Error(err)
				return
			}
			x := tensor.New(tensor.Float32, n)
			for i := range x.Float32s() {
				x.Float32s()[i] = float32(i)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for range 8 {
				var bs [3]device.Buffer
				for i := range bs {
					if bs[i], err = dev.Alloc(device.Spec{DType: tensor.Float32, Shape: []int{n}}); err != nil {
						t.Error(err)
						return
					}
				}
				q.Write(bs[0], x)
				q.Write(bs[1], x)
				q.Run(ctx, prog, bs[:]...)
				q.Copy(bs[0], 3, bs[2], 7, n/2) // at addresses that no part begins at
				got := tensor.New(tensor.Float32, n)
				ev := q.Read(got, bs[0])
				dev.Free(bs[1])
				if err := ev.Wait(ctx); err != nil {
					t.Error(err)
				}
				if g := got.Float32s(); g[2] != 2 || g[3] != 7*(k+1) || g[3+n/2-1] != (7+n/2-1)*(k+1) || g[3+n/2] != 3+n/2 {
					t.Error("wrong: ", g[:8])
				}
				q.Run(ctx, prog, bs[0], bs[0], bs[2])
				dev.Free(bs[0])
				dev.Free(bs[2])
			}
		})
	}
	wg.Wait()
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
}

// Objects are given back in one order, whatever was going on, and two queues never meet in a memory object.
func TestObjectsAreGivenBackInOrder(t *testing.T) {
	for _, v := range []struct {
		name  string
		parts int
	}{{"few parts", mostParts}, {"parts given up", 4}} {
		t.Run(v.name, func(t *testing.T) {
			defer func(n int) { mostParts = n }(mostParts)
			mostParts = v.parts
			drv, c := checkedDriver(t)
			session(t, drv)
			found, orphans, parts := c.take()
			for _, s := range found {
				t.Error(s)
			}
			if v.parts > 4 && orphans > 0 {
				t.Errorf("%d kernels were given back behind the memory of their arguments", orphans)
			}
			if parts == 0 || v.parts == 4 && parts < 100 {
				t.Errorf("%d parts", parts)
			}
		})
	}
}

// Streams that come and go do not add up to queues.
func TestQueuesServeAgain(t *testing.T) {
	drv, c := checkedDriver(t)
	for range 10 {
		s, err := drv.NewStream()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := len(drv.queues); n != 1 {
		t.Errorf("%d queues for one stream at a time", n)
	}
	if err := drv.Close(); err != nil {
		t.Error(err)
	}
	if found, _, _ := c.take(); len(found) > 0 {
		t.Error(found)
	}
}

// What is left when the driver is closed goes with it.
func TestCloseGivesAllBack(t *testing.T) {
	drv, c := checkedDriver(t)
	s, err := drv.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	m, err := drv.Alloc(1 << 16)
	if err != nil {
		t.Fatal(err)
	}
	host, err := drv.Host(4096)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := kernels.Find("convert")
	if _, err := drv.Load(u, "convert_f32_f16"); err != nil {
		t.Error(err)
	}
	if err := s.Upload(gpu.Ptr{Mem: m, Off: 512, Len: 4096}, host); err != nil {
		t.Error(err)
	}
	if err := drv.Close(); err != nil {
		t.Error(err)
	}
	if found, _, _ := c.take(); len(found) > 0 {
		t.Error(found)
	}
}

// The checker sees each mistake that it is there for.
func TestCheckerSeesMistakes(t *testing.T) {
	drv, c := checkedDriver(t)
	defer func() {
		_ = drv.Close()    // there is much left
		_, _, _ = c.take() // which was told
	}()
	a := drv.api
	var code int32
	at := uintptr(unsafe.Pointer(&code))
	queue := func() uintptr { return dl.Call(a.createQueue, drv.ctx, drv.dev, profilingEnable, at) }
	memory := func() uintptr { return dl.Call(a.createBuffer, drv.ctx, memReadWrite, 4096, 0, at) }
	part := func(m uintptr, from, n int64) uintptr {
		region := [2]int64{from, n}
		return dl.Call(a.createSub, m, memReadWrite, regionSub, uintptr(unsafe.Pointer(&region[0])), at)
	}
	fill := func(q, m, n uintptr) {
		zero := byte(0)
		dl.Call(a.fill, q, m, uintptr(unsafe.Pointer(&zero)), 1, 0, n, 0, 0, 0)
	}
	mark := func(q uintptr) (e uintptr) {
		dl.Call(a.marker, q, 0, 0, uintptr(unsafe.Pointer(&e)))
		return e
	}
	for _, v := range []struct {
		want string
		do   func()
	}{
		{"a memory that was given back", func() { m := memory(); dl.Call(a.releaseMem, m); dl.Call(a.releaseMem, m) }},
		{"a memory that 1 others are made of", func() { m := memory(); p := part(m, 0, 256); dl.Call(a.releaseMem, m); dl.Call(a.releaseMem, p) }},
		{"memory that command 1", func() { q, m := queue(), memory(); fill(q, m, 64); dl.Call(a.releaseMem, m); dl.Call(a.finish, q) }},
		{"commands that nobody waited for", func() {
			q, m := queue(), memory()
			fill(q, m, 64)
			dl.Call(a.releaseQueue, q)
			dl.Call(a.releaseMem, m)
		}},
		{"a queue before memory", func() { q, m := queue(), memory(); dl.Call(a.releaseQueue, q); dl.Call(a.releaseMem, m) }},
		{"a queue before event", func() {
			q := queue()
			e := mark(q)
			dl.Call(a.finish, q)
			dl.Call(a.releaseQueue, q)
			dl.Call(a.releaseEvent, e)
		}},
		{"one is written", func() {
			q, r, m := queue(), queue(), memory()
			p, o := part(m, 0, 512), part(m, 256, 512)
			fill(q, p, 512)
			fill(r, o, 64)
		}},
		{"a memory object and a part of it", func() { q, r, m := queue(), queue(), memory(); fill(q, m, 16); fill(r, part(m, 1024, 64), 64) }},
		{"and not waited for", func() {
			q := queue()
			e := mark(q)
			dl.Call(a.finish, q)
			status := int32(1)
			dl.Call(a.eventInfo, e, eventStatus, 4, uintptr(unsafe.Pointer(&status)), 0)
			dl.Call(a.releaseEvent, e)
		}},
		{"left when the context went: 1 of kind memory", func() {
			ctx := dl.Call(a.createContext, 0, 1, uintptr(unsafe.Pointer(&drv.dev)), 0, 0, at)
			m := dl.Call(a.createBuffer, ctx, memReadWrite, 4096, 0, at)
			dl.Call(a.releaseContext, ctx)
			dl.Call(c.real.releaseMem, m)
		}},
	} {
		v.do()
		found, _, _ := c.take()
		if s := strings.Join(found, "\n"); !strings.Contains(s, v.want) {
			t.Errorf("not seen: %q; found %q", v.want, s)
		}
		for q := range c.lanes {
			dl.Call(a.finish, q)
		}
		_, _, _ = c.take()
	}
	// An order that an event makes is no mistake.
	q, r, m := queue(), queue(), memory()
	p := part(m, 0, 512)
	fill(q, p, 512)
	e := mark(q)
	dl.Call(a.flush, q)
	dl.Call(a.barrier, r, 1, uintptr(unsafe.Pointer(&e)), 0)
	fill(r, p, 512)
	if found, _, _ := c.take(); len(found) > 0 {
		t.Error(found)
	}
}

// A driver that was closed makes nothing: its context is gone.
func TestClosedDriverMakesNothing(t *testing.T) {
	drv, _ := checkedDriver(t)
	if err := drv.Close(); err != nil {
		t.Fatal(err)
	}
	_, alloc := drv.Alloc(16)
	_, host := drv.Host(16)
	_, stream := drv.NewStream()
	_, load := drv.Load(kernels.Units()[0], "none")
	for what, err := range map[string]error{"Alloc": alloc, "Host": host, "NewStream": stream, "Load": load} {
		if err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// notFinished is clFinish of a card that was lost.
var notFinished = sync.OnceValue(func() uintptr { return callback(func(uintptr) uintptr { return 0xffffffdc }) }) // -36

// A card that is lost is given nothing back, as its driver may not stand it; any other is.
func TestLostCardKeepsItsObjects(t *testing.T) {
	for _, lost := range []bool{false, true} {
		drv, c := checkedDriver(t)
		s, err := drv.NewStream()
		if err != nil {
			t.Fatal(err)
		}
		m, err := drv.Alloc(1 << 16)
		if err != nil {
			t.Fatal(err)
		}
		for i := range int64(4) {
			if err := s.Fill(gpu.Ptr{Mem: m, Off: i << 13, Len: 64}, 1, 64); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		parts := slices.Clone(drv.mems[m].order)
		if lost {
			a := *drv.api
			a.finish = notFinished()
			drv.api = &a
		}
		if err := drv.Close(); (err != nil) != lost || lost && !strings.Contains(err.Error(), "lost") {
			t.Error("closed with ", err)
		}
		for _, h := range parts {
			c.mu.Lock()
			if o := c.objs[h]; lost == (o == nil || o.dead) {
				t.Errorf("lost %v: a part is %+v", lost, o)
			}
			c.mu.Unlock()
		}
		found, _, _ := c.take()
		if len(parts) != 4 || len(found) > 0 {
			t.Error(len(parts), found)
		}
	}
}

package opencl

import "maps"

// api is OpenCL's with an account of every object. What makes objects and commands is done under the checker's
// lock, so that its order of them is the library's; what waits is not.
func (c *checker) api() *api {
	a := *c.real
	c.objects(&a)
	c.memory(&a)
	c.commands(&a)
	c.events(&a)
	return &a
}

func (c *checker) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// gone replaces a function that gives an object back. What is gone already does not reach the library.
func (c *checker) gone(fn uintptr, kind string) uintptr {
	return callback(func(h uintptr) (r uintptr) {
		c.locked(func() {
			if r = 1; c.release(h, kind) {
				r = c.call(fn, h)
			}
		})
		return r
	})
}

func (c *checker) objects(a *api) {
	r := c.real
	a.createQueue = callback(func(ctx, dev, flags, code uintptr) (h uintptr) {
		c.locked(func() {
			h = c.call(r.createQueue, ctx, dev, flags, code)
			c.made("queue", ctx, h, nil)
			c.lanes[h] = &lane{behind: map[uintptr]int64{}}
		})
		return h
	})
	a.createProgram = callback(func(ctx, n, text, lengths, code uintptr) (h uintptr) {
		c.locked(func() {
			h = c.call(r.createProgram, ctx, n, text, lengths, code)
			c.made("program", ctx, h, nil)
		})
		return h
	})
	a.createKernel = callback(func(p, name, code uintptr) (h uintptr) {
		c.locked(func() {
			o := c.live(p, "program", "kernel")
			if h = c.call(r.createKernel, p, name, code); o != nil && h != 0 {
				c.made("kernel", o.ctx, h, o).args = map[int]uintptr{}
			}
		})
		return h
	})
	a.releaseQueue, a.releaseProgram, a.releaseKernel = c.gone(r.releaseQueue, "queue"), c.gone(r.releaseProgram, "program"), c.gone(r.releaseKernel, "kernel")
	a.releaseMem, a.releaseEvent = c.gone(r.releaseMem, "memory"), c.gone(r.releaseEvent, "event")
	a.releaseContext = callback(func(ctx uintptr) uintptr {
		c.locked(func() { c.ended(ctx) })
		return c.call(r.releaseContext, ctx)
	})
}

func (c *checker) memory(a *api) {
	r := c.real
	a.createBuffer = callback(func(ctx, flags, size, host, code uintptr) (h uintptr) {
		c.locked(func() {
			if h = c.call(r.createBuffer, ctx, flags, size, host, code); h != 0 {
				c.made("memory", ctx, h, nil).size = int64(size)
			}
		})
		return h
	})
	a.createSub = callback(func(of, flags, kind, region, code uintptr) (h uintptr) {
		c.locked(func() {
			o := c.live(of, "memory", "part")
			if h = c.call(r.createSub, of, flags, kind, region, code); o == nil || h == 0 {
				return
			}
			if o.of != nil {
				c.bad("part: of a part")
			}
			p := c.made("memory", o.ctx, h, o)
			v := in[[2]int64](region)
			if p.at, p.size = v[0], v[1]; p.at < 0 || p.at+p.size > o.size {
				c.bad("part: bytes %d to %d of %d", p.at, p.at+p.size, o.size)
			}
			c.parts++
		})
		return h
	})
	a.setArg = callback(func(k, i, size, value uintptr) (code uintptr) {
		c.locked(func() {
			if o := c.live(k, "kernel", "argument"); o != nil {
				delete(o.args, int(i))
				if size == 8 && value != 0 {
					if v := in[uintptr](value); c.objs[v] != nil && c.objs[v].kind == "memory" {
						o.args[int(i)] = v
						c.live(v, "memory", "argument")
					}
				}
			}
			code = c.call(r.setArg, k, i, size, value)
		})
		return code
	})
}

func (c *checker) commands(a *api) {
	r := c.real
	a.mapBuffer = callback(func(q, m, blocking, flags, at, n, wait, waits, event, code uintptr) uintptr {
		c.locked(func() {
			l := c.queued(q, nil, c.use(m, at, int64(n), false, "map")...)
			if blocking != 0 {
				c.passed(q, l.n, l.snapshot(q))
			}
		})
		return c.call(r.mapBuffer, q, m, blocking, flags, at, n, wait, waits, event, code)
	})
	a.unmap = callback(func(q, m, at, wait, waits, event uintptr) (code uintptr) {
		c.locked(func() {
			c.queued(q, nil, c.use(m, 0, -1, false, "unmap")...)
			code = c.call(r.unmap, q, m, at, wait, waits, event)
		})
		return code
	})
	for _, f := range []struct {
		fn     *uintptr
		real   uintptr
		writes bool
		name   string
	}{{&a.write, r.write, true, "write"}, {&a.read, r.read, false, "read"}} {
		*f.fn = callback(func(q, m, blocking, at, n, host, wait, waits, event uintptr) (code uintptr) {
			c.locked(func() {
				c.queued(q, nil, c.use(m, at, int64(n), f.writes, f.name)...)
				code = c.call(f.real, q, m, blocking, at, n, host, wait, waits, event)
			})
			return code
		})
	}
	a.copyBuffer = callback(func(q, from, to, off, at, n, wait, waits, event uintptr) (code uintptr) {
		c.locked(func() {
			c.queued(q, nil, append(c.use(from, off, int64(n), false, "copy"), c.use(to, at, int64(n), true, "copy")...)...)
			code = c.call(r.copyBuffer, q, from, to, off, at, n, wait, waits, event)
		})
		return code
	})
	a.fill = callback(func(q, m, pattern, size, at, n, wait, waits, event uintptr) (code uintptr) {
		c.locked(func() {
			c.queued(q, nil, c.use(m, at, int64(n), true, "fill")...)
			code = c.call(r.fill, q, m, pattern, size, at, n, wait, waits, event)
		})
		return code
	})
	a.launch = callback(func(q, k, dims, from, all, local, wait, waits, event uintptr) (code uintptr) {
		c.locked(func() {
			o := c.live(k, "kernel", "launch")
			var uses []access
			if o != nil {
				for _, m := range o.args {
					uses = append(uses, c.use(m, 0, -1, false, "launch")...)
				}
			}
			c.queued(q, o, uses...)
			code = c.call(r.launch, q, k, dims, from, all, local, wait, waits, event)
		})
		return code
	})
}

func (c *checker) events(a *api) {
	r := c.real
	a.marker = callback(func(q, wait, waits, event uintptr) (code uintptr) {
		c.locked(func() {
			l := c.queued(q, nil)
			if code = c.call(r.marker, q, wait, waits, event); int32(code) == 0 {
				if o := c.objs[q]; o != nil {
					e := c.made("event", o.ctx, in[uintptr](event), o)
					e.n, e.order = l.n, l.snapshot(q)
				}
			}
		})
		return code
	})
	a.barrier = callback(func(q, n, events, event uintptr) (code uintptr) {
		c.locked(func() {
			l := c.queued(q, nil)
			for _, h := range list(events, int(n)) {
				if e := c.live(h, "event", "barrier"); e != nil {
					for other, k := range e.order {
						l.behind[other] = max(l.behind[other], k)
					}
				}
			}
			code = c.call(r.barrier, q, n, events, event)
		})
		return code
	})
	a.eventInfo = callback(func(e, what, size, value, got uintptr) uintptr {
		var o *object
		c.locked(func() { o = c.live(e, "event", "status") })
		code := c.call(r.eventInfo, e, what, size, value, got)
		c.locked(func() {
			if o != nil && int32(code) == 0 && what == eventStatus && in[int32](value) == 0 {
				o.asked = true
			}
		})
		return code
	})
	a.eventTime = callback(func(e, what, size, value, got uintptr) uintptr {
		c.locked(func() { c.live(e, "event", "time") })
		return c.call(r.eventTime, e, what, size, value, got)
	})
	a.waitEvents = callback(func(n, events uintptr) uintptr {
		var all []*object
		c.locked(func() {
			for _, h := range list(events, int(n)) {
				if e := c.live(h, "event", "wait"); e != nil {
					all = append(all, e)
				}
			}
		})
		code := c.call(r.waitEvents, n, events)
		c.locked(func() {
			for _, e := range all {
				e.waitedFor = true
				c.passed(e.of.handle, e.n, e.order)
			}
		})
		return code
	})
	a.finish = callback(func(q uintptr) uintptr {
		var n int64
		var order map[uintptr]int64
		c.locked(func() {
			if c.live(q, "queue", "finish") != nil {
				n, order = c.lanes[q].n, maps.Clone(c.lanes[q].behind)
			}
		})
		code := c.call(r.finish, q)
		c.locked(func() { c.passed(q, n, order) })
		return code
	})
}

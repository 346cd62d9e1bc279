package cpu

import "github.com/fastnb/go/fastnb/device"

// pack is a weight as a product wants it, kept with the weight's buffer.
type pack struct {
	version uint64  // of the buffer that it was made of
	mem     *memory // nil: it was asked for once only
}

// still reports whether a plan leaves parameters alone and gives no gradients: then they are likely to be the same at
// the next run.
func still(p *device.Plan) bool {
	for _, a := range p.Args {
		if a.Role == device.Grad || a.Role == device.Parameter && a.Access != device.Read && a.Access != device.None {
			return false
		}
	}
	return true
}

// packedOnce gives n floats that fill makes of the weight w, in a way named by kind. In a program that leaves weights
// alone they are kept from the second time on, until the weight changes; otherwise they are valid until the next op.
func (c *call) packedOnce(w val, kind string, n int, fill func(dst []float32)) []float32 {
	if w.buf == nil {
		dst := c.dev.scratch(0, n)
		fill(dst)
		return dst
	}
	version := w.buf.version.Load()
	p := w.buf.packs[kind]
	switch {
	case p != nil && p.version == version && p.mem != nil:
		return p.mem.f[:n]
	case p != nil && p.version == version:
		p.mem = newMemory(n)
		fill(p.mem.f)
		return p.mem.f[:n]
	case p != nil:
		p.mem.free()
	}
	if w.buf.packs == nil {
		w.buf.packs = map[string]*pack{}
	}
	w.buf.packs[kind] = &pack{version: version}
	dst := c.dev.scratch(0, n)
	fill(dst)
	return dst
}

package gpu

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/tensor"
)

// What refs have as scratch that is none.
const (
	flagScratch = -1 // the queue's flag
	firstConst  = -2 // constants of lowerings: -2, -3, ...
)

// program is a compiled plan. What a run changes of it is guarded by mu.
type program struct {
	dev    *Device
	plan   *device.Plan
	act    tensor.DType
	calls  []call
	size   int64   // of the temporaries
	consts *memory // nil: none
	flags  bool    // it raises flags or looks at them
	hosted []string
	zones  []zone
	id     int64
	closed atomic.Bool

	place  map[device.ValueID]int64 // of temporaries in the arena
	held   map[device.ValueID]int64 // of constants
	params map[device.ValueID]int   // of bound values in the plan's Args
	pads   []int64                  // of scratch in the arena
	extra  []int64                  // of the lowerings' constants

	mu   sync.Mutex
	args []Arg // of all calls; addresses are those of the last run
}

// call is a launch that is ready but for its addresses.
type call struct {
	step   *device.Step
	kernel Kernel
	grid   [3]int
	block  int
	shared int
	args   []Arg // part of program.args
	refs   []ref // of the arguments that are addresses, in order
	where  []int // in args
	other  func(r *running) error
	host   bool
}

var (
	programs   atomic.Int64
	hostNotice sync.Map
)

// Compile lowers a plan to launches and gives its temporaries places. It takes no memory but for constants; where
// the temporaries alone are more than the card has, it says so (device.ErrMemory).
func (d *Device) Compile(p *device.Plan) (device.Program, error) {
	c := &compiler{
		dev: d, plan: p, act: p.Stored(d.Info()), views: map[device.ValueID]ref{}, side: map[device.ValueID]any{}, casts: map[castOf]ref{}, castAt: map[castOf]int{}, changed: map[device.ValueID]int{},
		flag: ref{scratch: flagScratch, kind: tensor.Float32, n: flagBytes / 4},
	}
	pr := &program{dev: d, plan: p, act: c.act, id: programs.Add(1), params: map[device.ValueID]int{}}
	for i, a := range p.Args {
		pr.params[a.Value] = i
	}
	for i := range p.Steps {
		c.index = i
		if err := c.lower(&p.Steps[i], pr); err != nil {
			return nil, fmt.Errorf("fastnb: %s: %w", d.card.Driver, device.StepError(p, &p.Steps[i], err))
		}
	}
	if t := d.tuning(); t != nil {
		t.keep()
	}
	c.mergeCasts()
	pr.arrange(c)
	if free := d.FreeMemory() + d.most(); pr.size > free {
		return nil, fmt.Errorf("fastnb: %s: %s: %w: its temporaries take %s, %s are free", d.card.Driver, p.Name, device.ErrMemory, megabytes(pr.size), megabytes(free))
	}
	if err := pr.ready(c); err != nil {
		return nil, fmt.Errorf("fastnb: %s: %s: %w", d.card.Driver, p.Name, err)
	}
	if err := pr.upload(c); err != nil {
		return nil, fmt.Errorf("fastnb: %s: %s: constants: %w", d.card.Driver, p.Name, err)
	}
	return pr, nil
}

// lower turns a step into launches, or into a call of its definition on the host.
func (c *compiler) lower(st *device.Step, pr *program) error {
	c.step = st
	at := len(c.launches)
	err := errHost
	if low := ops[st.Op]; low != nil {
		err = low(c, st)
	}
	if errors.Is(err, errHost) {
		c.launches = c.launches[:at]
		for k, made := range c.castAt {
			if made >= at {
				delete(c.casts, k)
				delete(c.castAt, k)
			}
		}
		for _, id := range st.Out {
			delete(c.views, id)
		}
		if st.Host == nil {
			return fmt.Errorf("no kernel and no host definition")
		}
		if _, said := hostNotice.LoadOrStore(c.dev.card.Driver+st.Op, true); !said && os.Getenv("FASTNB_QUIET") == "" {
			fmt.Fprintf(os.Stderr, "fastnb: %s: no kernel for %s: its plain definition runs on the host, slowly\n", c.dev.card.Driver, st.Op)
		}
		pr.hosted = append(pr.hosted, st.Op)
		c.onHost(st)
		err = nil
	}
	for _, id := range st.Out {
		c.changed[id]++
	}
	return err
}

// onHost queues the step's definition.
func (c *compiler) onHost(st *device.Step) {
	l := launch{step: st, host: true}
	var in, out []ref
	for _, id := range st.In {
		in = append(in, c.val(id))
	}
	for _, id := range st.Out {
		out = append(out, c.val(id))
	}
	l.refs = slices.Concat(in, out)
	l.other = func(r *running) error { return r.host(st, in, out) }
	c.launches = append(c.launches, l)
}

// life is the first and the last launch that use a part of the arena.
type life struct {
	first, last int
	bytes       int64
	set         func(at int64)
	ref         ref
}

// arrange gives temporaries and scratch their places. What lives at different times shares places.
func (p *program) arrange(c *compiler) {
	align := max(smallest, c.dev.card.Align)
	p.place, p.pads = map[device.ValueID]int64{}, make([]int64, len(c.scratch)+1)
	values, pads := map[device.ValueID]*life{}, map[int]*life{}
	var all []*life
	see := func(i int, r ref) {
		var l *life
		switch {
		case r.scratch == flagScratch:
			p.flags = true
			return
		case r.scratch < 0:
			return
		case r.scratch > 0:
			if l = pads[r.scratch]; l == nil {
				l = &life{first: i, ref: r, bytes: c.scratch[r.scratch-1], set: func(at int64) { p.pads[r.scratch] = at }}
				pads[r.scratch], all = l, append(all, l)
			}
		case c.plan.Values[r.value].Place == device.Temp:
			if l = values[r.value]; l == nil {
				l = &life{first: i, ref: r, bytes: int64(c.count(r.value)) * int64(c.store(r.value).Size()), set: func(at int64) { p.place[r.value] = at }}
				values[r.value], all = l, append(all, l)
			}
		default:
			return
		}
		l.last = i
	}
	for i, l := range c.launches {
		for _, r := range l.uses() {
			see(i, r)
		}
	}
	begin, end := make([][]*life, len(c.launches)), make([][]*life, len(c.launches))
	for _, l := range all {
		l.bytes = round(l.bytes, align)
		begin[l.first] = append(begin[l.first], l)
		end[l.last] = append(end[l.last], l)
	}
	var a device.Arena
	at := map[*life]int64{}
	for i := range c.launches {
		slices.SortStableFunc(begin[i], func(x, y *life) int { return int(min(max(y.bytes-x.bytes, -1), 1)) })
		for _, l := range begin[i] {
			at[l] = a.Take(l.bytes)
			l.set(at[l])
			if c.dev.poison == guarded {
				p.zones = append(p.zones, zone{a.Take(align), align, c.nameOf(l.ref, c.launches[i].step)})
				end[l.last] = slices.DeleteFunc(end[l.last], func(o *life) bool { return o == l }) // nothing is used twice
			}
		}
		for _, l := range end[i] {
			a.Give(at[l], l.bytes)
		}
	}
	p.size = a.Size()
}

// uses are all refs of a launch.
func (l *launch) uses() []ref {
	out := slices.Clone(l.refs)
	for _, a := range l.args {
		if r, ok := a.(ref); ok {
			out = append(out, r)
		}
	}
	return out
}

// ready loads the kernels and packs what does not change from run to run.
func (p *program) ready(c *compiler) error {
	p.preload(c)
	total := 0
	for _, l := range c.launches {
		total += len(l.args)
	}
	p.args = make([]Arg, total)
	next := 0
	for _, l := range c.launches {
		cl := call{step: l.step, grid: l.grid, block: l.block, shared: l.shared, other: l.other, host: l.host}
		cl.args = p.args[next : next+len(l.args) : next+len(l.args)]
		next += len(l.args)
		if l.other == nil {
			if slices.Min(l.grid[:]) == 0 {
				continue // nothing to do
			}
			u, ok := kernels.Find(l.unit)
			if !ok {
				return fmt.Errorf("%s: no unit %q", l.step.Op, l.unit)
			}
			k, err := p.dev.drv.Load(u, l.entry)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", l.step.Op, l.entry, p.dev.saw(err))
			}
			cl.kernel = k
		}
		for i, a := range l.args {
			arg, err := pack(a)
			if err != nil {
				return fmt.Errorf("%s: %s: argument %d: %w", l.step.Op, l.entry, i, err)
			}
			if r, ok := a.(ref); ok {
				if r.off%p.dev.card.Align != 0 {
					return fmt.Errorf("%s: %s: argument %d: address %d is not divisible by %d", l.step.Op, l.entry, i, r.off, p.dev.card.Align)
				}
				cl.refs, cl.where = append(cl.refs, r), append(cl.where, i)
			}
			cl.args[i] = arg
		}
		p.calls = append(p.calls, cl)
	}
	return nil
}

// preload loads units side by side: a driver may have to compile them. What goes wrong is told by the launch
// that needs one.
func (p *program) preload(c *compiler) {
	entries := map[string]string{}
	for _, l := range c.launches {
		entries[l.unit] = l.entry
	}
	var wg sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for unit, entry := range entries {
		u, ok := kernels.Find(unit)
		if !ok {
			continue
		}
		turns <- struct{}{}
		wg.Go(func() {
			_, _ = p.dev.drv.Load(u, entry)
			<-turns
		})
	}
	wg.Wait()
}

// pack is an argument of a launch as a driver takes it.
func pack(a any) (Arg, error) {
	switch v := a.(type) {
	case ref:
		return Arg{Addr: true, Size: 8}, nil
	case int:
		if int(int32(v)) != v {
			return Arg{}, fmt.Errorf("%d is more than 32 bits", v)
		}
		return Arg{Bits: uint64(uint32(v)), Size: 4}, nil
	case int32:
		return Arg{Bits: uint64(uint32(v)), Size: 4}, nil
	case uint32:
		return Arg{Bits: uint64(v), Size: 4}, nil
	case int64:
		return Arg{Bits: uint64(v), Size: 8}, nil
	case float32:
		return Arg{Bits: uint64(math.Float32bits(v)), Size: 4}, nil
	}
	return Arg{}, fmt.Errorf("of kind %T", a)
}

// upload puts the constants on the card.
func (p *program) upload(c *compiler) error {
	p.held = map[device.ValueID]int64{}
	size, align := int64(0), max(smallest, p.dev.card.Align)
	var data []*tensor.Tensor
	var places []int64
	add := func(t *tensor.Tensor) int64 {
		at := size
		data, places = append(data, t), append(places, at)
		size += round(device.SpecOf(t).Bytes(), align)
		return at
	}
	for i, v := range p.plan.Values {
		if v.Place == device.Const {
			p.held[device.ValueID(i)] = add(v.Data)
		}
	}
	for _, t := range c.consts {
		p.extra = append(p.extra, add(t))
	}
	if size == 0 {
		return nil
	}
	m, err := p.dev.reserve(size)
	if err != nil {
		return err
	}
	for i, t := range data {
		if err := p.dev.upload(m, places[i], bytesOf(t)); err != nil {
			m.free()
			return err
		}
	}
	p.consts = m
	return nil
}

// Memory is the size of the temporaries.
func (p *program) Memory() int64 { return p.size }

// OnHost are the ops of the plan that run on the host, as often as they do.
func (p *program) OnHost() []string { return p.hosted }

// Close frees what only this program needs.
func (p *program) Close() {
	if p.closed.Swap(true) {
		return
	}
	p.dev.forget(p)
	if p.consts != nil {
		p.consts.free()
	}
	if os.Getenv("FASTNB_PROFILE") != "" {
		fmt.Fprintf(os.Stderr, "fastnb: profile, when the program of %s ended:\n%s", p.plan.Name, p.dev.ProfileTable())
	}
}

package gpu

import (
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/tensor"
)

// ProductTest is a product with what it is made of, in single precision.
type ProductTest struct {
	A, B, C, Bias []float32
	p             product
	spec          *gemmSpec // of matrices: p is made of it where it runs
}

// ConvTest is a convolution's shape.
type ConvTest struct {
	N, H, W, C, O, KH, KW, Groups int
	Stride, Pad                   [2]int
	OH, OW                        int
	Widen                         bool // channels to whole vectors
}

func (v ConvTest) conv() conv {
	return conv{n: v.N, h: v.H, w: v.W, c: v.C, oh: v.OH, ow: v.OW, o: v.O, kh: v.KH, kw: v.KW, groups: v.Groups, stride: v.Stride, pad: v.Pad}
}

// Products are the forward product of a convolution and those of its gradients, stored as kind says.
func (v ConvTest) Products(kind tensor.DType, x, w, y []float32) []ProductTest {
	q := v.conv()
	of := func(f []float32, k tensor.DType) ref { return ref{kind: k, n: len(f)} }
	pc, po := v.C, v.O
	px, pw, py := x, w, y
	if v.Widen {
		px, pc = widened(x, v.C)
		pw, _ = widened(w, v.C)
		py, po = widened(y, v.O)
	}
	return []ProductTest{
		{A: px, B: pw, p: q.forward(kind, of(px, kind), of(pw, kind), of(y, kind), pc, pc/v.Groups)},
		{A: py, B: pw, p: q.dx(kind, of(py, kind), of(pw, kind), of(x, kind), po, pc/v.Groups)},
		{A: py, B: px, p: q.dw(kind, of(px, kind), of(py, kind), of(w, tensor.Float32), pc, po)},
	}
}

// widened is f in rows of n with zeros behind each.
func widened(f []float32, n int) ([]float32, int) {
	to := over(n, gemmVector) * gemmVector
	out := make([]float32, len(f)/n*to)
	for r := range len(f) / n {
		copy(out[r*to:], f[r*n:(r+1)*n])
	}
	return out, to
}

// WidenFrom sets the number of operations from which sides of products of matrices are widened.
func WidenFrom(n float64) (back func()) {
	was := widenFrom
	widenFrom = n
	return func() { widenFrom = was }
}

// GemmTest is a product of matrices.
type GemmTest struct {
	M, N, K, Batch  int
	TA, TB          bool
	Bias, ReLU, Add bool
	Widen           bool // sides to whole vectors
	Alpha           float32
	LDC, OffA, OffC int
}

// Product is the product of a and b; c is what is there before.
func (g GemmTest) Product(kind, out tensor.DType, a, b, c, bias []float32) ProductTest {
	s := gemmSpec{
		A: ref{kind: kind, n: len(a)}, B: ref{kind: kind, n: len(b)}, C: ref{kind: out, n: len(c)}, M: g.M, N: g.N, K: g.K,
		TransA: g.TA, TransB: g.TB, ReLU: g.ReLU, Accumulate: g.Add, Alpha: g.Alpha, LDC: g.LDC, OffA: g.OffA, OffC: g.OffC, Batch: g.Batch,
	}
	if g.Batch > 1 {
		s.StrideA, s.StrideB, s.StrideC = g.M*g.K, g.K*g.N, g.M*g.N
	}
	t := ProductTest{A: a, B: b, C: c}
	if g.Bias {
		s.Bias, t.Bias = &ref{kind: tensor.Float32, n: len(bias)}, bias
	}
	t.p, t.spec = (&compiler{}).spec(s), &s
	return t
}

// Choices are the names of all ways to do t on d, and the ways.
func (t ProductTest) Choices(d *Device) (names []string, ways []any) {
	c := &compiler{dev: d}
	for _, tile := range kernels.GemmTiles {
		for _, n := range []int{1, 3} {
			if q := t.p; c.able(&q, tile) && (n == 1 || q.classes() == 1) {
				names, ways = append(names, tile.Name+map[int]string{1: "", 3: " in parts"}[n]), append(ways, choice{tile, n})
			}
		}
	}
	return names, ways
}

// Run does t one way and gives C.
func (t ProductTest) Run(d *Device, way any) ([]float32, error) {
	b, err := newBench(d)
	if err != nil {
		return nil, err
	}
	defer b.close()
	c := &compiler{
		dev: d, plan: &device.Plan{Name: "test"}, act: t.p.kind, step: &device.Step{Op: "gemm"},
		force: func(*product) choice { return way.(choice) },
	}
	p := t.p
	if t.spec != nil {
		p.a, p.b = t.spec.A, t.spec.B
	}
	put := func(r *ref, f []float32) {
		*r = c.temp(r.kind, r.n)
		data := tensor.FromFloat32(f, len(f)).To(r.kind)
		at := *r
		c.launches = append(c.launches, launch{step: c.step, refs: []ref{at}, other: func(g *running) error {
			if err := g.stream.Upload(g.ptr(at), bytesOf(data)); err != nil {
				return err
			}
			return g.stream.Wait()
		}})
	}
	put(&p.a, t.A)
	put(&p.b, t.B)
	if t.C == nil {
		t.C = make([]float32, p.c.n)
		for i := range t.C {
			t.C[i] = 99
		}
	}
	put(&p.c, t.C)
	if p.bias != nil {
		p.bias = &ref{kind: tensor.Float32, n: len(t.Bias)}
		put(p.bias, t.Bias)
	}
	if s := t.spec; s != nil {
		s.A, s.B, s.C, s.Bias = p.a, p.b, p.c, p.bias
		c.gemm(*s)
		s.A.scratch, s.B.scratch = 0, 0
	} else {
		c.product(p)
	}
	out := tensor.New(p.c.kind, p.c.n)
	c.launches = append(c.launches, launch{step: c.step, refs: []ref{p.c}, other: func(g *running) error {
		if err := g.stream.Download(bytesOf(out), g.ptr(p.c)); err != nil {
			return err
		}
		return g.stream.Wait()
	}})
	pr := &program{dev: d, plan: c.plan}
	pr.arrange(c)
	if err := pr.ready(c); err != nil {
		return nil, err
	}
	m, err := d.reserve(pr.size)
	if err != nil {
		return nil, err
	}
	defer m.free()
	if _, err := b.run(&running{stream: b.stream, p: pr, arena: m.at()}, 1); err != nil {
		return nil, err
	}
	return out.To(tensor.Float32).Float32s(), nil
}

// Tune makes the device measure all products and steps of layers, small ones too, once each way and as shortly as
// it can; with pick it takes the way that pick says of n instead.
func (d *Device) Tune(pick func(n int) int) {
	t := d.tuning()
	t.from, t.budget, t.pick = 0, 0, pick
}

// Measured is how many products and layers were measured.
func (d *Device) Measured() int { return len(d.tuning().known) }

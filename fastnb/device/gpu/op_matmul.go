package gpu

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/tensor"
)

func init() {
	ops["matmul"] = lowerMatMul
	ops["bmm"] = lowerBMM
}

// gemmSpec is C = A B (+ bias), with A and B transposed where said, for a batch of row-major matrices.
type gemmSpec struct {
	// A is [M, K] (TransA: [K, M]) and B [K, N] (TransB: [N, K]), stored as float32, float16 or bfloat16, the
	// same for both or they are converted; C [M, N] is stored as they are or as float32.
	A, B, C                   ref
	OffA, OffB, OffC          int // elements
	M, N, K                   int
	TransA, TransB            bool
	LDA, LDB, LDC             int  // elements from row to row; 0: as many as a row has
	Bias                      *ref // float32 [N]; not with a batch
	ReLU                      bool
	Alpha                     float32 // a factor of A B; 0 stands for 1
	Accumulate                bool    // add to C, which is float32
	Batch                     int     // 0: 1
	StrideA, StrideB, StrideC int     // elements from one matrix of the batch to the next
}

// gemm queues a product of matrices.
func (c *compiler) gemm(g gemmSpec) { c.product(c.spec(g)) }

// spec is g as a product, its sides made fit for fast kernels.
func (c *compiler) spec(g gemmSpec) product {
	a, b := c.alike(g.A, g.B)
	p := product{
		kind: a.kind, a: a, b: b, c: g.C, bias: g.Bias, relu: g.ReLU, add: g.Accumulate, alpha: g.Alpha, m: g.M, n: g.N, k: g.K,
		off: [3]int{g.OffA, g.OffB, g.OffC}, ld: [3]int{g.LDA, g.LDB, g.LDC}, stride: [3]int{g.StrideA, g.StrideB, g.StrideC},
		batch: max(g.Batch, 1), patch: pixels(g.M, g.K),
	}
	natural := [3]int{g.K, g.N, g.N}
	if g.TransA {
		natural[0] = g.M
	}
	if g.TransB {
		natural[1] = g.K
	}
	for i, n := range natural {
		if p.ld[i] == 0 {
			p.ld[i] = n
		}
	}
	switch {
	case g.TransA && g.TransB:
		p.mode = kernels.GemmTurned
	case g.TransA:
		p.mode, p.patch = kernels.GemmColumns, pixels(g.K, g.N)
	case g.TransB:
		p.mode = kernels.GemmRows
	default:
		p.mode = kernels.GemmTaps
	}
	return c.widen(p)
}

// alike are a and b stored in one kind, the shorter where they differ.
func (c *compiler) alike(a, b ref) (ref, ref) {
	if a.kind == b.kind {
		return a, b
	}
	to := func(r ref, kind tensor.DType) ref {
		t := c.temp(kind, r.n)
		c.convert(t, r)
		return t
	}
	if a.kind == tensor.Float32 {
		return to(a, b.kind), b
	}
	if b.kind == tensor.Float32 {
		return a, to(b, a.kind)
	}
	return to(a, tensor.Float32), to(b, tensor.Float32)
}

// widen copies sides of a product that vectors cannot be loaded from, where that pays.
func (c *compiler) widen(p product) product {
	if p.flops() < widenFrom || p.batch > 1 || p.mode == kernels.GemmTurned {
		return p
	}
	rows, cols := [2]int{p.m, p.n}, [2]int{p.k, p.k}
	if p.mode == kernels.GemmColumns {
		rows[0], cols[0] = p.k, p.m
	}
	if p.mode != kernels.GemmRows {
		rows[1], cols[1] = p.k, p.n
	}
	sides := [2]*ref{&p.a, &p.b}
	for i, r := range sides {
		if cols[i]%gemmVector != 0 || p.ld[i]%gemmVector != 0 || p.off[i]%gemmVector != 0 || r.off%16 != 0 {
			*r, p.ld[i] = c.widened(*r, rows[i], cols[i], p.ld[i], p.off[i])
			p.off[i] = 0
		}
	}
	// The depth of rows, and the columns of a map, end with their vectors.
	p.patch.kc = over(p.patch.kv, gemmVector) * gemmVector
	if p.mode == kernels.GemmRows {
		p.k = p.patch.kc
	}
	if p.mode == kernels.GemmTaps {
		p.k = p.patch.kc
	}
	if p.mode == kernels.GemmColumns {
		p.n = p.patch.kc
	}
	return p
}

// widenFrom is the number of operations of a product from which copies pay.
var widenFrom = 2e8

// lowerMatMul lowers a' b' + bias.
func lowerMatMul(c *compiler, st *device.Step) error {
	a, ok := st.Attrs.(device.MatMul)
	if !ok {
		return fmt.Errorf("attributes %T", st.Attrs)
	}
	y := c.shape(st.Out[0])
	m, n := y[0], y[1]
	out, done := c.out(st.Out[0], c.store(st.Out[0]))
	g := gemmSpec{
		A: c.as(st.In[0], c.act), B: c.as(st.In[1], c.act), C: out, M: m, N: n, K: c.count(st.In[0]) / m,
		TransA: a.TransA, TransB: a.TransB, ReLU: a.ReLU,
	}
	if a.Bias {
		bias := c.as(st.In[2], tensor.Float32)
		g.Bias = &bias
	}
	c.gemm(g)
	done()
	return nil
}

// lowerBMM lowers a batch of products: x [B, M, K], y.
func lowerBMM(c *compiler, st *device.Step) error {
	a, ok := st.Attrs.(device.MatMul)
	if !ok {
		return fmt.Errorf("attributes %T", st.Attrs)
	}
	y := c.shape(st.Out[0])
	out, done := c.out(st.Out[0], c.store(st.Out[0]))
	k := c.count(st.In[0]) / (y[0] * y[1])
	c.gemm(gemmSpec{
		A: c.as(st.In[0], c.act), B: c.as(st.In[1], c.act), C: out, M: y[1], N: y[2], K: k, TransA: a.TransA, TransB: a.TransB,
		Batch: y[0], StrideA: y[1] * k, StrideB: k * y[2], StrideC: y[1] * y[2],
	})
	done()
	return nil
}

package tensor

// The comparisons take a number or a *Tensor and give Uint8 tensors of 0 and 1. Two tensors must have
// the same shape, or shapes that differ only where one has size 1 or lacks leading axes: that one is
// repeated, as in NumPy.

// Gt is 1 where t > v.
func (t *Tensor) Gt(v any) *Tensor {
	return t.compare("gt", v, func(a, b float64) bool { return a > b })
}

// Ge is 1 where t >= v.
func (t *Tensor) Ge(v any) *Tensor {
	return t.compare("ge", v, func(a, b float64) bool { return a >= b })
}

// Lt is 1 where t < v.
func (t *Tensor) Lt(v any) *Tensor {
	return t.compare("lt", v, func(a, b float64) bool { return a < b })
}

// Le is 1 where t <= v.
func (t *Tensor) Le(v any) *Tensor {
	return t.compare("le", v, func(a, b float64) bool { return a <= b })
}

// Eq is 1 where t == v.
func (t *Tensor) Eq(v any) *Tensor {
	return t.compare("eq", v, func(a, b float64) bool { return a == b })
}

// Ne is 1 where t != v.
func (t *Tensor) Ne(v any) *Tensor {
	return t.compare("ne", v, func(a, b float64) bool { return a != b })
}

// Add is t + v, a number or a tensor, as Float32.
func (t *Tensor) Add(v any) *Tensor {
	return t.arith("add", v, func(a, b float64) float64 { return a + b })
}

// Sub is t - v.
func (t *Tensor) Sub(v any) *Tensor {
	return t.arith("sub", v, func(a, b float64) float64 { return a - b })
}

// Mul is t * v.
func (t *Tensor) Mul(v any) *Tensor {
	return t.arith("mul", v, func(a, b float64) float64 { return a * b })
}

// Div is t / v.
func (t *Tensor) Div(v any) *Tensor {
	return t.arith("div", v, func(a, b float64) float64 { return a / b })
}

// Mask is the elements where m is not 0, in order, with one axis. m has t's shape.
func (t *Tensor) Mask(m *Tensor) *Tensor {
	if bad := firstErr(t, m); bad != nil {
		return bad
	}
	if !sameShape(t.shape, m.shape) {
		return failed("mask", "mask of shape %v for shape %v", m.shape, t.shape)
	}
	keep := m.u
	if m.dtype != Uint8 {
		keep = m.Ne(0).u
	}
	n := 0
	for _, k := range keep {
		if k != 0 {
			n++
		}
	}
	out := New(t.dtype, n)
	switch t.dtype {
	case Float32:
		pick(out.f, t.f, keep)
	case Int64:
		pick(out.i, t.i, keep)
	case Uint8:
		pick(out.u, t.u, keep)
	default:
		pick(out.h, t.h, keep)
	}
	return out
}

func pick[T any](dst, src []T, keep []uint8) {
	at := 0
	for k, v := range keep {
		if v != 0 {
			dst[at] = src[k]
			at++
		}
	}
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}

// operand is v as a tensor: a tensor itself, or a number's.
func operand(op string, v any) *Tensor {
	switch x := v.(type) {
	case *Tensor:
		if bad := firstErr(x); bad != nil {
			return bad
		}
		return x
	case float64:
		return &Tensor{dtype: Float32, f: []float32{float32(x)}}
	case float32:
		return &Tensor{dtype: Float32, f: []float32{x}}
	case int:
		return &Tensor{dtype: Int64, i: []int64{int64(x)}}
	case int64:
		return &Tensor{dtype: Int64, i: []int64{x}}
	case uint8:
		return &Tensor{dtype: Uint8, u: []uint8{x}}
	}
	return failed(op, "cannot use %T (try a number or a *Tensor)", v)
}

func (t *Tensor) compare(op string, v any, f func(a, b float64) bool) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	o := operand(op, v)
	if o.err != nil {
		return o
	}
	shape, ia, ib, bad := broadcast(op, t, o)
	if bad != nil {
		return bad
	}
	out := New(Uint8, shape...)
	for k := range out.u {
		if f(t.value(ia(k)), o.value(ib(k))) {
			out.u[k] = 1
		}
	}
	return out
}

func (t *Tensor) arith(op string, v any, f func(a, b float64) float64) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	o := operand(op, v)
	if o.err != nil {
		return o
	}
	shape, ia, ib, bad := broadcast(op, t, o)
	if bad != nil {
		return bad
	}
	out := New(Float32, shape...)
	for k := range out.f {
		out.f[k] = float32(f(t.value(ia(k)), o.value(ib(k))))
	}
	return out
}

// broadcast gives the common shape and, for each side, where an element of the result comes from.
func broadcast(op string, a, b *Tensor) (shape []int, ia, ib func(int) int, bad *Tensor) {
	same := func(k int) int { return k }
	zero := func(int) int { return 0 }
	switch {
	case sameShape(a.shape, b.shape):
		return a.shape, same, same, nil
	case len(b.shape) == 0:
		return a.shape, same, zero, nil
	case len(a.shape) == 0:
		return b.shape, zero, same, nil
	}
	n := max(len(a.shape), len(b.shape))
	shape = make([]int, n)
	for k := range shape {
		x, y := sizeAt(a.shape, k-n+len(a.shape)), sizeAt(b.shape, k-n+len(b.shape))
		switch {
		case x == y || y == 1:
			shape[k] = x
		case x == 1:
			shape[k] = y
		default:
			return nil, nil, nil, failed(op, "shapes %v and %v do not fit", a.shape, b.shape)
		}
	}
	return shape, source(shape, a.shape), source(shape, b.shape), nil
}

func sizeAt(s []int, k int) int {
	if k < 0 {
		return 1
	}
	return s[k]
}

func source(shape, from []int) func(int) int {
	if sameShape(shape, from) {
		return func(k int) int { return k }
	}
	step := make([]int, len(shape)) // in from, 0 where it is repeated
	stride := 1
	for k := len(shape) - 1; k >= 0; k-- {
		if d := sizeAt(from, k-len(shape)+len(from)); d > 1 {
			step[k] = stride
			stride *= d
		}
	}
	return func(i int) int {
		at := 0
		for k := len(shape) - 1; k >= 0; k-- {
			at += i % shape[k] * step[k]
			i /= shape[k]
		}
		return at
	}
}

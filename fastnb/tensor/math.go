package tensor

import "math"

// Sigmoid is 1/(1+exp(-x)) of every element.
func (t *Tensor) Sigmoid() *Tensor {
	return t.mapf(func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
}

// Exp is e to the power of every element.
func (t *Tensor) Exp() *Tensor { return t.mapf(math.Exp) }

// Log is the natural logarithm of every element.
func (t *Tensor) Log() *Tensor { return t.mapf(math.Log) }

// Sqrt is the square root of every element.
func (t *Tensor) Sqrt() *Tensor { return t.mapf(math.Sqrt) }

// Abs is the absolute value of every element.
func (t *Tensor) Abs() *Tensor { return t.mapf(math.Abs) }

// Pow raises every element to the power e.
func (t *Tensor) Pow(e float64) *Tensor {
	return t.mapf(func(x float64) float64 { return math.Pow(x, e) })
}

func (t *Tensor) mapf(f func(float64) float64) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	out := New(Float32, t.shape...)
	for k := range out.f {
		out.f[k] = float32(f(t.value(k)))
	}
	return out
}

// Softmax turns the numbers along axis into positive ones that sum to 1.
func (t *Tensor) Softmax(axis int) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	a, ok := t.axis(axis)
	if !ok {
		return failed("softmax", "axis %d of shape %v", axis, t.shape)
	}
	src, out := t.Float(), New(Float32, t.shape...)
	outer, n, inner := t.split(a)
	e := make([]float64, n)
	for o := 0; o < outer; o++ {
		for in := 0; in < inner; in++ {
			at := o*n*inner + in
			top, sum := math.Inf(-1), 0.0
			for k := range e {
				top = math.Max(top, float64(src.f[at+k*inner]))
			}
			for k := range e {
				e[k] = math.Exp(float64(src.f[at+k*inner]) - top)
				sum += e[k]
			}
			for k := range e {
				out.f[at+k*inner] = float32(e[k] / sum)
			}
		}
	}
	return out
}

// ArgMax is the index of the largest element along axis, the first of equal ones; a NaN counts as
// largest. The axis disappears; the result is Int64.
func (t *Tensor) ArgMax(axis int) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	a, ok := t.axis(axis)
	if !ok || t.shape[a] == 0 {
		return failed("argmax", "axis %d of shape %v", axis, t.shape)
	}
	if t.dtype.Half() {
		t = t.Float()
	}
	out := New(Int64, t.without(a)...)
	outer, n, inner := t.split(a)
	for o := 0; o < outer; o++ {
		switch at := o * n * inner; t.dtype {
		case Float32:
			argMax(out.i[o*inner:(o+1)*inner], t.f[at:at+n*inner], inner)
		case Int64:
			argMax(out.i[o*inner:(o+1)*inner], t.i[at:at+n*inner], inner)
		case Uint8:
			argMax(out.i[o*inner:(o+1)*inner], t.u[at:at+n*inner], inner)
		}
	}
	return out
}

// argMax goes through x row by row, so that memory is read in order.
func argMax[T float32 | int64 | uint8](dst []int64, x []T, inner int) {
	best := append([]T(nil), x[:inner]...)
	for k := inner; k < len(x); k += inner {
		row := x[k : k+inner]
		for j, v := range row {
			// x != x is true of a NaN only: it wins, and then stays.
			if b := best[j]; b == b && (v > b || v != v) {
				best[j], dst[j] = v, int64(k/inner)
			}
		}
	}
}

// Sum adds up all elements, or those along the given axis. Integers give Int64, floats Float32
// (added in double precision).
func (t *Tensor) Sum(axis ...int) *Tensor { return t.reduce("sum", false, axis) }

// Mean is the average of all elements, or along the given axis, as Float32. Of no elements it is NaN.
func (t *Tensor) Mean(axis ...int) *Tensor { return t.reduce("mean", true, axis) }

func (t *Tensor) reduce(op string, mean bool, axis []int) *Tensor {
	if bad := firstErr(t); bad != nil {
		return bad
	}
	outer, n, inner, shape := 1, t.Len(), 1, []int{}
	if len(axis) > 0 {
		a, ok := t.axis(axis[0])
		if !ok || len(axis) > 1 {
			return failed(op, "axis %v of shape %v", axis, t.shape)
		}
		outer, n, inner = t.split(a)
		shape = t.without(a)
	}
	out := New(Float32, shape...)
	if !mean && (t.dtype == Int64 || t.dtype == Uint8) {
		out = New(Int64, shape...)
	}
	for o := 0; o < outer; o++ {
		for in := 0; in < inner; in++ {
			s := 0.0
			for k := 0; k < n; k++ {
				s += t.value(o*n*inner + k*inner + in)
			}
			if mean {
				s /= float64(n)
			}
			if out.dtype == Int64 {
				out.i[o*inner+in] = int64(s)
			} else {
				out.f[o*inner+in] = float32(s)
			}
		}
	}
	return out
}

// Max is the largest element (NaN if there is one), Min the smallest; of no elements both are NaN.
func (t *Tensor) Max() float64 { return t.extreme(math.Max) }

// Min is the smallest element.
func (t *Tensor) Min() float64 { return t.extreme(math.Min) }

func (t *Tensor) extreme(f func(a, b float64) float64) float64 {
	if firstErr(t) != nil || t.Len() == 0 {
		return math.NaN()
	}
	m := t.value(0)
	for k := 1; k < t.Len(); k++ {
		m = f(m, t.value(k))
	}
	return m
}

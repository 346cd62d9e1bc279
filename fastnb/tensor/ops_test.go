package tensor

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func m23() *Tensor { return FromFloat32([]float32{1, 5, 3, 9, 2, 4}, 2, 3) }

func TestArgMax(t *testing.T) {
	if d := cmp.Diff([]int64{1, 0}, m23().ArgMax(1).Int64s()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int64{1, 0, 1}, m23().ArgMax(0).Int64s()); d != "" {
		t.Error(d)
	}
	nan := FromFloat32([]float32{1, float32(math.NaN()), 7}, 3)
	if got := nan.ArgMax(-1).Item(); got != 1 {
		t.Errorf("NaN counts as largest, got %v", got)
	}
	if m23().ArgMax(2).Err() == nil {
		t.Error("axis out of range must be an error")
	}
}

func TestCompareAndMask(t *testing.T) {
	x := m23()
	if d := cmp.Diff([]uint8{0, 1, 0, 1, 0, 1}, x.Gt(3).Uint8s()); d != "" {
		t.Error(d)
	}
	y := FromInt64([]int64{1, 5, 4}, 3)
	if d := cmp.Diff([]uint8{1, 1, 0, 0, 0, 1}, x.Eq(y).Uint8s()); d != "" {
		t.Error("repeated over rows:", d)
	}
	col := FromFloat32([]float32{5, 2}, 2, 1)
	if d := cmp.Diff([]uint8{0, 1, 0, 0, 1, 0}, x.Eq(col).Uint8s()); d != "" {
		t.Error("repeated over columns:", d)
	}
	if d := cmp.Diff([]float32{5, 9, 4}, x.Mask(x.Gt(3)).Float32s()); d != "" {
		t.Error(d)
	}
	if got := x.Mask(x.Gt(3)).Eq(9.0).Mean().Item(); math.Abs(got-1.0/3) > 1e-7 {
		t.Error(got)
	}
	for name, bad := range map[string]*Tensor{
		"shape": x.Eq(FromInt64([]int64{1, 2}, 2)), "type": x.Eq("3"), "mask": x.Mask(y.Gt(1)), "carried": x.ArgMax(9).Eq(1).Mean(),
	} {
		if bad.Err() == nil {
			t.Error(name, "must carry an error")
		}
	}
}

func TestReshapeRowsReduce(t *testing.T) {
	x := m23()
	if d := cmp.Diff([]int{3, 2}, x.Reshape(3, -1).Shape()); d != "" {
		t.Error(d)
	}
	if x.Reshape(4, -1).Err() == nil {
		t.Error("4 does not divide 6")
	}
	if d := cmp.Diff([]int{2, 3}, x.Reshape(2, 1, 3).Squeeze(1).Shape()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([][]float64{{1, 5, 3}, {9, 2, 4}}, x.Rows()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]float32{9, 15}, x.Sum(1).Float32s()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]float32{5, 3.5, 3.5}, x.Mean(0).Float32s()); d != "" {
		t.Error(d)
	}
	if got := x.At(1).At(-1).Item(); got != 4 {
		t.Error(got)
	}
	if !math.IsNaN(FromFloat32(nil, 0).Mean().Item()) {
		t.Error("the mean of nothing is NaN")
	}
	s := x.Softmax(1).Sum(1).Float32s()
	if math.Abs(float64(s[0])-1) > 1e-6 {
		t.Error(s)
	}
	if d := cmp.Diff([]int{4, 3}, Concat(x, x).Shape()); d != "" {
		t.Error(d)
	}
}

func TestString(t *testing.T) {
	if d := cmp.Diff("float32 [2 3]\n[[1.0000 5.0000 3.0000]\n [9.0000 2.0000 4.0000]]", m23().String()); d != "" {
		t.Error(d)
	}
	if s := New(Int64, 100, 100).String(); len(s) > 400 || !strings.Contains(s, "…") {
		t.Errorf("a large tensor is shortened: %d characters", len(s))
	}
	if s := New(Float32).String(); s != "float32 0.0000" {
		t.Error(s)
	}
}

func BenchmarkCompareMean(b *testing.B) {
	x := New(Float32, 1<<20)
	for b.Loop() {
		x.Gt(0.5).Mean()
	}
}

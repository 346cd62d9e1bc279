package cpu

import (
	"context"
	"testing"
	"unsafe"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestMemory: small and large stretches are zeroed and aligned, can be freed twice, and a freed buffer is refused.
func TestMemory(t *testing.T) {
	for _, n := range []int{1, 17, outside/4 - 1, outside / 4, outside + 5} {
		m := newMemory(n)
		if len(m.f) != n || cap(m.f) != n || uintptr(unsafe.Pointer(&m.f[0]))%align != 0 {
			t.Errorf("%d floats: length %d, capacity %d, or not aligned", n, len(m.f), cap(m.f))
		}
		for i, v := range m.f {
			if v != 0 {
				t.Fatalf("%d floats: element %d is %v", n, i, v)
			}
			m.f[i] = 1
		}
		m.free()
		m.free()
	}
	var none *memory
	none.free()
	d := New(1)
	q, ctx := d.NewQueue(), context.Background()
	b, err := d.Alloc(device.Spec{DType: tensor.Float32, Shape: []int{300, 300}})
	if err != nil {
		t.Fatal(err)
	}
	one := tensor.New(tensor.Float32, 300, 300)
	one.Float32s()[7] = 3
	if err := q.Write(b, one).Wait(ctx); err != nil {
		t.Fatal(err)
	}
	back := tensor.New(tensor.Float32, 300, 300)
	if err := q.Read(back, b).Wait(ctx); err != nil || back.Float32s()[7] != 3 {
		t.Error("what went up must come down:", err)
	}
	d.Free(b)
	d.Free(b)
	if q.Write(b, one).Wait(ctx) == nil || q.Read(back, b).Wait(ctx) == nil {
		t.Error("a freed buffer must be refused")
	}
}

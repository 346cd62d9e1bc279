//go:build linux

package double_test

import (
	"slices"
	"testing"
	"unsafe"
)

func count[T int32 | uint32 | float32](n int, f func(i int) T) []T {
	v := make([]T, n)
	for i := range v {
		v[i] = f(i)
	}
	return v
}

func check[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

func TestVectors(t *testing.T) {
	c := open(t, "seed=2")
	const n = 256 + 128
	a := count(n, func(i int) float32 { return float32(i) })
	b := up(c, make([]float32, n))
	c.ran("memory.vectors", 2, 64, 0, up(c, a), b, n)
	check(t, "vectors", down[float32](c, b, n), count(n, func(i int) float32 { return float32((i ^ 4) ^ 3) }))
}

func TestSmallTypes(t *testing.T) {
	c := open(t)
	const n = 100
	var a [n]uint8
	var b [n]int8
	var h [n]uint16
	o, l := make([]int16, n), make([]int64, n)
	for i := range n {
		a[i], b[i], h[i] = uint8(i*7), int8(i*5), uint16(i*701)
		o[i], l[i] = (int16(a[i])+int16(b[i]))*int16(h[i]), int64(b[i])*int64(h[i])-int64(a[i])
	}
	po, pl := up(c, make([]int16, n)), up(c, make([]int64, n))
	c.ran("memory.small", 2, 64, 0, up(c, a[:]), up(c, b[:]), up(c, h[:]), po, pl, n)
	check(t, "short", down[int16](c, po, n), o)
	check(t, "long", down[int64](c, pl, n), l)
}

// Constant memory, and a variable of the module that two kernels share.
func TestModuleVariables(t *testing.T) {
	c := open(t)
	o := up(c, make([]int32, 64))
	c.ran("memory.constants", 1, 64, 0, o)
	primes := []int32{2, 3, 5, 7, 11, 13, 17, 19}
	check(t, "constants", down[int32](c, o, 64), count(64, func(i int) int32 { return primes[i%8] * int32(i/8+1) }))
	c.ran("memory.counted", 1, 32, 0, o)
	check(t, "counter", down[int32](c, o, 1), []int32{40 + 64})
	var at, size uint64
	c.must("cuModuleGetGlobal_v2", ptr(&at), ptr(&size), c.module("memory"), text("counter"))
	if size != 4 || down[uint32](c, at, 1)[0] != 104 {
		t.Errorf("the variable is of %d bytes and %d", size, down[uint32](c, at, 1))
	}
}

func TestLocalMemory(t *testing.T) {
	c := open(t, "seed=4")
	a := count(16, func(i int) int32 { return int32(i*i + 1) })
	o := up(c, make([]int32, 64))
	c.ran("memory.local", 1, 64, 0, up(c, a), o, 40)
	check(t, "local", down[int32](c, o, 64), count(64, func(i int) int32 {
		var v [16]int32
		for k := range v {
			v[k] = a[k] * int32(i+1)
		}
		s := int32(0)
		for k := range int32(40) {
			s = (s*31 + v[s&15]) & 0xffff
			v[s&15] += k
		}
		return s
	}))
}

// Structures as arguments: the card takes them by value.
func TestStructs(t *testing.T) {
	c := open(t)
	type args struct {
		a int32
		b float32
		c int64
		d [3]int16
		_ int16
	}
	p := args{a: 3, b: 0.5, c: 1000, d: [3]int16{1, -2, 3}}
	q := [4]float32{10, 20, 30, 40}
	o := up(c, make([]float32, 32))
	ptrs := []uintptr{ptr(&p), ptr(&o), ptr(&q)}
	c.must("cuLaunchKernel", c.kernel("memory.structs"), 1, 1, 1, 32, 1, 1, 0, 0, ptr(&ptrs[0]), 0)
	check(t, "structs", down[float32](c, o, 32), count(32, func(i int) float32 {
		return 1003.5 + float32(p.d[i%3]) + map[int]float32{1: 10, 0: 40}[i%2]
	}))
}

func TestDynamicSharedMemory(t *testing.T) {
	c := open(t, "seed=6")
	a := count(96, func(i int) float32 { return float32(i) })
	o := up(c, make([]float32, 96))
	c.ran("memory.dynamic", 1, 96, 96*4, up(c, a), o)
	check(t, "dynamic", down[float32](c, o, 96), count(96, func(i int) float32 { return float32(95 - i) }))
	c.fails(700, "shared memory outside of it", "memory.dynamic", 1, 96, 95*4, up(c, a), o)
}

// More than 48 KiB have to be asked for, and are limited by the card.
func TestMuchSharedMemory(t *testing.T) {
	ofDouble(t)
	c := open(t)
	o := up(c, make([]float32, 64))
	if r := c.run("faults.much_shared", 1, 64, 63*800+4, o); r != 1 {
		t.Errorf("unasked for: error %d, want 1", r)
	}
	f := c.kernel("faults.much_shared")
	c.must("cuFuncSetAttribute", f, 8, 60000)
	c.ran("faults.much_shared", 1, 64, 63*800+4, o)
	check(t, "much", down[float32](c, o, 64), count(64, func(i int) float32 { return float32(i) }))
	if r := c.call("cuFuncSetAttribute", f, 8, 170000); r != 1 {
		t.Errorf("170000 bytes on a card of 8.0: error %d, want 1", r)
	}
	c.must("doubleConfigure", text("capability"), text("9.0"))
	c.must("cuFuncSetAttribute", f, 8, 170000)
	var v int32
	c.must("cuFuncGetAttribute", ptr(&v), 8, f)
	if v != 170000 {
		t.Errorf("the limit is %d", v)
	}
}

func TestGenericAddresses(t *testing.T) {
	for _, n := range []int{3, 4} {
		c := open(t)
		o := up(c, count(128, func(i int) float32 { return float32(1000 + i) }))
		c.ran("memory.generic", 1, 64, 0, o, n)
		want := count(64, func(i int) float32 { return float32(i + (4-n)*1000) })
		check(t, "generic", down[float32](c, o, 128)[64:], want)
	}
}

func TestAtomics(t *testing.T) {
	for _, seed := range []string{"seed=0", "seed=9"} {
		c := open(t, seed)
		const n = 4 * 64
		u, f, l, cas := up(c, []uint32{0, 0, 1000, 0, 0, 0, 0, ^uint32(0), 0, 0}), up(c, make([]float32, 3)), up(c, make([]uint64, 1)), up(c, make([]int32, 1))
		c.ran("memory.atomics", 4, 64, 0, u, f, l, cas)
		var most, xor uint32
		least := uint32(1000)
		for i := range uint32(n) {
			most, least, xor = max(most, i*7%1000), min(least, i*7%1000+5), xor^i
		}
		inc := uint32(0)
		for range n {
			if inc++; inc > 9 {
				inc = 0
			}
		}
		sum := uint32(n * (n - 1) / 2)
		check(t, "whole numbers", down[uint32](c, u, 10), []uint32{3 * n, most, least, ^uint32(0), xor, inc, 5, 0xffff0000, uint32(f16(n))<<16 | uint32(f16(2*n)), sum})
		check(t, "floats", down[float32](c, f, 3), []float32{n / 2, n / 4, n})
		check(t, "long", down[uint64](c, l, 1), []uint64{uint64(sum) << 20})
		check(t, "compare and swap", down[int32](c, cas, 1), []int32{2 * n})
	}
}

func TestWays(t *testing.T) {
	c := open(t, "seed=8")
	const n = 150
	a := count(n, func(i int) int32 { return int32(i * 3 % 71) })
	o := up(c, make([]int32, n))
	c.ran("memory.ways", 3, 64, 0, up(c, a), o, n)
	check(t, "ways", down[int32](c, o, n), count(n, func(i int) int32 {
		v, s := a[i], int32(0)
		for k := int32(0); k < v && k <= 50 || k < v && k%3 == 1; k++ {
			if k%3 != 1 {
				s += k
			}
		}
		switch v % 9 {
		case 0:
			s += 10
		case 1:
			s *= 3
		case 2:
			s -= 7
		case 3:
			s ^= 5
		case 4:
			s += v
		case 5:
			s <<= 1
		case 6:
			s = -s
		default:
			s++
		}
		for s > 100 {
			if s%2 != 0 {
				s = s*3 - s
			} else {
				s /= 3
			}
		}
		return s
	}))
	c.ran("memory.brx", 1, 32, 0, up(c, count(32, func(i int) int32 { return int32(i) })), o)
	check(t, "brx", down[int32](c, o, 32), count(32, func(i int) int32 { return int32(i%3+1) * 100 }))
}

func TestMemoryOfTheDevice(t *testing.T) {
	c := open(t, "memory=1048576")
	var p, q, free, all uint64
	c.must("cuMemAlloc_v2", ptr(&p), 1000000)
	if r := c.call("cuMemAlloc_v2", ptr(&q), 1000000); r != 2 {
		t.Errorf("more than there is: error %d, want 2", r)
	}
	c.must("cuMemGetInfo_v2", ptr(&free), ptr(&all))
	if all != 1<<20 || free != 1<<20-(1000000+255)/256*256 {
		t.Errorf("%d of %d bytes are free", free, all)
	}
	if v := down[uint32](c, p, 4); !slices.Equal(v, []uint32{^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)}) {
		t.Errorf("fresh memory is %x", v)
	}
	c.must("cuMemFree_v2", uintptr(p))
	c.must("cuMemAlloc_v2", ptr(&q), 1000000)
	if q == p {
		t.Error("what was freed is used again at once")
	}
	if r := c.call("cuMemFree_v2", uintptr(p)); r != 1 {
		t.Errorf("freed twice: error %d, want 1", r)
	}
	c.fails(700, "outside of what is allocated", "faults.fill", 1, 32, 0, p, float32(1), 32)
}

func TestAddressSpaceIsUsedAgain(t *testing.T) {
	c := open(t, "memory=30000000000")
	var kept uint64
	c.must("cuMemAlloc_v2", ptr(&kept), 1000)
	for i := range 12 { // 12 times 8 GiB are more than the 64 there are
		var p uint64
		c.must("cuMemAlloc_v2", ptr(&p), 8<<30)
		if p <= kept && kept < p+8<<30 {
			t.Fatalf("allocation %d overlaps", i)
		}
		c.must("cuMemFree_v2", uintptr(p))
	}
}

func TestContextOfTheThread(t *testing.T) {
	ofDouble(t)
	c := open(t)
	c.must("cuCtxSetCurrent", 0)
	var p uint64
	if r := c.call("cuMemAlloc_v2", ptr(&p), 4); r != 201 {
		t.Errorf("without a context: error %d, want 201", r)
	}
	c.must("doubleReset")
	if r := c.call("cuDeviceGetCount", uintptr(unsafe.Pointer(&p))); r != 3 {
		t.Errorf("before cuInit: error %d, want 3", r)
	}
}

func TestArchitecture(t *testing.T) {
	c := open(t, "capability=7.5")
	var v int32
	c.must("cuDeviceGetAttribute", ptr(&v), 75, 0)
	var m uintptr
	if r := c.call("cuModuleLoadData", ptr(&m), text(".version 7.8\n.target sm_80\n.address_size 64\n")); v != 7 || r != 218 {
		t.Errorf("PTX for sm_80 on a card of %d.5: error %d, want 218", v, r)
	}
	if r := c.call("cuModuleLoadData", ptr(&m), text(".version 8.0\n.target sm_75\n.address_size 64\n")); r != 222 {
		t.Errorf("PTX that is too new: error %d, want 222", r)
	}
	if r := c.call("cuModuleLoadData", ptr(&m), text("nonsense")); r != 218 {
		t.Errorf("no PTX: error %d, want 218", r)
	}
}

func TestDestroyedContextComesBack(t *testing.T) {
	ofDouble(t)
	c := open(t)
	c.fails(719, "trap", "faults.trap", 1, 32, 0, 3)
	c.must("cuDevicePrimaryCtxRelease_v2", 0)
	var ctx uintptr
	c.must("cuDevicePrimaryCtxRetain", ptr(&ctx), 0)
	c.must("cuCtxSetCurrent", ctx)
	clear(c.modules)
	o := up(c, make([]float32, 4))
	c.ran("faults.fill", 1, 32, 0, o, float32(2), 4)
}

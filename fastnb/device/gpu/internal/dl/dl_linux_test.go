package dl

import (
	"strings"
	"testing"
	"unsafe"
)

func libc(t testing.TB) *Lib {
	t.Helper()
	l, err := Open("libnowhere.so", "libc.so.6")
	if err != nil {
		t.Skip("no glibc: ", err)
	}
	return l
}

// Functions are found by name and take numbers and addresses.
func TestCall(t *testing.T) {
	l := libc(t)
	var length, missing uintptr
	if err := l.Table(map[string]*uintptr{"strlen": &length}); err != nil {
		t.Fatal(err)
	}
	if n := Call(length, uintptr(unsafe.Pointer(Text("hello")))); n != 5 {
		t.Error(n)
	}
	if err := l.Table(map[string]*uintptr{"no_such_function": &missing}); err == nil || !strings.Contains(err.Error(), "no_such_function") {
		t.Error(err)
	}
	if _, err := Open("libnowhere.so", "libneither.so"); err == nil || !strings.Contains(err.Error(), "libneither.so") {
		t.Error(err)
	}
}

func BenchmarkCall(b *testing.B) {
	l := libc(b)
	fn := l.Has("getppid")
	b.ReportAllocs()
	for b.Loop() {
		Call(fn, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	}
}

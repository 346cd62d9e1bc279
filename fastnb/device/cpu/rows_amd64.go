//go:build !noasm

package cpu

//go:generate go run github.com/fastnb/go/internal/asmgen -set rows -out gen_rows_amd64.s -stubs gen_rows_amd64.go -pkg cpu

var copyRows256 = asmCopyRows(8, vcopyRows1_256, vcopyRows2_256)

var copyRows512 = asmCopyRows(16, vcopyRows1_512, vcopyRows2_512)

// asmCopyRows copies rows of up to one vector of w floats, and of up to two. Rows are copied as whole vectors as far as
// both sides have so much.
func asmCopyRows(w int, one, two func(dst *float32, ds int, src *float32, ss, k int)) func(dst []float32, ds int, src []float32, ss, n, rows int) {
	return func(dst []float32, ds int, src []float32, ss, n, rows int) {
		v, run := w, one
		if n > w {
			v, run = 2*w, two
		}
		whole := 0
		if n <= v && rows > 0 && len(src) >= v && len(dst) >= v {
			whole = min(rows, (len(src)-v)/ss+1, (len(dst)-v)/ds+1)
			run(&dst[0], ds, &src[0], ss, whole)
		}
		for r := whole; r < rows; r++ {
			copy(dst[r*ds:r*ds+n], src[r*ss:r*ss+n])
		}
	}
}

// fetch asks for the first n floats of each of some rows of f from place at on, ld apart. Nothing needs to be there.
func fetch(f []float32, at, ld, rows, n int) {
	if at < len(f) && rows > 0 && n > 0 {
		fetchRows64(&f[at], ld, rows, (n*4+63)/64)
	}
}

//go:build !noasm

package cpu

//go:generate go run github.com/fastnb/go/internal/asmgen -set rows -out gen_rows_amd64.s -stubs gen_rows_amd64.go -pkg cpu

var copyRows256 = asmCopyRows(8, vcopyRows1_256, vcopyRows2_256)

var copyRows512 = asmCopyRows(16, vcopyRows1_512, vcopyRows2_512)

// asmCopyRows copies rows of up to one vector of w floats, and of two.
func asmCopyRows(w int, one, two func(dst *float32, ds int, src *float32, ss, k int)) func(dst []float32, ds int, src []float32, ss, n, rows int) {
	return func(dst []float32, ds int, src []float32, ss, n, rows int) {
		switch {
		case rows == 0:
		case n == 2*w:
			two(&dst[0], ds, &src[0], ss, rows)
		case n <= w && ss >= w && rows > 1 && ds*(rows-2)+w <= len(dst):
			// The last row alone may end where the memory does.
			one(&dst[0], ds, &src[0], ss, rows-1)
			copy(dst[(rows-1)*ds:(rows-1)*ds+n], src[(rows-1)*ss:])
		default:
			genericCopyRows(dst, ds, src, ss, n, rows)
		}
	}
}

// fetch asks for the first n floats of each of some rows of f from place at on, ld apart. Nothing needs to be there.
func fetch(f []float32, at, ld, rows, n int) {
	if at < len(f) && rows > 0 && n > 0 {
		fetchRows64(&f[at], ld, rows, (n*4+63)/64)
	}
}

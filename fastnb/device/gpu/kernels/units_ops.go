package kernels

// Units of the ops that are no products: those over channels and places come for 1, 4 and 8 channels at once
// (the vectors that divide a map's channels), those over rows for a thread and for a block to a row.
func init() {
	each("each", []string{"V=8"}, "vec.h", "elementwise.h")
	each("reduce", []string{"V=8"}, "vec.h", "share.h", "reduce.h")
	for _, v := range []string{"1", "4", "8"} {
		define := []string{"V=" + v}
		each("norm"+v, define, "vec.h", "share.h", "norm.h")
		each("pool"+v, define, "vec.h", "share.h", "pool.h")
		each("shape"+v, define, "vec.h", "share.h", "flag.h", "shape.h")
	}
	each("rows_small", []string{"SMALL"}, "share.h", "flag.h", "rows.h")
	each("rows_block", nil, "share.h", "flag.h", "rows.h")
	each("losses_small", []string{"SMALL", "FULL_X"}, "share.h", "flag.h", "rows.h")
	each("losses_block", []string{"FULL_X"}, "share.h", "flag.h", "rows.h")
	units = append(units,
		Unit{Name: "optim", Files: []string{"share.h", "flag.h", "optim.h"}, Arch: "compute_52"},
		Unit{Name: "spectral", Files: []string{"share.h", "flag.h", "spectral.h"}, Arch: "compute_52"},
	)
}

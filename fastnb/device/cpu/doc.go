// Package cpu runs plans on the processor: assembly kernels where the machine has them (AVX-512 or
// AVX2 with FMA, chosen at run time), plain Go elsewhere, one arena for temporaries, a team of
// workers. Convolutions of 3x3 go through Winograd's filtering where that pays (conv_choice.go),
// programs that leave weights alone keep their layouts (packs.go) and fuse batch norm; products of all kinds through packed tiles (gemm.go, product.go).
//
// It stands below graph and imports device and tensor. Every kernel is held against its op's host
// definition by devicetest. Results do not depend on timing: an output element is computed by one
// worker in a fixed order, and sums over workers are added in order, so that they are equal from run
// to run for a fixed number of threads.
package cpu

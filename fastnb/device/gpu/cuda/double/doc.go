// Package double builds a stand-in for NVIDIA's driver library: a libcuda.so.1 that executes PTX on the
// processor, so that tests run the CUDA driver and its kernels, tensor cores included, on a machine without a
// card.
//
// An entry of PTX is translated to C when it is first launched (ptx2c), compiled by gcc and kept under the hash
// of its text. The threads of a block take turns; what a warp or a block does together (barriers, shuffles,
// mma.sync, ldmatrix) is done by a scheduler (c/run.c, c/warp.c) when all have come. Streams hold their work
// back until somebody waits, and keep order among each other by events alone (c/stream.c).
//
// What a card does with a program that is wrong is chance. The double stops it, as the driver would, with an
// error that stays (700, 716, 719), and says where:
//
//   - global, shared and local memory outside of what is allocated, and addresses that are not a multiple of the
//     access's size (of 16 bytes for a vector of four floats);
//   - barriers, shuffles, votes, products and ldmatrix to which not all threads come;
//   - shared memory that is read before anybody wrote to it, or while cp.async has yet to fill it, and threads
//     that touch the same byte without a barrier between them (check=0 turns this account off);
//   - results that depend on the order of blocks, warps and lanes (twice=1 runs each launch in two orders;
//     seed=N shuffles them).
//
// A program runs on it, a notebook as well, with
//
//	FASTNB_LIBCUDA=$(go run ./fastnb/device/gpu/cuda/double/where) FASTNB_DEVICE=cuda fastnb ...
//
// What it does not show is speed, the assembler's work, and what a real driver does besides. The options are
// those of doubleConfigure and, as FASTNB_DOUBLE_SEED and so on, of the environment: seed, check, twice, threads,
// quiet, memory (bytes, 4 GiB), capability (8.0). Two make mistakes that tests are to find: deaf=1 lets nobody
// wait for events, edit="ENTRY: FROM => TO #N" changes the N-th place of an entry's PTX. FASTNB_DOUBLE_CACHE is the folder for what is compiled.
package double

// What translated kernels and the double's runtime share. A kernel is a C function that runs one thread of
// the GPU. Threads that have to meet (barriers, products of a warp) run on stacks of their own and stop in
// rt->yield until the scheduler (run.c) lets them go on.
#ifndef FASTNB_KERNEL_H
#define FASTNB_KERNEL_H
#include <stdint.h>
#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

// Addresses of the device are none of the host: a pointer that is used on the wrong side is seen at once.
#define DEV_BASE 0x00a0000000000000ull    // global memory
#define SHARED_BASE 0x00b0000000000000ull // a generic address of shared memory
#define LOCAL_BASE 0x00c0000000000000ull  // local memory; its own addresses are the generic ones
#define WINDOW (1ull << 40)

// Global memory is a stretch of the host's address space, at a place that is known when kernels are compiled.
// ROOM says of every 256 bytes how many of them, from the first, are allocated.
#define ARENA ((char *)0x200000000000ull)
#define ARENA_SIZE (1ull << 36)
#define ROOM ((uint16_t *)0x210000000000ull)

enum { LOAD, STORE, ATOMIC, ASYNC, ARRIVED }; // kinds of access
enum { READY, BARRIER, WARP, DONE };          // states of a thread

enum {
  OP_SHFL_IDX, OP_SHFL_UP, OP_SHFL_DOWN, OP_SHFL_BFLY,
  OP_VOTE_ALL, OP_VOTE_ANY, OP_VOTE_UNI, OP_VOTE_BALLOT, OP_ACTIVEMASK, OP_WARPSYNC, OP_MATCH_ANY,
  OP_REDUX_ADD, OP_REDUX_MIN_S, OP_REDUX_MAX_S, OP_REDUX_MIN_U, OP_REDUX_MAX_U, OP_REDUX_AND, OP_REDUX_OR, OP_REDUX_XOR,
  OP_MMA_K8_F16, OP_MMA_K16_F16, OP_MMA_K8_BF16, OP_MMA_K16_BF16, OP_MMA_K4_TF32, OP_MMA_K8_TF32, OP_MMA_K8_F16_F16, OP_MMA_K16_F16_F16,
  OP_LDMATRIX, OP_LDMATRIX_T, OP_STMATRIX, OP_STMATRIX_T,
  OP_BAR_AND, OP_BAR_OR, OP_BAR_POPC,
};

typedef struct Thr Thr;
typedef struct Blk Blk;

// Copy is one cp.async that has not arrived.
typedef struct { uint64_t src; uint32_t dst, size, from, group; int site; } Copy;

// Thr is a thread of the block that is being run.
struct Thr {
  Blk *b;
  uint32_t tid[3], id, lane, warp;
  int state, op, site;    // where it stopped, and for what
  uint32_t mask, count;   // lanes that take part; registers of ldmatrix
  uint32_t in[12], out[4]; // operands and results of what a warp does together
  void *sp;               // its stack, while it is stopped
  char *depot;            // local memory
  uint32_t depot_size;
  Copy *copies;           // cp.async that have not arrived
  uint32_t ncopies, room, group;
};

// Blk is the block that is being run.
struct Blk {
  uint32_t ntid[3], ctaid[3], nctaid[3];
  char *shared;
  uint32_t shared_size;
  char *params;
  void *shadow; // account of shared memory, or none
};

// Rt is what the runtime does for kernels. fault does not come back.
typedef struct {
  void (*yield)(Thr *);
  void (*fault)(Thr *, int error, int site, const char *why, uint64_t address, uint32_t size);
  char *(*elsewhere)(Thr *, uint64_t address, uint32_t size, int site, int kind, int generic);
  char *(*misplaced)(Thr *, uint64_t address, uint32_t size, int site, int kind);
  void (*account)(Thr *, uint32_t address, uint32_t size, int site, int kind);
  void (*copy)(Thr *, uint32_t dst, uint64_t src, uint32_t size, uint32_t from, int site);
  void (*arrive)(Thr *, uint32_t left, int all);
} Rt;

// Var is a variable of the module.
typedef struct { const char *name; uint32_t size; const uint8_t *init; uint64_t *at; } Var;

// Kern is a translated kernel.
typedef struct {
  const char *name;
  void (*run)(Thr *);
  uint32_t shared, dynamic;        // bytes; whether it has dynamic shared memory
  uint32_t params;                 // bytes
  uint32_t nparams, size[256], at[256];
  uint32_t local, meets, atomics;  // bytes; whether threads meet; whether blocks meet
  uint32_t most;                   // threads of a block, by .maxntid; 0 is 1024
  Var *vars;
  void (*bind)(const Rt *);
} Kern;

#ifdef KERNEL
static const Rt *rt;
static void bind(const Rt *r) { rt = r; }

// GL is the place of n bytes of global memory (GE: of a generic address), SH of shared memory.
static inline __attribute__((always_inline)) char *GL(Thr *t, uint64_t a, uint32_t n, int site, int kind) {
  uint64_t off = a - DEV_BASE;
  if (LIKELY(off < ARENA_SIZE && (off & (n - 1)) == 0 && (off & 255) + n <= ROOM[off >> 8])) return ARENA + off;
  return rt->elsewhere(t, a, n, site, kind, 0);
}
static inline __attribute__((always_inline)) char *GE(Thr *t, uint64_t a, uint32_t n, int site, int kind) {
  uint64_t off = a - DEV_BASE;
  if (LIKELY(off < ARENA_SIZE && (off & (n - 1)) == 0 && (off & 255) + n <= ROOM[off >> 8])) return ARENA + off;
  return rt->elsewhere(t, a, n, site, kind, 1);
}
static inline __attribute__((always_inline)) char *SH(Thr *t, uint64_t a, uint32_t n, int site, int kind) {
  if (UNLIKELY(a + n > t->b->shared_size || (a & (n - 1)) != 0)) return rt->misplaced(t, a, n, site, kind);
  if (UNLIKELY(t->b->shadow != 0)) rt->account(t, (uint32_t)a, n, site, kind);
  return t->b->shared + a;
}
static inline __attribute__((always_inline)) char *LO(Thr *t, uint64_t a, uint32_t n, int site, int kind) {
  uint64_t off = a - LOCAL_BASE;
  if (UNLIKELY(off + n > t->depot_size || (off & (n - 1)) != 0)) return rt->misplaced(t, a, n, site, kind);
  return t->depot + off;
}
static inline void meet(Thr *t, int state, int op, int site) {
  t->state = state;
  t->op = op;
  t->site = site;
  rt->yield(t);
}
#include "ops.h"
#endif
#endif

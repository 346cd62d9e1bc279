// Device memory, and page-locked memory of the host. Addresses go up and are not used again before the whole
// stretch has been: what looks at freed memory finds nothing there. Fresh memory holds NaNs.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "internal.h"

#define GRAIN 256
#define FILL (256ull << 20) // of larger allocations only the ends are filled

Alloc *allocs;
static uint64_t next_at, used;
static struct Pin { char *p; uint64_t bytes; struct Pin *next; } *pins;

int memory_init(void) {
  static int done;
  if (done) return OK;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  uint64_t rooms = ARENA_SIZE / GRAIN * sizeof *ROOM;
  if (mmap(ARENA, ARENA_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0) != (void *)ARENA || mmap(ROOM, rooms, PROT_READ | PROT_WRITE, flags, -1, 0) != (void *)ROOM) {
    say("the double's memory cannot be had at its place: %s", strerror(errno));
    return OUT_OF_MEMORY;
  }
  done = 1;
  return OK;
}

char *memory_host(uint64_t address) { return ARENA + (address - DEV_BASE); }
uint64_t memory_used(void) { return used; }

static void rooms(uint64_t off, uint64_t bytes, int there) {
  for (uint64_t i = off / GRAIN; bytes; i++) {
    uint64_t n = bytes < GRAIN ? bytes : GRAIN;
    ROOM[i] = there ? (uint16_t)n : 0;
    bytes -= n;
  }
}

uint64_t memory_alloc(uint64_t bytes) {
  uint64_t grains = (bytes + GRAIN - 1) / GRAIN * GRAIN;
  if (bytes == 0 || grains > options.memory || used > options.memory - grains) return 0;
  uint64_t step = grains + GRAIN; // what lies between is nobody's
  if (next_at + step > ARENA_SIZE) next_at = 0;
  for (Alloc *a = allocs; a; a = a->next) { // after the first turn: the next gap that is large enough
    uint64_t o = a->at - DEV_BASE, end = o + (a->bytes + GRAIN - 1) / GRAIN * GRAIN + GRAIN;
    if (next_at >= end || o >= next_at + step) continue;
    next_at = end;
    if (next_at + step > ARENA_SIZE) return 0;
    a = &(Alloc){0, 0, allocs, 0}; // from the beginning
  }
  uint64_t off = next_at;
  next_at += step;
  rooms(off, bytes, 1);
  char *p = ARENA + off;
  if (bytes <= FILL) memset(p, 0xff, bytes);
  else memset(p, 0xff, FILL / 2), memset(p + bytes - FILL / 2, 0xff, FILL / 2);
  Alloc *a = malloc(sizeof *a);
  *a = (Alloc){DEV_BASE + off, bytes, allocs, 0};
  allocs = a;
  used += grains;
  return a->at;
}

int memory_free(uint64_t address) {
  if (!address) return OK;
  for (Alloc **p = &allocs; *p; p = &(*p)->next) {
    Alloc *a = *p;
    if (a->at != address) continue;
    uint64_t off = a->at - DEV_BASE, grains = (a->bytes + GRAIN - 1) / GRAIN * GRAIN;
    rooms(off, a->bytes, 0);
    uint64_t first = (off + 4095) & ~4095ull, last = (off + grains) & ~4095ull;
    if (first < last) madvise(ARENA + first, last - first, MADV_DONTNEED);
    used -= grains;
    *p = a->next;
    free(a);
    return OK;
  }
  return INVALID_VALUE;
}

int memory_ok(uint64_t address, uint64_t bytes) {
  if (!bytes) return 1;
  for (Alloc *a = allocs; a; a = a->next)
    if (address >= a->at && address - a->at <= a->bytes && bytes <= a->bytes - (address - a->at)) return 1;
  return 0;
}

void memory_reset(void) {
  while (allocs) memory_free(allocs->at);
  next_at = 0;
}

void pin(void *p, uint64_t bytes) {
  struct Pin *n = malloc(sizeof *n);
  *n = (struct Pin){p, bytes, pins};
  pins = n;
}

int unpin(void *p) {
  for (struct Pin **x = &pins; *x; x = &(*x)->next)
    if ((*x)->p == p) {
      struct Pin *n = *x;
      *x = n->next;
      free(n);
      return 1;
    }
  return 0;
}

int pinned(const void *p, uint64_t bytes) {
  for (struct Pin *x = pins; x; x = x->next)
    if ((char *)p >= x->p && (char *)p + bytes <= x->p + x->bytes) return 1;
  return 0;
}

void memory_module(uint64_t address) {
  for (Alloc *a = allocs; a; a = a->next)
    if (a->at == address) a->module = 1;
}

void memory_only(Extent *e, int n) {
  for (Alloc *a = allocs; a; a = a->next)
    if (!a->module) rooms(a->at - DEV_BASE, a->bytes, 0);
  for (; n > 0; n--, e++) {
    uint64_t off = e->at - DEV_BASE, end = off + e->bytes;
    if (!memory_ok(e->at, e->bytes)) continue;
    for (uint64_t g = off / GRAIN; g * GRAIN < end; g++) {
      uint64_t room = end - g * GRAIN < GRAIN ? end - g * GRAIN : GRAIN;
      if (ROOM[g] < room) ROOM[g] = (uint16_t)room;
    }
  }
}

void memory_all(void) {
  for (Alloc *a = allocs; a; a = a->next) rooms(a->at - DEV_BASE, a->bytes, 1);
}

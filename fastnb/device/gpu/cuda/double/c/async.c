// cp.async: copies from global to shared memory that arrive when they are waited for, and not before. Until
// then the place holds nonsense.
#include <stdlib.h>
#include "internal.h"

static char *global(Thr *t, uint64_t src, uint32_t n, int site) {
  uint64_t off = src - DEV_BASE;
  if (n && (off >= ARENA_SIZE || (off & 255) + n > ROOM[off >> 8])) fault(t, ILLEGAL_ADDRESS, site, "cp.async from outside of what is allocated", src, n);
  return ARENA + off;
}

void async_copy(Thr *t, uint32_t dst, uint64_t src, uint32_t size, uint32_t from, int site) {
  if (from > size) fault(t, LAUNCH_FAILED, site, "cp.async of more bytes than it fills", src, from);
  if (dst & (size - 1)) fault(t, MISALIGNED_ADDRESS, site, "cp.async to an address that is not a multiple of its size", dst, size);
  if (from && (src & (size - 1))) fault(t, MISALIGNED_ADDRESS, site, "cp.async from an address that is not a multiple of its size", src, size);
  if ((uint64_t)dst + size > t->b->shared_size) fault(t, ILLEGAL_ADDRESS, site, "cp.async to outside of shared memory", dst, size);
  global(t, src, from, site);
  if (t->b->shadow) shadow_account(t, dst, size, site, ASYNC);
  memset(t->b->shared + dst, 0xff, size);
  if (t->ncopies == t->room) {
    t->room = t->room ? 2 * t->room : 16;
    t->copies = realloc(t->copies, t->room * sizeof *t->copies);
  }
  t->copies[t->ncopies++] = (Copy){src, dst, size, from, t->group, site};
}

// arrive does all copies but those of the newest groups.
void async_arrive(Thr *t, uint32_t left, int all) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < t->ncopies; i++) {
    Copy c = t->copies[i];
    if (!all && c.group + left >= t->group) {
      t->copies[kept++] = c;
      continue;
    }
    if (t->b->shadow) shadow_account(t, c.dst, c.size, c.site, ARRIVED);
    memset(t->b->shared + c.dst, 0, c.size);
    if (c.from) memcpy(t->b->shared + c.dst, global(t, c.src, c.from, c.site), c.from);
  }
  t->ncopies = kept;
}

// The driver's entry points for memory and copies.
#include <stdlib.h>
#include "api.h"

int cuMemGetInfo_v2(size_t *left, size_t *all) {
  int e = enter();
  *all = options.memory;
  *left = options.memory - memory_used();
  return leave(e);
}

int cuMemAlloc_v2(uint64_t *p, size_t n) {
  int e = enter();
  if (!e) e = forbidden();
  if (!e && !n) e = INVALID_VALUE;
  if (!e && !(*p = memory_alloc(n))) e = OUT_OF_MEMORY;
  return leave(e);
}

// A card is done with all work before it takes memory away.
int cuMemFree_v2(uint64_t p) {
  int e = enter();
  if (!e) e = forbidden();
  if (!e) e = run_all();
  return leave(e ? e : memory_free(p));
}

int cuMemHostAlloc(void **p, size_t n, unsigned flags) {
  int e = enter();
  (void)flags;
  if (!e) e = forbidden();
  if (!e && !n) e = INVALID_VALUE;
  if (!e && !(*p = aligned_alloc(4096, (n + 4095) & ~(size_t)4095))) e = OUT_OF_MEMORY;
  if (!e) memset(*p, 0xff, n), pin(*p, n);
  return leave(e);
}
int cuMemAllocHost_v2(void **p, size_t n) { return cuMemHostAlloc(p, n, 0); }

int cuMemFreeHost(void *p) {
  int e = enter();
  if (!e) e = run_all();
  if (!e && !unpin(p)) e = INVALID_VALUE;
  if (!e) free(p);
  return leave(e);
}

int cuMemHostRegister_v2(void *p, size_t n, unsigned flags) {
  int e = enter();
  (void)flags;
  if (!e && (!p || !n)) e = INVALID_VALUE;
  if (!e) pin(p, n);
  return leave(e);
}

int cuMemHostUnregister(void *p) {
  int e = enter();
  if (!e) e = run_all();
  return leave(e ? e : unpin(p) ? OK : INVALID_VALUE);
}

// stream gives a stream of a handle; a wrong one is an error.
static int stream(void *h, Stream **s) { return (*s = stream_of(h)) ? OK : INVALID_HANDLE; }

// The source of an upload is read when its turn comes, if it is page-locked, and else at once.
static int upload(Stream *s, uint64_t to, const void *src, size_t n) {
  if (!memory_ok(to, n)) return INVALID_VALUE;
  Task k = {.kind = OP_MOVE, .to = to, .src = (char *)src, .bytes = n};
  if (!s->capture && !pinned(src, n)) {
    k.held = malloc(n + 1);
    memcpy(k.held, src, n);
  }
  return put(s, k);
}

// The destination of a download is nonsense until its turn has come.
static int download(Stream *s, void *dst, uint64_t from, size_t n) {
  if (!memory_ok(from, n)) return INVALID_VALUE;
  int late = pinned(dst, n);
  if (late && !s->capture) memset(dst, 0xff, n);
  int e = put(s, (Task){.kind = OP_MOVE, .dst = dst, .from = from, .bytes = n});
  return e || late || s->capture ? e : run_to(s, s->queued);
}

int cuMemcpyHtoD_v2(uint64_t to, const void *src, size_t n) {
  int e = enter();
  Stream *s = stream_of(0);
  if (!e) e = forbidden();
  if (!e) e = upload(s, to, src, n);
  return leave(e ? e : run_to(s, s->queued));
}

int cuMemcpyDtoH_v2(void *dst, uint64_t from, size_t n) {
  int e = enter();
  Stream *s = stream_of(0);
  if (!e) e = forbidden();
  if (!e) e = download(s, dst, from, n);
  return leave(e ? e : run_to(s, s->queued));
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *src, size_t n, void *h) {
  int e = enter();
  Stream *s;
  if (!e) e = stream(h, &s);
  return leave(e ? e : upload(s, to, src, n));
}

int cuMemcpyDtoHAsync_v2(void *dst, uint64_t from, size_t n, void *h) {
  int e = enter();
  Stream *s;
  if (!e) e = stream(h, &s);
  return leave(e ? e : download(s, dst, from, n));
}

static int within(void *h, uint64_t to, uint64_t from, size_t n) {
  Stream *s;
  int e = stream(h, &s);
  if (e) return e;
  if (!memory_ok(to, n) || !memory_ok(from, n)) return INVALID_VALUE;
  return put(s, (Task){.kind = OP_MOVE, .to = to, .from = from, .bytes = n});
}

int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t n, void *h) {
  int e = enter();
  return leave(e ? e : within(h, to, from, n));
}

int cuMemcpyDtoD_v2(uint64_t to, uint64_t from, size_t n) {
  int e = enter();
  if (!e) e = forbidden();
  return leave(e ? e : within(0, to, from, n));
}

static int set(void *h, uint64_t to, uint32_t value, uint32_t width, size_t n) {
  int e = enter();
  Stream *s;
  if (!e) e = stream(h, &s);
  if (!e && (!memory_ok(to, n * width) || to % width)) e = INVALID_VALUE;
  return leave(e ? e : put(s, (Task){.kind = OP_SET, .to = to, .value = value, .width = width, .bytes = n * width}));
}

int cuMemsetD8Async(uint64_t to, uint8_t v, size_t n, void *h) { return set(h, to, v, 1, n); }
int cuMemsetD16Async(uint64_t to, uint16_t v, size_t n, void *h) { return set(h, to, v, 2, n); }
int cuMemsetD32Async(uint64_t to, uint32_t v, size_t n, void *h) { return set(h, to, v, 4, n); }
int cuMemsetD8_v2(uint64_t to, uint8_t v, size_t n) { return set(0, to, v, 1, n); }
int cuMemsetD32_v2(uint64_t to, uint32_t v, size_t n) { return set(0, to, v, 4, n); }

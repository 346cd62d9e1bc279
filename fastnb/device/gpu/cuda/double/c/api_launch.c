// The driver's entry points for modules, launches, streams, events and graphs.
#include <pthread.h>
#include <stdlib.h>
#include "api.h"

static int load(void **out, const void *image, char *log, size_t room) {
  int e = enter();
  Module *m = 0;
  if (!e && !image) e = INVALID_VALUE;
  if (!e && !memcmp(image, "\177ELF", 4)) e = NO_BINARY_FOR_GPU;
  if (!e) e = module_load(image, &m, log, room);
  *out = m;
  return leave(e);
}

int cuModuleLoadData(void **out, const void *image) { return load(out, image, 0, 0); }

int cuModuleLoadDataEx(void **out, const void *image, unsigned n, int *options_, void **values) {
  char *log = 0;
  size_t room = 0;
  for (unsigned i = 0; i < n; i++) { // the error log and its size
    if (options_[i] == 5) log = values[i];
    if (options_[i] == 6) room = (size_t)values[i];
  }
  if (log && room) log[0] = 0;
  return load(out, image, room ? log : 0, room);
}

int cuModuleUnload(void *h) {
  int e = enter();
  Module *m = e ? 0 : module_of(h);
  if (!e && !m) e = INVALID_HANDLE;
  if (!e) e = run_all();
  if (!e) module_unload(m);
  return leave(e);
}

int cuModuleGetFunction(void **out, void *h, const char *name) {
  int e = enter();
  Module *m = e ? 0 : module_of(h);
  if (!e && !m) e = INVALID_HANDLE;
  if (!e && !(*out = module_func(m, name))) e = NOT_FOUND;
  return leave(e);
}

int cuModuleGetGlobal_v2(uint64_t *at, size_t *size, void *h, const char *name) {
  int e = enter();
  Module *m = e ? 0 : module_of(h);
  if (!e && !m) e = INVALID_HANDLE;
  return leave(e ? e : module_global(m, name, at, size));
}

int cuFuncSetAttribute(Func *f, int attribute, int value) {
  int e = enter();
  if (!e && !func_ok(f)) e = INVALID_HANDLE;
  if (!e) e = func_ready(f);
  if (!e && attribute == 8) {
    if (value < 0 || value + f->kern->shared > (uint32_t)shared_most()) e = INVALID_VALUE;
    else f->dynamic = value;
  } else if (!e && attribute != 9) {
    e = INVALID_VALUE;
  }
  return leave(e);
}

// The number of registers is the assembler's secret; a third of what a thread can have is told.
int cuFuncGetAttribute(int *v, int attribute, Func *f) {
  int e = enter();
  if (!e && !func_ok(f)) e = INVALID_HANDLE;
  if (!e) e = func_ready(f);
  if (e) return leave(e);
  switch (attribute) {
  case 0: *v = f->kern->most ? f->kern->most : 1024; break;
  case 1: *v = f->kern->shared; break;
  case 2: *v = 0; break;
  case 3: *v = f->kern->local; break;
  case 4: *v = 85; break;
  case 5:
  case 6: *v = options.major * 10 + options.minor; break;
  case 8: *v = f->dynamic ? f->dynamic : 49152 - f->kern->shared; break;
  default: e = INVALID_VALUE;
  }
  return leave(e);
}

int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *n, Func *f, int block, size_t dynamic) {
  int e = enter();
  if (!e && !func_ok(f)) e = INVALID_HANDLE;
  if (!e) e = func_ready(f);
  if (!e && block <= 0) e = INVALID_VALUE;
  if (e) return leave(e);
  size_t smem = f->kern->shared + dynamic;
  int by_threads = 2048 / block, by_shared = smem ? (int)((shared_most() + 1024) / (smem + 1024)) : 32;
  *n = by_threads < by_shared ? by_threads : by_shared;
  return leave(OK);
}

// fits says whether a card would take a launch.
static int fits(Func *f, const uint32_t *grid, const uint32_t *block, uint32_t dynamic) {
  uint64_t n = (uint64_t)block[0] * block[1] * block[2];
  for (int i = 0; i < 3; i++)
    if (!grid[i] || !block[i]) return INVALID_VALUE;
  if (n > 1024 || block[2] > 64 || grid[0] > 2147483647u || grid[1] > 65535 || grid[2] > 65535) return INVALID_VALUE;
  if (f->kern->most && n > f->kern->most) return LAUNCH_OUT_OF_RESOURCES;
  if (f->kern->shared > 49152) return INVALID_VALUE;
  if (f->kern->shared + dynamic > 49152 && dynamic > f->dynamic) return INVALID_VALUE;
  return OK;
}

static __thread struct { Extent at[64]; int n; } told;

// doubleExtents says what the next launch of this thread may touch: a driver that cuts its arrays from larger
// allocations knows their ends, and the double alone does not.
int doubleExtents(const uint64_t *at, const uint64_t *bytes, int n) {
  told.n = n > 64 ? 0 : n;
  for (int i = 0; i < told.n; i++) told.at[i] = (Extent){at[i], bytes[i]};
  return OK;
}

int cuLaunchKernel(Func *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned dynamic, void *h, void **args, void **extra) {
  int e = enter();
  Stream *s = e ? 0 : stream_of(h);
  if (!e && (!s || !func_ok(f))) e = INVALID_HANDLE;
  if (!e && extra) e = NOT_SUPPORTED;
  if (!e) e = func_ready(f);
  if (e) return leave(e);
  Task k = {.kind = OP_KERNEL, .launch = {.func = f, .grid = {gx, gy, gz}, .block = {bx, by, bz}, .dynamic = dynamic}};
  e = fits(f, k.launch.grid, k.launch.block, dynamic);
  if (!e && f->kern->nparams && !args) e = INVALID_VALUE;
  if (e) return leave(e);
  k.launch.params = malloc(f->kern->params + 1);
  for (uint32_t i = 0; i < f->kern->nparams; i++) memcpy(k.launch.params + f->kern->at[i], args[i], f->kern->size[i]);
  if (told.n) {
    k.launch.nextents = told.n;
    k.launch.extents = malloc(told.n * sizeof(Extent));
    memcpy(k.launch.extents, told.at, told.n * sizeof(Extent));
    told.n = 0;
  }
  return leave(put(s, k));
}

int cuStreamCreate(void **out, unsigned flags) {
  int e = enter();
  if (!e && flags > 1) e = INVALID_VALUE;
  if (!e) *out = stream_new(!(flags & 1));
  return leave(e);
}
int cuStreamCreateWithPriority(void **out, unsigned flags, int priority) {
  (void)priority;
  return cuStreamCreate(out, flags);
}
int cuCtxGetStreamPriorityRange(int *least, int *greatest) { return *least = 0, *greatest = -5, OK; }

// own gives a stream that was created.
static int own(void *h, Stream **s) {
  *s = stream_of(h);
  return *s && *s != stream_of(0) ? OK : INVALID_HANDLE;
}

int cuStreamDestroy_v2(void *h) {
  int e = enter();
  Stream *s;
  if (!e) e = own(h, &s);
  if (!e) e = run_to(s, s->queued);
  if (!e) s->dead = 1;
  return leave(e);
}

static int waitable(void *h, Stream **s) {
  *s = stream_of(h);
  if (!*s) return INVALID_HANDLE;
  if (!(*s)->capture) return OK;
  (*s)->capture->invalid = 1;
  return CAPTURE_UNSUPPORTED;
}

int cuStreamSynchronize(void *h) {
  int e = enter();
  Stream *s;
  if (!e) e = waitable(h, &s);
  if (!e && s == stream_of(0)) e = put(s, (Task){.kind = OP_MARK});
  return leave(e ? e : run_to(s, s->queued));
}

// Who asks whether work is done helps it along by a piece: asking again and again comes to an end.
int cuStreamQuery(void *h) {
  int e = enter();
  Stream *s;
  if (!e) e = waitable(h, &s);
  if (!e && stream_busy(s)) e = run_to(s, s->done + 1) ? sticky : NOT_READY;
  return leave(e);
}

int cuStreamIsCapturing(void *h, int *status) {
  int e = enter();
  Stream *s = e ? 0 : stream_of(h);
  if (!e && !s) e = INVALID_HANDLE;
  if (!e) *status = !s->capture ? 0 : s->capture->invalid ? 2 : 1;
  return leave(e);
}

#define EVENT 0x6576656e74ull
static Event *spare;

Event *event_of(void *h) { return h && ((Event *)h)->magic == EVENT ? h : 0; }

int cuEventCreate(void **out, unsigned flags) {
  int e = enter();
  if (e) return leave(e);
  Event *v = spare ? spare : calloc(1, sizeof *v);
  if (spare) spare = spare->next;
  Set nodes = v->nodes;
  nodes.count = 0;
  *v = (Event){.magic = EVENT, .timing = !(flags & 2), .nodes = nodes};
  *out = v;
  return leave(OK);
}

static int behind(Event *v) { return v->recorded && !v->capture && v->point.stream->done < v->point.seq; }

int cuEventDestroy_v2(void *h) {
  int e = enter();
  Event *v = e ? 0 : event_of(h);
  if (!e && !v) e = INVALID_HANDLE;
  if (e) return leave(e);
  if (behind(v)) run_to(v->point.stream, v->point.seq);
  v->magic = 0, v->next = spare;
  spare = v;
  return leave(OK);
}

int cuEventRecord(void *h, void *hs) {
  int e = enter();
  Event *v = e ? 0 : event_of(h);
  Stream *s = e ? 0 : stream_of(hs);
  if (!e && (!v || !s)) e = INVALID_HANDLE;
  if (e) return leave(e);
  if (s->capture) return leave(capture_record(s, v));
  v->capture = 0, v->recorded = 1;
  e = put(s, (Task){.kind = OP_MARK, .event = v});
  v->point = stream_point(s);
  return leave(e);
}

// recorded gives an event that may be asked about.
static int recorded(void *h, Event **v) {
  int e = enter();
  *v = e ? 0 : event_of(h);
  if (!e && !*v) e = INVALID_HANDLE;
  if (!e && (*v)->capture) {
    (*v)->capture->invalid = 1;
    e = CAPTURED_EVENT;
  }
  return e;
}

int cuEventSynchronize(void *h) {
  Event *v;
  int e = recorded(h, &v);
  if (options.deaf) return leave(e);
  return leave(e || !v->recorded ? e : run_to(v->point.stream, v->point.seq));
}

int cuEventQuery(void *h) {
  Event *v;
  int e = recorded(h, &v);
  if (!e && behind(v)) e = run_to(v->point.stream, v->point.stream->done + 1) ? sticky : NOT_READY;
  return leave(e);
}

int cuEventElapsedTime(float *ms, void *h0, void *h1) {
  Event *a, *b;
  int e = recorded(h0, &a);
  b = e ? 0 : event_of(h1);
  if (!e && !b) e = INVALID_HANDLE;
  if (!e && (!a->recorded || !b->recorded || !a->timing || !b->timing)) e = INVALID_HANDLE;
  if (!e && (behind(a) || behind(b))) e = NOT_READY;
  if (!e) *ms = (float)(b->time - a->time);
  return leave(e);
}

int cuStreamWaitEvent(void *hs, void *h, unsigned flags) {
  int e = enter();
  Event *v = e ? 0 : event_of(h);
  Stream *s = e ? 0 : stream_of(hs);
  (void)flags;
  if (!e && (!v || !s)) e = INVALID_HANDLE;
  if (e) return leave(e);
  if (options.deaf && !v->capture && !s->capture) return leave(OK);
  if (v->capture && v->capture->ended) return leave(CAPTURED_EVENT);
  if (v->capture || s->capture) return leave(capture_wait(s, v));
  return leave(v->recorded ? stream_follow(s, v->point) : OK);
}

int cuStreamBeginCapture_v2(void *h, int mode) {
  int e = enter();
  Stream *s = e ? 0 : stream_of(h);
  if (!e && !s) e = INVALID_HANDLE;
  if (!e && s == stream_of(0)) e = CAPTURE_UNSUPPORTED;
  return leave(e ? e : capture_begin(s, mode));
}

int cuStreamEndCapture(void *h, void **out) {
  int e = enter();
  Stream *s;
  Graph *g = 0;
  if (!e) e = own(h, &s);
  if (!e) e = capture_end(s, &g);
  *out = g;
  return leave(e);
}

int cuGraphInstantiateWithFlags(void **out, void *h, unsigned long long flags) {
  int e = enter();
  Graph *g = e ? 0 : graph_of(h, 0);
  (void)flags;
  if (!e && !g) e = INVALID_VALUE;
  if (!e) *out = graph_exec(g);
  return leave(e);
}

int cuGraphGetNodes(void *h, void **nodes, size_t *n) {
  int e = enter();
  Graph *g = e ? 0 : graph_of(h, 0);
  if (!e && (!g || nodes)) e = INVALID_VALUE;
  if (!e) *n = graph_count(g);
  return leave(e);
}

int cuGraphLaunch(void *h, void *hs) {
  int e = enter();
  Graph *g = e ? 0 : graph_of(h, 1);
  Stream *s = e ? 0 : stream_of(hs);
  if (!e && (!g || !s)) e = INVALID_VALUE;
  if (!e && s->capture) e = NOT_SUPPORTED;
  return leave(e ? e : put(s, (Task){.kind = OP_GRAPH, .graph = g}));
}

int cuGraphUpload(void *h, void *hs) {
  int e = enter();
  if (!e && (!graph_of(h, 1) || !stream_of(hs))) e = INVALID_VALUE;
  return leave(e);
}

static int drop(void *h, int exec) {
  int e = enter();
  Graph *g = e ? 0 : graph_of(h, exec);
  if (!e && !g) e = INVALID_VALUE;
  if (!e) graph_drop(g);
  return leave(e);
}
int cuGraphExecDestroy(void *h) { return drop(h, 1); }
int cuGraphDestroy(void *h) { return drop(h, 0); }

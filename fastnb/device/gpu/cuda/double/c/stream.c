// Streams hold their work back until somebody waits for it, and then go no further than they must (with a
// seed: another stream's work may come in between). So work that ran in time by luck on a card is late here:
// order between streams is by events, and by the legacy default stream's rules, alone.
#include <stdlib.h>
#include <time.h>
#include "internal.h"

#define STREAM 0x73747265616dull
#define MOST 24

struct Op {
  Op *next;
  Task task;
  int ndeps;
  Point deps[MOST];
};

static Stream *streams;
static Stream legacy = {STREAM, 0, 1};
static uint64_t order;
static int depth;

Stream *stream_of(void *h) {
  if (h == 0 || h == (void *)1 || h == (void *)2) return &legacy;
  for (Stream *s = streams; s; s = s->next)
    if (s == h) return s->dead ? 0 : s;
  return 0;
}

Stream *stream_new(int blocking) {
  Stream *s = calloc(1, sizeof *s);
  *s = (Stream){STREAM, streams, blocking};
  streams = s;
  return s;
}

int stream_busy(Stream *s) { return s->done < s->queued; }
Point stream_point(Stream *s) { return (Point){s, s->queued}; }

static void depends(Op *o, Stream *s, uint64_t seq) {
  if (s->done >= seq) return;
  for (int i = 0; i < o->ndeps; i++)
    if (o->deps[i].stream == s) {
      if (o->deps[i].seq < seq) o->deps[i].seq = seq;
      return;
    }
  if (o->ndeps == MOST) run_to(s, seq);
  else o->deps[o->ndeps++] = (Point){s, seq};
}

// append queues a task that follows what the stream has, and points of others.
static void append(Stream *s, Task k, Point *after) {
  Op *o = calloc(1, sizeof *o);
  o->task = k;
  if (s == &legacy) {
    for (Stream *x = streams; x; x = x->next)
      if (x->blocking) depends(o, x, x->queued);
  } else if (s->blocking) {
    depends(o, &legacy, legacy.queued);
  }
  if (after) depends(o, after->stream, after->seq);
  if (s->tail) s->tail->next = o;
  else s->head = o;
  s->tail = o;
  s->queued++;
}

int any_capture(void) {
  for (Stream *s = streams; s; s = s->next)
    if (s->capture) return 1;
  return 0;
}

int put(Stream *s, Task k) {
  if (s->capture) return capture_put(s, k);
  if (s == &legacy) {
    for (Stream *x = streams; x; x = x->next)
      if (x->blocking && x->capture) {
        x->capture->invalid = 1;
        task_drop(&k);
        return CAPTURE_IMPLICIT;
      }
  }
  append(s, k, 0);
  return OK;
}

// stream_follow makes what is queued from now on come after a point.
int stream_follow(Stream *s, Point p) {
  append(s, (Task){.kind = OP_MARK}, &p);
  return OK;
}

static Stream *nth(uint64_t n) {
  for (Stream *s = streams; s; s = s->next)
    if (n-- == 0) return s;
  return 0;
}

// aside lets another stream go on by a piece, now and then.
static void aside(void) {
  uint64_t n = 0;
  if (!options.seed || depth > 1) return;
  for (Stream *s = streams; s; s = s->next) n++;
  if (!n || rng(&order) % 2) return;
  Stream *s = nth(rng(&order) % n);
  if (s && stream_busy(s)) run_to(s, s->done + 1);
}

int run_to(Stream *s, uint64_t seq) {
  while (s->done < seq) {
    Op *o = s->head;
    depth++;
    for (int i = 0; i < o->ndeps; i++) run_to(o->deps[i].stream, o->deps[i].seq);
    aside();
    depth--;
    if (s->head != o) continue; // aside was here
    s->head = o->next;
    if (!s->head) s->tail = 0;
    s->done++;
    if (!sticky) {
      int e = task_do(&o->task);
      if (e && !sticky) sticky = e;
    }
    task_drop(&o->task);
    free(o);
  }
  return sticky;
}

int run_all(void) {
  run_to(&legacy, legacy.queued);
  for (Stream *s = streams; s; s = s->next) run_to(s, s->queued);
  return sticky;
}

void stream_reset(void) {
  run_all();
  for (Stream *s = streams; s; s = s->next) s->dead = 1, s->capture = 0;
  order = options.seed;
}

void event_time(Event *e) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  e->time = t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static int moves(Task *k) {
  char *dst = k->dst, *src = k->held ? k->held : k->src;
  if (!dst) {
    if (!memory_ok(k->to, k->bytes)) return say("copy to memory that is not allocated"), ILLEGAL_ADDRESS;
    dst = memory_host(k->to);
  }
  if (!src) {
    if (!memory_ok(k->from, k->bytes)) return say("copy from memory that is not allocated"), ILLEGAL_ADDRESS;
    src = memory_host(k->from);
  }
  memmove(dst, src, k->bytes);
  return OK;
}

static int sets(Task *k) {
  uint64_t n = k->bytes / k->width;
  if (!memory_ok(k->to, k->bytes)) return say("memset of memory that is not allocated"), ILLEGAL_ADDRESS;
  char *p = memory_host(k->to);
  for (uint64_t i = 0; i < n; i++) memcpy(p + i * k->width, &k->value, k->width);
  return OK;
}

int task_do(Task *k) {
  switch (k->kind) {
  case OP_KERNEL: return run_launch(&k->launch);
  case OP_MOVE: return moves(k);
  case OP_SET: return sets(k);
  case OP_GRAPH: return graph_run(k->graph);
  case OP_MARK:
    if (k->event) event_time(k->event);
  }
  return OK;
}

void task_drop(Task *k) {
  free(k->launch.params);
  free(k->launch.extents);
  free(k->held);
  k->launch.params = k->held = 0;
  k->launch.extents = 0;
}

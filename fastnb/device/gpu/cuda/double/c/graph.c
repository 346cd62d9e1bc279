// Graphs: what streams are told while they are captured, as nodes that follow one another where the streams
// and their events say so. A graph runs its nodes in the order that is furthest from the one they were told
// in (with a seed: in any order) that those edges allow.
#include <pthread.h>
#include <stdlib.h>
#include "internal.h"

typedef struct { Task task; Set after; } Node;
#define GRAPH 0x6772617068ull
struct Graph {
  uint64_t magic;
  Graph *next;
  Node *nodes;
  int count, room;
  int exec, dead;
  Capture *capture;
};
static Graph *graphs;
static uint64_t order;

void set_add(Set *s, int n) {
  for (int i = 0; i < s->count; i++)
    if (s->n[i] == n) return;
  if (s->count == s->room) {
    s->room = s->room ? 2 * s->room : 4;
    s->n = realloc(s->n, s->room * sizeof *s->n);
  }
  s->n[s->count++] = n;
}

static void set_all(Set *to, Set *from) {
  for (int i = 0; i < from->count; i++) set_add(to, from->n[i]);
}

static Set *tail(Capture *c, Stream *s) {
  for (int i = 0; i < c->streams; i++)
    if (c->on[i].s == s) return &c->on[i].tail;
  return 0;
}

static Graph *graph_new(void) {
  Graph *g = calloc(1, sizeof *g);
  g->magic = GRAPH, g->next = graphs;
  graphs = g;
  return g;
}

Graph *graph_of(void *h, int exec) {
  for (Graph *g = graphs; g; g = g->next)
    if (g == h && !g->dead && g->exec == exec) return g;
  return 0;
}

static int join(Capture *c, Stream *s) {
  if (c->streams == 64) return NOT_SUPPORTED;
  c->on[c->streams].s = s;
  c->on[c->streams++].tail = (Set){0, 0, 0};
  s->capture = c;
  return OK;
}

int capture_begin(Stream *s, int mode) {
  if (s->capture) return INVALID_VALUE;
  Capture *c = calloc(1, sizeof *c);
  c->graph = graph_new();
  c->graph->capture = c;
  c->origin = s, c->mode = mode, c->thread = (unsigned long)pthread_self();
  return join(c, s);
}

int capture_put(Stream *s, Task k) {
  Capture *c = s->capture;
  if (c->invalid) {
    task_drop(&k);
    return CAPTURE_INVALIDATED;
  }
  Graph *g = c->graph;
  if (g->count == g->room) {
    g->room = g->room ? 2 * g->room : 64;
    g->nodes = realloc(g->nodes, g->room * sizeof *g->nodes);
  }
  Set *t = tail(c, s);
  Node *n = &g->nodes[g->count];
  *n = (Node){k, {0, 0, 0}};
  set_all(&n->after, t);
  t->count = 0;
  set_add(t, g->count++);
  return OK;
}

int capture_record(Stream *s, Event *e) {
  e->capture = s->capture;
  e->recorded = 1;
  e->nodes.count = 0;
  set_all(&e->nodes, tail(s->capture, s));
  return s->capture->invalid ? CAPTURE_INVALIDATED : OK;
}

// capture_wait: a stream that waits for a captured event takes part in the capture from then on.
int capture_wait(Stream *s, Event *e) {
  if (s->capture && !e->capture) {
    s->capture->invalid = 1;
    return CAPTURE_ISOLATION;
  }
  if (s->capture && s->capture != e->capture) {
    s->capture->invalid = 1;
    return CAPTURE_MERGE;
  }
  if (!s->capture) {
    int r = join(e->capture, s);
    if (r) return r;
  }
  set_all(tail(s->capture, s), &e->nodes);
  return OK;
}

// capture_end gives the graph, if every stream that took part has come back to the first.
int capture_end(Stream *s, Graph **out) {
  Capture *c = s->capture;
  if (!c) return INVALID_VALUE;
  if (c->origin != s) return CAPTURE_UNMATCHED;
  Graph *g = c->graph;
  char *seen = calloc(g->count + 1, 1);
  Set *t = tail(c, s);
  for (int i = 0; i < t->count; i++) seen[t->n[i]] = 1;
  for (int i = g->count - 1; i >= 0; i--)
    for (int k = 0; seen[i] && k < g->nodes[i].after.count; k++) seen[g->nodes[i].after.n[k]] = 1;
  int result = c->invalid ? CAPTURE_INVALIDATED : OK;
  for (int i = 0; i < g->count && !result; i++)
    if (!seen[i]) result = CAPTURE_UNJOINED;
  for (int i = 0; i < c->streams; i++) c->on[i].s->capture = 0;
  c->ended = 1;
  free(seen);
  *out = result ? 0 : g;
  return result;
}

// graph_exec makes what can be launched of a graph.
Graph *graph_exec(Graph *g) {
  Graph *x = graph_new();
  x->exec = 1, x->count = x->room = g->count;
  x->nodes = calloc(g->count + 1, sizeof *x->nodes);
  for (int i = 0; i < g->count; i++) {
    Node *n = &x->nodes[i];
    n->task = g->nodes[i].task;
    if (n->task.kind == OP_KERNEL) {
      uint32_t bytes = n->task.launch.func->kern->params;
      n->task.launch.params = malloc(bytes + 1);
      memcpy(n->task.launch.params, g->nodes[i].task.launch.params, bytes);
      if (n->task.launch.nextents) {
        n->task.launch.extents = malloc(n->task.launch.nextents * sizeof(Extent));
        memcpy(n->task.launch.extents, g->nodes[i].task.launch.extents, n->task.launch.nextents * sizeof(Extent));
      }
    }
    set_all(&n->after, &g->nodes[i].after);
  }
  return x;
}

int graph_count(Graph *g) { return g->count; }
void graph_drop(Graph *g) { g->dead = 1; }

void graph_reset(void) {
  for (Graph *g = graphs; g; g = g->next) g->dead = 1;
  order = options.seed;
}

int graph_run(Graph *g) {
  char *done = calloc(g->count + 1, 1);
  int e = OK;
  for (int left = g->count; left && !e; left--) {
    int pick = -1, ready = 0;
    for (int i = 0; i < g->count; i++) {
      Node *n = &g->nodes[i];
      int ok = !done[i];
      for (int k = 0; k < n->after.count && ok; k++) ok = done[n->after.n[k]];
      if (!ok) continue;
      ready++;
      if (!options.seed || rng(&order) % ready == 0) pick = i;
    }
    done[pick] = 1;
    e = task_do(&g->nodes[pick].task);
  }
  free(done);
  return e;
}

// capture_spoil: calls that a capture forbids, by its mode, end it and fail.
int capture_spoil(void) {
  for (Graph *g = graphs; g; g = g->next) {
    Capture *c = g->capture;
    if (!c || c->ended || c->mode == 2 || (c->mode == 1 && c->thread != (unsigned long)pthread_self())) continue;
    c->invalid = 1;
    return CAPTURE_UNSUPPORTED;
  }
  return OK;
}

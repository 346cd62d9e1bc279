// Runs a launch: blocks on the cores there are, the threads of a block in turns. A thread goes on until it has
// to meet others; when every thread of a warp stands, the warp does what it does together; when every warp
// stands, the block passes its barrier. Threads that do not all come are an error, as they are for OpenCL,
// where cards would hang or compute nonsense.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "internal.h"

typedef struct {
  Launch *launch;
  uint64_t seed, total, step, from, next;
  int error;
} Job;

static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static Job *job;          // under mu
static uint64_t round_;   // of jobs
static int at_work, team; // helpers at work, and all

uint64_t rng(uint64_t *s) {
  uint64_t z = *s += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

// A thread stops here until the scheduler lets it go on.
static void yield(Thr *t) { fiber_swap(&t->sp, WORKER(t)->back); }

static void tell(Thr *t, int error, int site, const char *why, uint64_t address, uint32_t size) {
  Worker *w = WORKER(t);
  char what[160] = "";
  if (size) snprintf(what, sizeof what, " (%u bytes at 0x%llx)", size, (unsigned long long)address);
  pthread_mutex_lock(&mu);
  say("kernel %s, block (%u,%u,%u), thread %u: %s%s\n    PTX line %d: %s", w->kern->name, w->blk.ctaid[0], w->blk.ctaid[1],
      w->blk.ctaid[2], t->id, why, what, site, func_line(w->launch->func, site));
  pthread_mutex_unlock(&mu);
  w->error = error;
}

// fault ends the block with an error, and the thread for good.
void fault(Thr *t, int error, int site, const char *why, uint64_t address, uint32_t size) {
  tell(t, error, site, why, address, size);
  fiber_swap(&t->sp, WORKER(t)->back);
  abort(); // nobody goes on with it
}

// stop is the scheduler's fault: the thread stands already.
void stop(Thr *t, int error, const char *why, uint64_t address, uint32_t size) { tell(t, error, t->site, why, address, size); }

static char *misplaced(Thr *t, uint64_t a, uint32_t n, int site, int kind) {
  const char *verb = kind == LOAD ? "load from" : kind == STORE ? "store to" : "atomic operation on";
  char why[100];
  int aligned = (a & (n - 1)) == 0;
  snprintf(why, sizeof why, "%s %s memory %s", verb, a >= LOCAL_BASE ? "local" : "shared", aligned ? "outside of it" : "at an address that is not a multiple of its size");
  fault(t, aligned ? ILLEGAL_ADDRESS : MISALIGNED_ADDRESS, site, why, a, n);
  return 0;
}

// elsewhere answers for addresses that are not plainly in global memory.
static char *elsewhere(Thr *t, uint64_t a, uint32_t n, int site, int kind, int generic) {
  if (generic && a - SHARED_BASE < WINDOW) {
    uint64_t o = a - SHARED_BASE;
    if (o + n > t->b->shared_size || (o & (n - 1))) return misplaced(t, o, n, site, kind);
    if (t->b->shadow) shadow_account(t, (uint32_t)o, n, site, kind);
    return t->b->shared + o;
  }
  if (generic && a - LOCAL_BASE < WINDOW) {
    uint64_t o = a - LOCAL_BASE;
    if (o + n > t->depot_size || (o & (n - 1))) return misplaced(t, a, n, site, kind);
    return t->depot + o;
  }
  const char *verb = kind == LOAD ? "load" : kind == STORE ? "store" : "atomic operation";
  char why[100];
  int aligned = (a & (n - 1)) == 0;
  snprintf(why, sizeof why, aligned ? "%s outside of what is allocated" : "%s at an address that is not a multiple of its size", verb);
  fault(t, aligned ? ILLEGAL_ADDRESS : MISALIGNED_ADDRESS, site, why, a, n);
  return 0;
}

static const Rt rt = {yield, fault, elsewhere, misplaced, shadow_account, async_copy, async_arrive};

static void one(void *arg) {
  Thr *t = arg;
  Worker *w = WORKER(t);
  w->kern->run(t);
  t->state = DONE;
  fiber_swap(&t->sp, w->back);
}

// Threads that never meet follow one another on one stack.
static void all(void *arg) {
  Worker *w = arg;
  uint32_t n = w->blk.ntid[0] * w->blk.ntid[1] * w->blk.ntid[2];
  for (uint32_t i = 0; i < n; i++) w->kern->run(&w->thr[w->order[i]]);
  void *nowhere;
  fiber_swap(&nowhere, w->back);
}

static void shuffle(uint16_t *p, uint32_t n, uint64_t *state) {
  for (uint32_t i = n; i > 1; i--) {
    uint32_t j = rng(state) % i;
    uint16_t x = p[i - 1];
    p[i - 1] = p[j], p[j] = x;
  }
}

// orders says who comes first from here on.
static void orders(Worker *w, uint32_t n) {
  if (!w->random) return;
  for (uint32_t a = 0; a < n; a += 32) shuffle(w->order + a, n - a < 32 ? n - a : 32, &w->random);
  shuffle(w->warps, (n + 31) / 32, &w->random);
}

static void resume(Worker *w, Thr *t) {
  t->state = DONE;
  fiber_swap(&w->back, t->sp);
}

static const char *opname(int op) {
  if (op <= OP_SHFL_BFLY) return "shfl.sync";
  if (op <= OP_VOTE_BALLOT) return "vote.sync";
  if (op == OP_WARPSYNC) return "bar.warp.sync";
  if (op >= OP_REDUX_ADD && op <= OP_REDUX_XOR) return "redux.sync";
  if (op >= OP_MMA_K8_F16 && op <= OP_MMA_K16_F16_F16) return "mma.sync";
  if (op == OP_LDMATRIX || op == OP_LDMATRIX_T) return "ldmatrix";
  if (op == OP_STMATRIX || op == OP_STMATRIX_T) return "stmatrix";
  return "match.sync";
}

// together does one thing that lanes of a warp wait for. 1: done; 0: nobody waits; -1: it cannot be done.
static int together(Worker *w, uint32_t base, uint32_t lanes) {
  Thr *lane[32];
  uint32_t waiting = 0, exist = lanes == 32 ? ~0u : (1u << lanes) - 1;
  for (uint32_t i = 0; i < lanes; i++) {
    lane[i] = &w->thr[base + i];
    if (lane[i]->state == WARP) waiting |= 1u << i;
  }
  if (!waiting) return 0;
  Thr *short_of = 0;
  int have = 0, want = 0;
  for (uint32_t left = waiting; left;) {
    Thr *t = lane[__builtin_ctz(left)];
    uint32_t members = 0;
    for (uint32_t i = 0; i < lanes; i++)
      if (lane[i]->state == WARP && lane[i]->site == t->site) members |= 1u << i;
    left &= ~members;
    uint32_t mask = t->op == OP_ACTIVEMASK ? members : t->op >= OP_MMA_K8_F16 ? t->mask : t->mask & exist;
    for (uint32_t m = members; m; m &= m - 1) {
      Thr *o = lane[__builtin_ctz(m)];
      if (t->op != OP_ACTIVEMASK && o->mask != t->mask) {
        stop(o, LAUNCH_FAILED, "threads of a warp name different members", 0, 0);
        return -1;
      }
    }
    if (mask & ~members) {
      if (!short_of) short_of = t, have = __builtin_popcount(members & mask), want = __builtin_popcount(mask);
      continue;
    }
    if (members & ~mask) {
      stop(t, LAUNCH_FAILED, "a thread that is not among the members it names", 0, 0);
      return -1;
    }
    if (t->op == OP_WARPSYNC) w->seq[base / 32]++;
    if (warp_do(lane, members, t)) return -1;
    for (uint32_t m = members; m; m &= m - 1) lane[__builtin_ctz(m)]->state = READY;
    return 1;
  }
  char why[100];
  snprintf(why, sizeof why, "divergent %s: %d of %d threads are there", opname(short_of->op), have, want);
  stop(short_of, LAUNCH_FAILED, why, 0, 0);
  return -1;
}

// barrier lets a block past, when all are there. 1: done; 0: all have ended; -1: they cannot.
static int barrier(Worker *w, uint32_t n) {
  uint32_t there = 0, ended = 0, votes = 0;
  Thr *first = 0;
  for (uint32_t i = 0; i < n; i++) {
    Thr *t = &w->thr[i];
    if (t->state == DONE) ended++;
    else if (!first) first = t;
    if (t->state == BARRIER && t->site == first->site) there++, votes += t->in[0] != 0;
  }
  if (ended == n) return 0;
  if (there != n) {
    char why[100];
    snprintf(why, sizeof why, "divergent barrier: %u of %u threads are there, %u have ended", there, n, ended);
    stop(first, LAUNCH_FAILED, why, 0, 0);
    return -1;
  }
  for (uint32_t i = 0; i < n; i++) {
    Thr *t = &w->thr[i];
    t->out[0] = t->op == OP_BAR_AND ? votes == n : t->op == OP_BAR_OR ? votes > 0 : votes;
    t->state = READY;
  }
  shadow_barrier(w);
  return 1;
}

static void meeting(Worker *w, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    fiber_new(&w->thr[i].sp, w->stacks + (size_t)(i + 1) * STACK - 64 - (i * 448) % 12288, one, &w->thr[i]);
  for (;;) {
    orders(w, n);
    for (uint32_t k = 0; k < (n + 31) / 32; k++) {
      uint32_t base = w->warps[k] * 32u, lanes = n - base < 32 ? n - base : 32;
      for (;;) {
        for (uint32_t i = 0; i < lanes; i++) {
          Thr *t = &w->thr[w->order[base + i]];
          if (t->state == READY) resume(w, t);
          if (w->error) return;
        }
        if (together(w, base, lanes) <= 0) break;
      }
      if (w->error) return;
    }
    if (barrier(w, n) <= 0) return;
  }
}

static int block(Worker *w, uint64_t k, uint64_t seed) {
  Launch *l = w->launch;
  uint32_t n = l->block[0] * l->block[1] * l->block[2];
  w->blk.ctaid[0] = k % l->grid[0], w->blk.ctaid[1] = k / l->grid[0] % l->grid[1], w->blk.ctaid[2] = k / l->grid[0] / l->grid[1];
  memset(w->blk.shared, 0xff, w->blk.shared_size);
  shadow_block(w);
  w->error = 0;
  w->random = seed ? seed * 0x2545f4914f6cdd1dull + k + 1 : 0;
  for (uint32_t i = 0; i < n; i++) {
    Thr *t = &w->thr[i];
    t->b = &w->blk;
    t->id = i, t->lane = i % 32, t->warp = i / 32;
    t->tid[0] = i % l->block[0], t->tid[1] = i / l->block[0] % l->block[1], t->tid[2] = i / l->block[0] / l->block[1];
    t->state = READY;
    t->ncopies = t->group = 0;
    w->order[i] = i;
    w->warps[i / 32] = i / 32;
  }
  if (w->kern->meets) {
    meeting(w, n);
  } else {
    orders(w, n);
    void *sp;
    fiber_new(&sp, w->stacks + STACK - 64, all, w);
    fiber_swap(&w->back, sp);
  }
  return w->error;
}

// work does blocks of the job until there are no more.
static void work(Worker *w, Job *j) {
  Launch *l = j->launch;
  w->launch = l;
  w->kern = l->func->kern;
  memcpy(w->blk.ntid, l->block, sizeof l->block);
  memcpy(w->blk.nctaid, l->grid, sizeof l->grid);
  w->blk.params = l->params;
  w->blk.shared_size = w->kern->shared + l->dynamic;
  if (w->blk.shared_size > w->shared_room) {
    free(w->blk.shared);
    w->shared_room = (w->blk.shared_size + 4095) & ~4095u;
    w->blk.shared = aligned_alloc(4096, w->shared_room);
  }
  for (;;) {
    uint64_t i = __atomic_fetch_add(&j->next, 1, __ATOMIC_RELAXED);
    if (i >= j->total || __atomic_load_n(&j->error, __ATOMIC_RELAXED)) return;
    uint64_t k = (uint64_t)(((unsigned __int128)i * j->step + j->from) % j->total);
    int e = block(w, k, j->seed), none = 0;
    if (e) __atomic_compare_exchange_n(&j->error, &none, e, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  }
}

static Worker *worker(void) {
  Worker *w = calloc(1, sizeof *w);
  w->thr = calloc(1024, sizeof *w->thr);
  w->stacks = mmap(0, (size_t)1024 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return w;
}

static void *helper(void *arg) {
  Worker *w = worker();
  uint64_t seen = 0;
  (void)arg;
  pthread_mutex_lock(&mu);
  for (;;) {
    while (!job || seen == round_) pthread_cond_wait(&changed, &mu);
    Job *j = job;
    seen = round_;
    at_work++;
    pthread_mutex_unlock(&mu);
    work(w, j);
    pthread_mutex_lock(&mu);
    if (--at_work == 0) pthread_cond_broadcast(&changed);
  }
  return 0;
}

// help starts the helpers, with no signals: those are the program's.
static void help(int want) {
  sigset_t none, old;
  sigfillset(&none);
  pthread_sigmask(SIG_SETMASK, &none, &old);
  for (; team < want; team++) {
    pthread_t p;
    if (pthread_create(&p, 0, helper, 0)) break;
    pthread_detach(p);
  }
  pthread_sigmask(SIG_SETMASK, &old, 0);
}

static uint64_t gcd(uint64_t a, uint64_t b) { return b ? gcd(b, a % b) : a; }

// pass runs all blocks once, in the order of a seed.
static int pass(Launch *l, uint64_t seed) {
  static Worker *own;
  if (!own) own = worker();
  Job j = {.launch = l, .seed = seed, .total = (uint64_t)l->grid[0] * l->grid[1] * l->grid[2], .step = 1};
  if (seed) {
    uint64_t s = seed;
    for (j.step = rng(&s) % j.total | 1; gcd(j.step, j.total) != 1; j.step++) {}
    j.from = rng(&s) % j.total;
  }
  // Where blocks meet in atomic operations, one after the other: sums are the same each time.
  int help_wanted = j.total >= 4 && !l->func->kern->atomics ? options.threads - 1 : 0;
  if (help_wanted > 0) {
    help(help_wanted);
    pthread_mutex_lock(&mu);
    job = &j, round_++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mu);
  }
  work(own, &j);
  if (help_wanted > 0) {
    pthread_mutex_lock(&mu);
    job = 0;
    while (at_work) pthread_cond_wait(&changed, &mu);
    pthread_mutex_unlock(&mu);
  }
  return j.error;
}

static char *snapshot(void) {
  uint64_t n = 0;
  for (Alloc *a = allocs; a; a = a->next) n += a->bytes;
  char *s = malloc(n + 1), *p = s;
  for (Alloc *a = allocs; a; p += a->bytes, a = a->next) memcpy(p, memory_host(a->at), a->bytes);
  return s;
}

// twice runs a launch in two orders: results that differ are a race between threads or blocks.
static int twice(Launch *l) {
  char *before = snapshot();
  int e = pass(l, options.seed);
  char *p = before, *after = e ? 0 : snapshot();
  if (!e) {
    for (Alloc *a = allocs; a; p += a->bytes, a = a->next) memcpy(memory_host(a->at), p, a->bytes);
    e = pass(l, options.seed * 7 + 0x5eed);
    p = after;
    for (Alloc *a = allocs; a && !e; p += a->bytes, a = a->next) {
      if (!memcmp(memory_host(a->at), p, a->bytes)) continue;
      say("kernel %s: two orders of its threads give two results: they race", l->func->name);
      e = LAUNCH_FAILED;
    }
  }
  free(before), free(after);
  return e;
}

int run_launch(Launch *l) {
  int e = func_ready(l->func);
  if (e) return e;
  l->func->kern->bind(&rt);
  if (l->nextents) memory_only(l->extents, l->nextents);
  e = options.twice && !l->func->kern->atomics ? twice(l) : pass(l, options.seed);
  if (l->nextents) memory_all();
  return e;
}

// What the files of the double share among themselves.
#ifndef FASTNB_INTERNAL_H
#define FASTNB_INTERNAL_H
#include <stddef.h>
#include <stdint.h>
#include "kernel.h"

// The driver's errors, by its numbers.
enum {
  OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, DEINITIALIZED = 4, NO_DEVICE = 100, INVALID_DEVICE = 101,
  INVALID_CONTEXT = 201, NO_BINARY_FOR_GPU = 209, INVALID_PTX = 218, UNSUPPORTED_PTX_VERSION = 222, INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600,
  ILLEGAL_ADDRESS = 700, LAUNCH_OUT_OF_RESOURCES = 701, MISALIGNED_ADDRESS = 716, LAUNCH_FAILED = 719, NOT_SUPPORTED = 801,
  CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, CAPTURE_MERGE = 902, CAPTURE_UNMATCHED = 903, CAPTURE_UNJOINED = 904,
  CAPTURE_ISOLATION = 905, CAPTURE_IMPLICIT = 906, CAPTURED_EVENT = 907,
};

// Options come from the environment (FASTNB_DOUBLE_SEED and so on), or from doubleConfigure.
typedef struct {
  uint64_t seed;     // 0: in order; else blocks, warps, lanes and streams are shuffled
  int check;         // keep account of shared memory
  int twice;         // run every launch in two orders and compare
  int threads;       // at most so many run blocks
  int quiet;         // do not write to stderr
  int major, minor;  // compute capability
  uint64_t memory;   // bytes
  int deaf;          // nobody waits for events: a mistake for tests to find
  char edit[512];    // "ENTRY: FROM => TO #N": another, in the N-th place of an entry's PTX where FROM is
} Options;
extern Options options;

// say keeps the words of the first error for doubleError, and writes them to stderr.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int enter(void);           // takes the lock; an error where the context cannot be used
int enter_any(void);       // the same, without a context
int leave(int result);     // gives it back
extern int sticky;         // the error that killed the context, or 0

uint64_t rng(uint64_t *state);

// memory.c
int memory_init(void);
void memory_reset(void);
uint64_t memory_alloc(uint64_t bytes); // 0 where there is no room
int memory_free(uint64_t address);
int memory_ok(uint64_t address, uint64_t bytes);
char *memory_host(uint64_t address);
typedef struct { uint64_t at, bytes; } Extent;
void memory_only(Extent *e, int n); // until memory_all, kernels may touch these stretches and variables only
void memory_all(void);
void memory_module(uint64_t address);
uint64_t memory_used(void);
void pin(void *p, uint64_t bytes);
int unpin(void *p);
int pinned(const void *p, uint64_t bytes);
typedef struct Alloc Alloc;
struct Alloc { uint64_t at, bytes; Alloc *next; int module; };
extern Alloc *allocs;

// module.c
typedef struct Module Module;
typedef struct Func Func;
struct Func {
  Func *next;
  Module *module;
  const char *name;
  char *text;              // of the entry
  int line;                // where it begins in what is compiled
  Kern *kern;              // compiled when first launched
  uint32_t dynamic;        // the most dynamic shared memory that was asked for
};
int func_ready(Func *f);   // compiles it
const char *func_line(Func *f, int line);
int func_ok(Func *f);
void module_reset(void);

// run.c
typedef struct {
  Func *func;
  uint32_t grid[3], block[3], dynamic;
  char *params;
  Extent *extents; // what it may touch, where that was said
  int nextents;
} Launch;
int run_launch(Launch *l); // gives an error of the driver

typedef struct Shadow Shadow;
typedef struct {
  Blk blk; // first: a Thr knows its Blk, and so its Worker
  Launch *launch;
  Kern *kern;
  Thr *thr;
  char *stacks;
  void *back;            // the scheduler's stack while a thread runs
  int error;             // of the block
  uint64_t random;
  uint16_t order[1024];  // of threads, warp by warp
  uint16_t warps[32];
  Shadow *shadow;
  uint32_t shadow_room, epoch, first, seq[32];
  uint32_t shared_room;
} Worker;
#define WORKER(t) ((Worker *)(t)->b)
void fault(Thr *t, int error, int site, const char *why, uint64_t address, uint32_t size); // from a thread
void stop(Thr *t, int error, const char *why, uint64_t address, uint32_t size);            // from the scheduler

// fiber.c
#define STACK (64 << 10)
void fiber_new(void **sp, char *top, void (*f)(void *), void *arg);
void fiber_swap(void **save, void *to);

// warp.c
int warp_do(Thr **lane, uint32_t members, Thr *first); // what a warp does together

// shadow.c
void shadow_block(Worker *w);
void shadow_barrier(Worker *w);
void shadow_account(Thr *t, uint32_t address, uint32_t size, int site, int kind);

// async.c
void async_copy(Thr *t, uint32_t dst, uint64_t src, uint32_t size, uint32_t from, int site);
void async_arrive(Thr *t, uint32_t left, int all);

// stream.c
typedef struct Stream Stream;
typedef struct Op Op;
typedef struct { Stream *stream; uint64_t seq; } Point; // of a stream's work
typedef struct { char *at; uint64_t device, bytes; } Side; // of a copy: at is the host's, or none
enum { OP_KERNEL, OP_MOVE, OP_SET, OP_MARK, OP_GRAPH };
typedef struct Event Event;
typedef struct Graph Graph;
// Task is a piece of work, in a stream or in a graph.
typedef struct {
  int kind;
  Launch launch;
  char *dst, *src, *held; // the host's sides; held was copied when it was queued
  uint64_t to, from, bytes;
  uint32_t value, width;
  Event *event;
  Graph *graph;
} Task;
int task_do(Task *k);
void task_drop(Task *k);
int put(Stream *s, Task k); // queues, or adds to what is being captured
int run_all(void);
int run_to(Stream *s, uint64_t seq);
Stream *stream_of(void *handle); // 0 where it is none
int stream_busy(Stream *s);
Point stream_point(Stream *s);
void stream_reset(void);
void event_time(Event *e);
int any_capture(void);
struct Capture;
struct Stream {
  uint64_t magic;
  Stream *next;
  int blocking, dead;
  Op *head, *tail;
  uint64_t queued, done;
  struct Capture *capture;
};

// graph.c
typedef struct { int *n, count, room; } Set; // of nodes
typedef struct Capture {
  Graph *graph;
  Stream *origin;
  int mode, invalid, ended;
  unsigned long thread; // that began it
  int streams;
  struct { Stream *s; Set tail; } on[64];
} Capture;
int capture_put(Stream *s, Task k);
int capture_wait(Stream *s, Event *e);
int capture_record(Stream *s, Event *e);
int graph_run(Graph *g);
void set_add(Set *s, int n);
struct Event {
  uint64_t magic;
  Event *next;
  int timing, recorded;
  Point point;
  double time;
  Capture *capture; // it was recorded in
  Set nodes;
};
Event *event_of(void *handle);

#endif

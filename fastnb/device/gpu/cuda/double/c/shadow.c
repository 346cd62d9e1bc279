// The account of shared memory: who wrote and read each byte last, and since which barrier. Words of four bytes
// that are accessed as a whole have one entry; a word has one for each byte from the first smaller access on. What was never
// written in this block is not to be read, nor what cp.async has yet to fill; what one thread writes, another
// touches only with a barrier between them (bar.warp.sync will do within a warp).
#include <stdio.h>
#include <stdlib.h>
#include "internal.h"

struct Shadow {
  uint32_t wrote, wrote_seq;         // epoch of the last write
  uint32_t read, read_seq;           // of the last reads
  uint16_t writer, reader, second;   // second: a reader of another warp than reader's
  uint8_t atomic, pending, several, two; // several: more readers in reader's warp since read_seq; two: second is one
  uint32_t split;                        // the block, by its first epoch, in which this word has entries for its bytes
};

// shadow_block begins anew; numbers of epochs do not come again, so nothing has to be cleared.
void shadow_block(Worker *w) {
  w->blk.shadow = 0;
  if (!options.check || !w->blk.shared_size) return;
  if (w->shadow_room < w->blk.shared_size || w->epoch > 0xf0000000u) {
    free(w->shadow);
    w->shadow_room = (w->blk.shared_size + 4095) & ~4095u;
    w->shadow = calloc(w->shadow_room + w->shadow_room / 4, sizeof *w->shadow); // bytes, and words behind them
    w->epoch = 0;
  }
  w->blk.shadow = w->shadow;
  w->first = ++w->epoch;
  memset(w->seq, 0, sizeof w->seq);
}

void shadow_barrier(Worker *w) {
  w->epoch++;
  memset(w->seq, 0, sizeof w->seq);
}

// meets says whether thread o's touch at (epoch, seq) and t's now have nothing between them.
static int meets(Worker *w, Thr *t, uint32_t o, uint32_t epoch, uint32_t seq) {
  return epoch == w->epoch && o != t->id && (o / 32 != t->warp || seq == w->seq[t->warp]);
}

static void race(Thr *t, uint32_t a, int site, const char *how, uint32_t other) {
  char why[120];
  snprintf(why, sizeof why, "race in shared memory: %s thread %u without a barrier between them", how, other);
  fault(t, LAUNCH_FAILED, site, why, a, 1);
}

static void reads(Worker *w, Thr *t, Shadow *s, uint32_t a, int site) {
  if (s->wrote < w->first) fault(t, LAUNCH_FAILED, site, "read of shared memory that nobody has written", a, 1);
  if (s->pending) fault(t, LAUNCH_FAILED, site, "read of shared memory that cp.async has yet to fill", a, 1);
  if (meets(w, t, s->writer, s->wrote, s->wrote_seq)) race(t, a, site, "reads what was written by", s->writer);
  if (s->read != w->epoch) {
    s->read = w->epoch, s->read_seq = w->seq[t->warp], s->reader = t->id, s->several = s->two = 0;
  } else if (s->reader / 32 == t->warp) {
    if (s->read_seq != w->seq[t->warp]) s->read_seq = w->seq[t->warp], s->reader = t->id, s->several = 0;
    else if (s->reader != t->id) s->several = 1;
  } else if (!s->two) {
    s->two = 1, s->second = t->id;
  }
}

static void writes(Worker *w, Thr *t, Shadow *s, uint32_t a, int site, int kind) {
  if (s->wrote >= w->first && !(kind == ATOMIC && s->atomic) && meets(w, t, s->writer, s->wrote, s->wrote_seq))
    race(t, a, site, "writes over what was written by", s->writer);
  if (s->pending && s->wrote >= w->first && kind != ARRIVED) fault(t, LAUNCH_FAILED, site, "write to shared memory that cp.async has yet to fill", a, 1);
  if (s->read == w->epoch) {
    if (meets(w, t, s->reader, s->read, s->read_seq)) race(t, a, site, "writes over what is read by", s->reader);
    if (s->several && s->reader == t->id && s->read_seq == w->seq[t->warp]) race(t, a, site, "writes over what is read by another lane of the warp of", t->id);
    if (s->two && s->second / 32 != t->warp) race(t, a, site, "writes over what is read by", s->second);
  }
  s->wrote = w->epoch, s->wrote_seq = w->seq[t->warp], s->writer = t->id;
  s->atomic = kind == ATOMIC, s->pending = kind == ASYNC;
}

static void touch(Worker *w, Thr *t, Shadow *s, uint32_t a, int site, int kind) {
  if (kind == LOAD) {
    reads(w, t, s, a, site);
    return;
  }
  if (kind == ATOMIC && s->wrote < w->first) fault(t, LAUNCH_FAILED, site, "atomic operation on shared memory that nobody has written", a, 1);
  writes(w, t, s, a, site, kind);
}

void shadow_account(Thr *t, uint32_t a, uint32_t n, int site, int kind) {
  Worker *w = WORKER(t);
  Shadow *words = w->shadow + w->shadow_room;
  for (uint32_t end = a + n; a < end;) {
    Shadow *s = &words[a / 4];
    if (n >= 4 && s->split != w->first) {
      touch(w, t, s, a, site, kind);
      a += 4;
      continue;
    }
    if (s->split != w->first) {
      for (uint32_t k = 0; k < 4; k++) w->shadow[(a & ~3u) + k] = *s;
      s->split = w->first;
    }
    touch(w, t, &w->shadow[a], a, site, kind);
    a++;
  }
}

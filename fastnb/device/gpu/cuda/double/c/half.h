// Numbers of 16 bits, and back.
#ifndef FASTNB_HALF_H
#define FASTNB_HALF_H
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float bf(uint32_t u) { float f; memcpy(&f, &u, 4); return f; }
static inline uint32_t fb(float f) { uint32_t u; memcpy(&u, &f, 4); return u; }
static inline double bd(uint64_t u) { double f; memcpy(&f, &u, 8); return f; }
static inline uint64_t db(double f) { uint64_t u; memcpy(&u, &f, 8); return u; }

static inline float h2f(uint16_t h) { _Float16 x; memcpy(&x, &h, 2); return (float)x; }
static inline uint16_t f2h(float f) { _Float16 x = (_Float16)f; uint16_t h; memcpy(&h, &x, 2); return f != f ? 0x7fff : h; }
static inline uint16_t d2h(double f) { _Float16 x = (_Float16)f; uint16_t h; memcpy(&h, &x, 2); return f != f ? 0x7fff : h; }
static inline float b2f(uint16_t h) { return bf((uint32_t)h << 16); }
static inline uint16_t f2b(float f) {
  uint32_t u = fb(f);
  if (f != f) return 0x7fff;
  return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}
// A double is brought to bfloat16 by way of a float that keeps what was cut off in its last bit.
static inline float odd(double d) {
  float f = (float)d;
  uint32_t u = fb(f);
  if (isnan(d) || isinf(f) || (double)f == d || (u & 1)) return f;
  if (f != 0 && (fabs((double)f) > fabs(d))) return bf(u - 1);
  return bf(u | 1);
}
static inline uint16_t d2b(double d) { return f2b(odd(d)); }
// Towards zero.
static inline uint16_t f2b_rz(float f) { return f != f ? 0x7fff : (uint16_t)(fb(f) >> 16); }
static inline uint16_t f2h_rz(float f) {
  uint16_t h = f2h(f);
  if (f == f && !isinf(f) && fabsf(h2f(h)) > fabsf(f)) h--;
  return h;
}
#endif

// The instructions of PTX that C has no operator for.
#include "half.h"

// Rounding to float in a direction: s is the sum in double precision, e what it lacks. m: 'm' down, 'p' up, 'z' to zero.
static inline float toward(double s, double e, int m) {
  float f = (float)s;
  if (isnan(s) || isinf(s)) return f;
  if (m == 'z') m = s > 0 || (s == 0 && e > 0) ? 'm' : 'p';
  if (m == 'm' && ((double)f > s || ((double)f == s && e < 0))) return nextafterf(f, -INFINITY);
  if (m == 'p' && ((double)f < s || ((double)f == s && e > 0))) return nextafterf(f, INFINITY);
  return f;
}
static inline float fma_to(float a, float b, float c, int m) {
  double p = (double)a * b, s = p + c, v = s - p;
  return toward(s, (p - (s - v)) + ((double)c - v), m);
}
static inline float add_to(float a, float b, int m) { return fma_to(a, 1, b, m); }
static inline float mul_to(float a, float b, int m) { return toward((double)a * b, 0, m); }
static inline float div_to(float a, float b, int m) {
  double q = (double)a / b;
  return toward(q, fma(-q, b, a) * (b < 0 ? -1 : 1), m);
}
static inline float sqrt_to(float a, int m) { double q = sqrt((double)a); return toward(q, fma(-q, q, (double)a), m); }
static inline float sat(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
static inline double satd(double x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
static inline float ftz(float x) { return fabsf(x) < 1.17549435e-38f ? copysignf(0, x) : x; }
static inline float max_nan(float a, float b) { return a != a || b != b ? bf(0x7fffffff) : fmaxf(a, b); }
static inline float min_nan(float a, float b) { return a != a || b != b ? bf(0x7fffffff) : fminf(a, b); }
static inline uint32_t tf32_rna(float f) { uint32_t u = fb(f); return f != f || isinf(f) ? u : (u + 0x1000) & 0xffffe000; }
static inline float sin_approx(float x) { return (float)sin((double)x); }
static inline float cos_approx(float x) { return (float)cos((double)x); }

// Numbers to whole numbers: NaN is zero, what is too large the largest.
#define TO_INT(name, type, low, high) \
  static inline type name(double x) { return x != x ? 0 : x <= (double)(low) ? (low) : x >= (double)(high) ? (high) : (type)x; }
TO_INT(to_s8, int8_t, INT8_MIN, INT8_MAX)
TO_INT(to_u8, uint8_t, 0, UINT8_MAX)
TO_INT(to_s16, int16_t, INT16_MIN, INT16_MAX)
TO_INT(to_u16, uint16_t, 0, UINT16_MAX)
TO_INT(to_s32, int32_t, INT32_MIN, INT32_MAX)
TO_INT(to_u32, uint32_t, 0, UINT32_MAX)
TO_INT(to_s64, int64_t, INT64_MIN, INT64_MAX)
TO_INT(to_u64, uint64_t, 0, UINT64_MAX)

#define CLAMP(name, from, type, low, high) \
  static inline type name(from x) { return x < (from)(low) ? (low) : x > (from)(high) ? (high) : (type)x; }
CLAMP(clamp_s8, int64_t, int8_t, INT8_MIN, INT8_MAX)
CLAMP(clamp_u8, int64_t, uint8_t, 0, UINT8_MAX)
CLAMP(clamp_s16, int64_t, int16_t, INT16_MIN, INT16_MAX)
CLAMP(clamp_u16, int64_t, uint16_t, 0, UINT16_MAX)
CLAMP(clamp_s32, int64_t, int32_t, INT32_MIN, INT32_MAX)
CLAMP(clamp_u32, int64_t, uint32_t, 0, UINT32_MAX)
CLAMP(clamp_s64, int64_t, int64_t, INT64_MIN, INT64_MAX)

// Division by zero gives ones, as the card does.
static inline int32_t div_s32(int32_t a, int32_t b) { return b == 0 ? -1 : b == -1 ? (int32_t)(0u - (uint32_t)a) : a / b; }
static inline uint32_t div_u32(uint32_t a, uint32_t b) { return b ? a / b : ~0u; }
static inline int64_t div_s64(int64_t a, int64_t b) { return b == 0 ? -1 : b == -1 ? (int64_t)(0ull - (uint64_t)a) : a / b; }
static inline uint64_t div_u64(uint64_t a, uint64_t b) { return b ? a / b : ~0ull; }
static inline int32_t rem_s32(int32_t a, int32_t b) { return b == 0 ? a : b == -1 ? 0 : a % b; }
static inline uint32_t rem_u32(uint32_t a, uint32_t b) { return b ? a % b : a; }
static inline int64_t rem_s64(int64_t a, int64_t b) { return b == 0 ? a : b == -1 ? 0 : a % b; }
static inline uint64_t rem_u64(uint64_t a, uint64_t b) { return b ? a % b : a; }
static inline int16_t div_s16(int16_t a, int16_t b) { return (int16_t)div_s32(a, b); }
static inline uint16_t div_u16(uint16_t a, uint16_t b) { return b ? a / b : 0xffff; }
static inline int16_t rem_s16(int16_t a, int16_t b) { return (int16_t)rem_s32(a, b); }
static inline uint16_t rem_u16(uint16_t a, uint16_t b) { return b ? a % b : a; }

// Shifts by more than the width.
static inline uint16_t shl_16(uint16_t a, uint32_t n) { return n > 15 ? 0 : (uint16_t)(a << n); }
static inline uint32_t shl_32(uint32_t a, uint32_t n) { return n > 31 ? 0 : a << n; }
static inline uint64_t shl_64(uint64_t a, uint32_t n) { return n > 63 ? 0 : a << n; }
static inline uint16_t shr_u16(uint16_t a, uint32_t n) { return n > 15 ? 0 : a >> n; }
static inline uint32_t shr_u32(uint32_t a, uint32_t n) { return n > 31 ? 0 : a >> n; }
static inline uint64_t shr_u64(uint64_t a, uint32_t n) { return n > 63 ? 0 : a >> n; }
static inline int16_t shr_s16(int16_t a, uint32_t n) { return a >> (n > 15 ? 15 : n); }
static inline int32_t shr_s32(int32_t a, uint32_t n) { return a >> (n > 31 ? 31 : n); }
static inline int64_t shr_s64(int64_t a, uint32_t n) { return a >> (n > 63 ? 63 : n); }
static inline uint32_t shf_l(uint32_t lo, uint32_t hi, uint32_t n) { return n == 0 ? hi : n > 31 ? lo : hi << n | lo >> (32 - n); }
static inline uint32_t shf_r(uint32_t lo, uint32_t hi, uint32_t n) { return n == 0 ? lo : n > 31 ? hi : hi << (32 - n) | lo >> n; }

static inline uint32_t prmt(uint32_t a, uint32_t b, uint32_t s) {
  uint64_t both = (uint64_t)b << 32 | a;
  uint32_t r = 0;
  for (int i = 0; i < 4; i++) {
    uint32_t k = s >> (4 * i), v = (uint32_t)(both >> (8 * (k & 7))) & 0xff;
    if (k & 8) v = v & 0x80 ? 0xff : 0;
    r |= v << (8 * i);
  }
  return r;
}
static inline uint32_t lop3(uint32_t a, uint32_t b, uint32_t c, int lut) {
  uint32_t r = 0;
  for (int i = 0; i < 8; i++)
    if (lut >> i & 1) r |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
  return r;
}
static inline uint64_t bfe_u(uint64_t a, uint32_t pos, uint32_t len, uint32_t width) {
  pos &= 255, len &= 255;
  if (pos >= width || len == 0) return 0;
  a >>= pos;
  return len >= 64 ? a : a & ((1ull << len) - 1);
}
static inline int64_t bfe_s(uint64_t a, uint32_t pos, uint32_t len, uint32_t width) {
  pos &= 255, len &= 255;
  if (len == 0) return 0;
  uint32_t top = pos + len - 1 < width - 1 ? pos + len - 1 : width - 1;
  int sign = a >> top & 1;
  uint64_t v = pos >= width ? 0 : a >> pos;
  uint32_t have = pos >= width ? 0 : top - pos + 1;
  if (have < 64) v = (v & ((1ull << have) - 1)) | (sign ? ~0ull << have : 0);
  return (int64_t)v;
}
static inline uint64_t bfi(uint64_t a, uint64_t b, uint32_t pos, uint32_t len, uint32_t width) {
  pos &= 255, len &= 255;
  if (pos >= width || len == 0) return b;
  uint64_t m = (len >= 64 ? ~0ull : (1ull << len) - 1) << pos;
  return (b & ~m) | (a << pos & m);
}
static inline uint32_t brev32(uint32_t v) { uint32_t r = 0; for (int i = 0; i < 32; i++) r |= (v >> i & 1) << (31 - i); return r; }
static inline uint64_t brev64(uint64_t v) { uint64_t r = 0; for (int i = 0; i < 64; i++) r |= (v >> i & 1) << (63 - i); return r; }
static inline uint32_t clz32(uint32_t v) { return v ? (uint32_t)__builtin_clz(v) : 32; }
static inline uint32_t clz64(uint64_t v) { return v ? (uint32_t)__builtin_clzll(v) : 64; }
static inline uint32_t bfind_u(uint64_t v) { return v ? 63u - (uint32_t)__builtin_clzll(v) : ~0u; }
static inline uint32_t bfind_s(int64_t v) { return bfind_u((uint64_t)(v < 0 ? ~v : v)); }
static inline uint64_t mulhi_u64(uint64_t a, uint64_t b) { return (uint64_t)((unsigned __int128)a * b >> 64); }
static inline int64_t mulhi_s64(int64_t a, int64_t b) { return (int64_t)((__int128)a * b >> 64); }
static inline uint32_t dp4a(uint32_t a, uint32_t b, uint32_t c, int as, int bs) {
  for (int i = 0; i < 4; i++) {
    int32_t x = as ? (int8_t)(a >> 8 * i) : (uint8_t)(a >> 8 * i), y = bs ? (int8_t)(b >> 8 * i) : (uint8_t)(b >> 8 * i);
    c += (uint32_t)(x * y);
  }
  return c;
}

// Pairs of 16 bits: lo and hi by themselves.
#define PAIR(lo, hi) ((uint32_t)(uint16_t)(lo) | (uint32_t)(uint16_t)(hi) << 16)
#define LO16(x) ((uint16_t)(x))
#define HI16(x) ((uint16_t)((x) >> 16))
static inline double relu(double x) { return x > 0 ? x : x == x ? 0 : x; }

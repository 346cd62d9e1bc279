// What a warp does together, and cp.async.
typedef unsigned int uint;
#define K extern "C" __global__ void
#define FULL 0xffffffffu
K shuffles(const uint *a, uint *o, int width) {
  int t = threadIdx.x; uint v = a[t]; uint *p = o + t * 8;
  p[0] = __shfl_sync(FULL, v, t * 5 % 32, width); p[1] = __shfl_up_sync(FULL, v, 3, width); p[2] = __shfl_down_sync(FULL, v, 5, width); p[3] = __shfl_xor_sync(FULL, v, 9, width);
  uint r; asm volatile("{ .reg .pred q; .reg .u32 x; shfl.sync.down.b32 x|q,%1,20,31,-1; selp.u32 %0,1,0,q; }" : "=r"(r) : "r"(v)); p[4] = r;
  uint s = v; for (int k = 16; k; k >>= 1) s += __shfl_xor_sync(FULL, s, k); p[5] = s;
  p[6] = t % 32 < 16 ? __shfl_sync(0xffffu, v, 3) : __shfl_sync(0xffff0000u, v, 20); // two halves by themselves
  p[7] = 0;
}
K votes(const uint *a, uint *o) {
  int t = threadIdx.x; uint v = a[t], *p = o + t * 8;
  p[0] = __ballot_sync(FULL, v & 1); p[1] = __all_sync(FULL, v & 1); p[2] = __any_sync(FULL, v > 100);
  if (v & 1) p[3] = __activemask(); else p[3] = __activemask();
  p[4] = __syncthreads_count(v & 1); p[5] = __syncthreads_or(v > 100000); p[6] = __syncthreads_and(v < 100000); p[7] = __match_any_sync(FULL, v % 3);
}
K reduces(const int *a, uint *o) {
  int v = a[threadIdx.x]; uint r, *p = o + threadIdx.x * 8;
#define R(i, text) asm volatile("redux.sync." text " %0,%1,-1;" : "=r"(r) : "r"(v)); p[i] = r;
  R(0, "add.u32") R(1, "min.s32") R(2, "max.s32") R(3, "min.u32") R(4, "max.u32") R(5, "and.b32") R(6, "or.b32") R(7, "xor.b32")
}
#define CP(dst, src, n, from) asm volatile("cp.async.ca.shared.global [%0],[%1]," #n ",%2;" :: "r"((uint)__cvta_generic_to_shared(dst)), "l"(src), "r"(from) : "memory");
#define CP16(dst, src) asm volatile("cp.async.cg.shared.global.L2::128B [%0],[%1],16;" :: "r"((uint)__cvta_generic_to_shared(dst)), "l"(src) : "memory");
#define COMMIT asm volatile("cp.async.commit_group;" ::: "memory");
#define WAIT(n) asm volatile("cp.async.wait_group %0;" :: "n"(n) : "memory");
K pipeline(const float *a, float *o, int steps) { // three stages, sums of what arrives
  __shared__ __align__(16) float s[3][128];
  int t = threadIdx.x; float sum = 0;
  for (int k = 0; k < 2; k++) { if (k < steps) CP16(&s[k][t * 4], a + k * 128 + t * 4) COMMIT }
  for (int k = 0; k < steps; k++) {
    WAIT(1)
    __syncthreads();
    if (k + 2 < steps) CP16(&s[(k + 2) % 3][t * 4], a + (k + 2) * 128 + t * 4)
    COMMIT
    for (int i = 0; i < 4; i++) sum += s[k % 3][(t * 4 + i + 64) % 128];
  }
  o[t] = sum;
}
K zero_fill(const float *a, float *o, int n) { // 4, 8 and 16 bytes, what is beyond n zero
  __shared__ __align__(16) float s[32 * 8];
  int t = threadIdx.x, left = n - t * 4;
  CP(&s[t * 4], a + t * 4, 16, left >= 4 ? 16 : left > 0 ? left * 4 : 0)
  CP(&s[128 + t * 2], a + t * 2, 8, 8) CP(&s[192 + t], a + t, 4, t < 5 ? 4 : 0)
  asm volatile("cp.async.wait_all;" ::: "memory");
  __syncthreads();
  for (int i = t; i < 224; i += 32) o[i] = s[i];
}

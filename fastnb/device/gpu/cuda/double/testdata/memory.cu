// Memory of every space, vectors, atomics, and ways through a kernel.
typedef unsigned int uint; typedef unsigned long long ull; typedef unsigned char u8; typedef signed char s8;
#define K extern "C" __global__ void
struct f4 { float x, y, z, w; };
K vectors(const float *a, float *b, int n) { // float4 and float2 in and out, through shared memory
  __shared__ __align__(16) float s[256];
  int t = threadIdx.x, i = (blockIdx.x * blockDim.x + t) * 4;
  float x, y, z, w;
  if (i < n) asm volatile("ld.global.nc.v4.f32 {%0,%1,%2,%3},[%4];" : "=f"(x), "=f"(y), "=f"(z), "=f"(w) : "l"(a + i)); else x = y = z = w = 0;
  uint at = (uint)__cvta_generic_to_shared(s + t * 4);
  asm volatile("st.shared.v2.f32 [%0],{%1,%2};" :: "r"(at), "f"(x), "f"(y)); asm volatile("st.shared.v2.f32 [%0+8],{%1,%2};" :: "r"(at), "f"(z), "f"(w));
  __syncthreads();
  uint from = (uint)__cvta_generic_to_shared(s + (t ^ 1) * 4);
  asm volatile("ld.shared.v4.f32 {%0,%1,%2,%3},[%4];" : "=f"(x), "=f"(y), "=f"(z), "=f"(w) : "r"(from));
  if (i < n) asm volatile("st.global.v4.f32 [%0],{%1,%2,%3,%4};" :: "l"(b + i), "f"(w), "f"(z), "f"(y), "f"(x) : "memory");
}
K small(const u8 *a, const s8 *b, const unsigned short *h, short *o, long long *l, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) { o[i] = (short)(a[i] + b[i]) * (short)h[i]; l[i] = (long long)b[i] * h[i] - a[i]; }
}
__constant__ int primes[8] = {2, 3, 5, 7, 11, 13, 17, 19};
__device__ uint counter = 40;
K constants(int *o) { o[threadIdx.x] = primes[threadIdx.x % 8] * (threadIdx.x / 8 + 1); atomicAdd(&counter, 1u); }
K counted(uint *o) { if (threadIdx.x == 0) o[0] = counter; }
K local(const int *a, int *o, int n) { // an array that is indexed as it comes
  int v[16];
  for (int i = 0; i < 16; i++) v[i] = a[i] * (threadIdx.x + 1);
  int s = 0;
  for (int i = 0; i < n; i++) { s = (s * 31 + v[(s & 15)]) & 0xffff; v[s & 15] += i; }
  o[threadIdx.x] = s;
}
struct args { int a; float b; long long c; short d[3]; };
K structs(args p, float *o, f4 q) { o[threadIdx.x] = p.a + p.b + (float)p.c + p.d[threadIdx.x % 3] + (threadIdx.x % 2 ? q.x : q.w); }
K dynamic(const float *a, float *o) { // static and dynamic shared memory
  extern __shared__ float d[];
  __shared__ float s[32];
  int t = threadIdx.x;
  if (t < 32) s[t] = 0;
  __syncthreads();
  d[t] = a[t]; __syncthreads();
  o[t] = d[blockDim.x - 1 - t] + s[t % 32];
}
K generic(float *o, int n) { // a pointer that may be of either space
  __shared__ float s[64];
  s[threadIdx.x] = threadIdx.x; __syncthreads();
  float *p = n > 3 ? s : o;
  volatile float *q = p + threadIdx.x;
  o[threadIdx.x + 64] = *q;
}
K atomics(uint *u, float *f, ull *l, int *cas) {
  __shared__ float sf; __shared__ uint su;
  if (threadIdx.x == 0) { sf = 0; su = 0; }
  __syncthreads();
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(u, 3u); atomicMax(u + 1, (uint)i * 7 % 1000); atomicMin(u + 2, (uint)i * 7 % 1000 + 5); atomicOr(u + 3, 1u << (i & 31)); atomicXor(u + 4, (uint)i); atomicInc(u + 5, 9u); atomicExch(u + 6, 5u); atomicAnd(u + 7, ~(1u << (i & 15)));
  atomicAdd(f, 0.5f); atomicAdd(l, (ull)i << 20); atomicAdd(&sf, 1.0f); atomicAdd(&su, (uint)i);
  asm volatile("red.global.add.f32 [%0], 0f3E800000;" :: "l"(f + 1));
  asm volatile("red.global.add.noftz.f16x2 [%0], %1;" :: "l"(u + 8), "r"(0x3c004000));
  int old = *cas, seen;
  do { seen = old; old = atomicCAS(cas, seen, seen + 2); } while (old != seen);
  __syncthreads();
  if (threadIdx.x == 0) { atomicAdd(f + 2, sf); atomicAdd(u + 9, su); }
}
K ways(const int *a, int *o, int n) { // loops of different lengths, a switch, an early end
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int v = a[i], s = 0;
  for (int k = 0; k < v; k++) { if (k % 3 == 1) continue; if (k > 50) break; s += k; }
  switch (v % 9) { case 0: s += 10; break; case 1: s *= 3; break; case 2: s -= 7; break; case 3: s ^= 5; break; case 4: s += v; break; case 5: s <<= 1; break; case 6: s = -s; break; default: s++; }
  while (s > 100) s = s % 2 ? s * 3 - s : s / 3;
  o[i] = s;
}
K brx(const int *a, int *o) { int r; asm volatile("{ .reg .u32 k; ts: .branchtargets T0, T1, T2; rem.u32 k, %1, 3; brx.idx k, ts; T0: mov.u32 %0, 100; bra.uni T9; T1: mov.u32 %0, 200; bra.uni T9; T2: mov.u32 %0, 300; T9: }" : "=r"(r) : "r"(a[threadIdx.x])); o[threadIdx.x] = r; }

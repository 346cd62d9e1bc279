// Kernels with a mistake each; n, by or how turn it on.
typedef unsigned int uint;
#define K extern "C" __global__ void
#define FULL 0xffffffffu
K off_by_one(float *o, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i <= n) o[i] = i; }
K read_beyond(const float *a, float *o, int n) { int i = threadIdx.x; o[i] = a[i + n]; }
K shared_beyond(float *o, int by) { __shared__ float s[64]; s[threadIdx.x + by] = 1; __syncthreads(); o[threadIdx.x] = s[threadIdx.x]; }
K barrier_in_branch(float *o, int n) { __shared__ float s[64]; s[threadIdx.x] = 1; if (threadIdx.x < n) __syncthreads(); o[threadIdx.x] = s[threadIdx.x]; }
K end_before_barrier(float *o, int n) { __shared__ float s[64]; if (threadIdx.x >= n) return; s[threadIdx.x] = 1; __syncthreads(); o[threadIdx.x] = s[threadIdx.x]; }
K missing_barrier(const float *a, float *o, int how) { // reads its neighbour's
  __shared__ float s[64]; int t = threadIdx.x;
  s[t] = a[t];
  if (how == 0) __syncthreads();
  if (how == 1) __syncwarp();
  o[t] = s[(t + 1) % 64];
}
K missing_second_barrier(const float *a, float *o, int there) { // writes over what others still read
  __shared__ float s[64]; int t = threadIdx.x; float v = 0;
  for (int k = 0; k < 3; k++) { s[t] = a[t + k]; __syncthreads(); v += s[63 - t]; if (there) __syncthreads(); }
  o[t] = v;
}
K in_one_warp(const float *a, float *o, int there) { // no barrier of the block, but the warp's
  __shared__ float s[64]; int t = threadIdx.x;
  s[t] = a[t]; if (there) __syncwarp();
  o[t] = s[t ^ 1];
}
K unwritten(float *o, int n) { __shared__ float s[64]; if (threadIdx.x < n) s[threadIdx.x] = 1; __syncthreads(); o[threadIdx.x] = s[threadIdx.x]; }
K misaligned(const float *a, float *o, int by) { float x, y, z, w; asm volatile("ld.global.v4.f32 {%0,%1,%2,%3},[%4];" : "=f"(x), "=f"(y), "=f"(z), "=f"(w) : "l"(a + by)); o[0] = x + y + z + w; }
K misaligned_shared(float *o, int by) { __shared__ __align__(16) float s[64]; s[threadIdx.x] = 1; __syncthreads(); float x, y; uint at = (uint)__cvta_generic_to_shared(s) + by * 4; asm volatile("ld.shared.v2.f32 {%0,%1},[%2];" : "=f"(x), "=f"(y) : "r"(at)); o[threadIdx.x] = x + y; }
K half_a_shuffle(uint *o, int n) { uint v = threadIdx.x; if (threadIdx.x < n) v = __shfl_xor_sync(FULL, v, 1); o[threadIdx.x] = v; }
K from_who_is_not_there(uint *o, int n) { uint v = threadIdx.x; if (threadIdx.x < 16) v = __shfl_sync(0xffffu, v, n); o[threadIdx.x] = v; }
#define CP16(dst, src) asm volatile("cp.async.cg.shared.global [%0],[%1],16;" :: "r"((uint)__cvta_generic_to_shared(dst)), "l"(src) : "memory");
K no_wait(const float *a, float *o, int wait) { __shared__ __align__(16) float s[128]; int t = threadIdx.x; CP16(s + t * 4, a + t * 4) asm volatile("cp.async.commit_group;"); if (wait) asm volatile("cp.async.wait_group 0;" ::: "memory"); __syncthreads(); o[t] = s[127 - t]; }
K wait_for_too_few(const float *a, float *o, int few) { __shared__ __align__(16) float s[256]; int t = threadIdx.x; CP16(s + t * 4, a + t * 4) asm volatile("cp.async.commit_group;"); CP16(s + 128 + t * 4, a + t * 4) asm volatile("cp.async.commit_group;"); if (few) asm volatile("cp.async.wait_group 1;" ::: "memory"); else asm volatile("cp.async.wait_group 0;" ::: "memory"); __syncthreads(); o[t] = s[128 + t]; }
K async_misaligned(const float *a, float *o, int by) { __shared__ __align__(16) float s[256]; int t = threadIdx.x; CP16(s + t * 4, a + t * 4 + by) asm volatile("cp.async.wait_all;" ::: "memory"); __syncthreads(); o[t] = s[t]; }
K global_race(int *o) { o[0] = threadIdx.x + 64 * blockIdx.x; }
K through_global(volatile int *o, int there) { int t = threadIdx.x; o[t] = t; if (there) __syncthreads(); o[64 + t] = o[(t + 33) % 64]; }
K trap(int n) { if (threadIdx.x == n) asm volatile("trap;"); }
K fill(float *o, float v, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) o[i] = v; }
K add(float *o, const float *a, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) o[i] += a[i]; }
K much_shared(float *o) { extern __shared__ float d[]; d[threadIdx.x * 200] = threadIdx.x; __syncthreads(); o[threadIdx.x] = d[threadIdx.x * 200]; }
K __launch_bounds__(64) bounded(float *o) { o[threadIdx.x] = 1; }
K half_written(uint *o, int n) { __shared__ unsigned short s[64]; int t = threadIdx.x; if (t < n) s[t] = t; __syncthreads(); o[t % 32] = *(uint *)(s + t % 32 * 2); }
K bytes_of_a_word(uint *o, int there) { __shared__ unsigned char s[64]; int t = threadIdx.x; s[t] = t; __syncthreads(); uint v = *(uint *)(s + (t & ~3)); if (there) __syncthreads(); s[63 - t] = v; __syncthreads(); o[t] = s[t]; }

// Products of a warp: the same matrices by every shape, fragments from memory by the tables and by ldmatrix.
typedef unsigned int uint;
typedef unsigned short h16;
typedef unsigned long long ull;
#define K extern "C" __global__ void
#define LANE const int lane = threadIdx.x % 32, g = lane / 4, q = lane % 4;
// C [16,8] += A [16,k] * B, which is [8,k] here: its columns are contiguous.
#define STORE(acc) c[g*8+2*q]=acc[0]; c[g*8+2*q+1]=acc[1]; c[(g+8)*8+2*q]=acc[2]; c[(g+8)*8+2*q+1]=acc[3];
#define LOADC float acc[4]={c[g*8+2*q],c[g*8+2*q+1],c[(g+8)*8+2*q],c[(g+8)*8+2*q+1]};
#define MMA8(T) asm volatile("mma.sync.aligned.m16n8k8.row.col.f32." T "." T ".f32 {%0,%1,%2,%3},{%4,%5},{%6},{%0,%1,%2,%3};" : "+f"(acc[0]),"+f"(acc[1]),"+f"(acc[2]),"+f"(acc[3]) : "r"(a0),"r"(a1),"r"(b0));
#define MMA16(T) asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." T "." T ".f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};" : "+f"(acc[0]),"+f"(acc[1]),"+f"(acc[2]),"+f"(acc[3]) : "r"(a0),"r"(a1),"r"(a2),"r"(a3),"r"(b0),"r"(b1));
#define K8(name, T) K name(const uint *a, const uint *b, float *c) { LANE LOADC \
  uint a0 = a[g*4+q], a1 = a[(g+8)*4+q], b0 = b[g*4+q]; MMA8(T) STORE(acc) }
#define K16(name, T) K name(const uint *a, const uint *b, float *c) { LANE LOADC \
  uint a0 = a[g*8+q], a1 = a[(g+8)*8+q], a2 = a[g*8+q+4], a3 = a[(g+8)*8+q+4], b0 = b[g*8+q], b1 = b[g*8+q+4]; MMA16(T) STORE(acc) }
K8(k8_f16, "f16")
K8(k8_bf16, "bf16")
K16(k16_f16, "f16")
K16(k16_bf16, "bf16")
K k8_tf32(const uint *a, const uint *b, float *c) { LANE LOADC
  uint a0 = a[g*8+q], a1 = a[(g+8)*8+q], a2 = a[g*8+q+4], a3 = a[(g+8)*8+q+4], b0 = b[g*8+q], b1 = b[g*8+q+4];
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};" : "+f"(acc[0]),"+f"(acc[1]),"+f"(acc[2]),"+f"(acc[3]) : "r"(a0),"r"(a1),"r"(a2),"r"(a3),"r"(b0),"r"(b1));
  STORE(acc) }
K k16_f16_sum16(const uint *a, const uint *b, uint *c) { LANE
  uint a0 = a[g*8+q], a1 = a[(g+8)*8+q], a2 = a[g*8+q+4], a3 = a[(g+8)*8+q+4], b0 = b[g*8+q], b1 = b[g*8+q+4], d0 = c[g*4+q], d1 = c[(g+8)*4+q];
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1},{%2,%3,%4,%5},{%6,%7},{%0,%1};" : "+r"(d0),"+r"(d1) : "r"(a0),"r"(a1),"r"(a2),"r"(a3),"r"(b0),"r"(b1));
  c[g*4+q] = d0; c[(g+8)*4+q] = d1; }
// The wrong fragment: rows and columns of A exchanged in two registers.
K k16_wrong(const uint *a, const uint *b, float *c) { LANE LOADC
  uint a0 = a[g*8+q], a2 = a[(g+8)*8+q], a1 = a[g*8+q+4], a3 = a[(g+8)*8+q+4], b0 = b[g*8+q], b1 = b[g*8+q+4]; MMA16("f16") STORE(acc) }
// By ldmatrix: A [16,16] as four matrices, B [8,16] as two; with B given as [16,8], transposed.
K ldmatrix_x4(const h16 *a, const h16 *b, float *c, int trans) { LANE LOADC
  __shared__ __align__(16) h16 as[16*16], bs[16*8];
  for (int i = lane; i < 256; i += 32) as[i] = a[i];
  for (int i = lane; i < 128; i += 32) bs[i] = b[i];
  __syncthreads();
  uint a0, a1, a2, a3, b0, b1, at = (uint)__cvta_generic_to_shared(as + (lane % 16) * 16 + lane / 16 * 8), bt;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];" : "=r"(a0),"=r"(a1),"=r"(a2),"=r"(a3) : "r"(at));
  if (trans) { bt = (uint)__cvta_generic_to_shared(bs + (lane % 16) * 8);
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1},[%2];" : "=r"(b0),"=r"(b1) : "r"(bt)); }
  else { bt = (uint)__cvta_generic_to_shared(bs + (lane % 8) * 16 + lane / 8 % 2 * 8);
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1},[%2];" : "=r"(b0),"=r"(b1) : "r"(bt)); }
  MMA16("f16") STORE(acc) }
K ldmatrix_x1(const h16 *a, uint *out) { __shared__ __align__(16) h16 s[64]; int lane = threadIdx.x;
  s[lane] = a[lane]; s[lane+32] = a[lane+32]; __syncthreads();
  uint r, t, at = (uint)__cvta_generic_to_shared(s + lane % 8 * 8);
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0},[%1];" : "=r"(r) : "r"(at));
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0},[%1];" : "=r"(t) : "r"(at));
  out[lane] = r; out[lane+32] = t; }
// A product to which half the warp does not come, and one of a quarter of the block's last warp.
K divergent_mma(const uint *a, const uint *b, float *c, int n) { LANE LOADC
  uint a0 = a[g*4+q], a1 = a[(g+8)*4+q], b0 = b[g*4+q];
  if (lane < n) { MMA8("f16") }
  STORE(acc) }
K divergent_ldmatrix(uint *out, int n) { __shared__ __align__(16) h16 s[64]; int lane = threadIdx.x; s[lane] = 1; s[lane+32] = 2; __syncthreads();
  uint r = 0, at = (uint)__cvta_generic_to_shared(s + lane % 8 * 8);
  if (lane < n) asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0},[%1];" : "=r"(r) : "r"(at));
  out[lane] = r; }
K misaligned_ldmatrix(uint *out, int by) { __shared__ __align__(16) h16 s[80]; int lane = threadIdx.x; for (int i = lane; i < 80; i += 32) s[i] = 1; __syncthreads();
  uint r = 0, at = (uint)__cvta_generic_to_shared(s + lane % 8 * 8) + by;
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0},[%1];" : "=r"(r) : "r"(at));
  out[lane] = r; }

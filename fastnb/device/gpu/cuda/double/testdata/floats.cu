// Floats: operations and conversions. The order is that of the tables in floats_test.go.
typedef unsigned int uint; typedef unsigned long long ull; typedef unsigned short u16;
#define K extern "C" __global__ void
#define F3(text) { float r; asm volatile(text : "=f"(r) : "f"(a), "f"(b), "f"(c)); *o++ = __float_as_uint(r); }
#define U3(text) { uint r; asm volatile(text : "=r"(r) : "f"(a), "f"(b), "f"(c)); *o++ = r; }
#define H1(text) { u16 r; asm volatile(text : "=h"(r) : "f"(a)); *o++ = r; }
#define P3(text) { uint r; asm volatile("{ .reg .pred p; " text " selp.u32 %0, 1, 0, p; }" : "=r"(r) : "f"(a), "f"(b)); *o++ = r; }
K floats(const float *A, const float *B, const float *C, uint *out, int n, int each) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float a = A[i], b = B[i], c = C[i];
  uint *o = out + (long long)i * each;
  F3("add.f32 %0,%1,%2;") F3("sub.f32 %0,%1,%2;") F3("mul.f32 %0,%1,%2;") F3("fma.rn.f32 %0,%1,%2,%3;") F3("div.rn.f32 %0,%1,%2;")
  F3("add.rm.f32 %0,%1,%2;") F3("add.rp.f32 %0,%1,%2;") F3("add.rz.f32 %0,%1,%2;") F3("mul.rm.f32 %0,%1,%2;") F3("mul.rz.f32 %0,%1,%2;") F3("fma.rm.f32 %0,%1,%2,%3;") F3("fma.rz.f32 %0,%1,%2,%3;") F3("div.rz.f32 %0,%1,%2;")
  F3("add.sat.f32 %0,%1,%2;") F3("mul.ftz.f32 %0,%1,%2;") F3("abs.f32 %0,%1;") F3("neg.f32 %0,%1;") F3("min.f32 %0,%1,%2;") F3("max.f32 %0,%1,%2;") F3("max.NaN.f32 %0,%1,%2;") F3("copysign.f32 %0,%1,%2;")
  F3("rcp.rn.f32 %0,%1;") F3("sqrt.rn.f32 %0,%1;") F3("cvt.rni.f32.f32 %0,%1;") F3("cvt.rzi.f32.f32 %0,%1;") F3("cvt.rmi.f32.f32 %0,%1;") F3("cvt.rpi.f32.f32 %0,%1;") F3("cvt.sat.f32.f32 %0,%1;")
  U3("cvt.rzi.s32.f32 %0,%1;") U3("cvt.rni.s32.f32 %0,%1;") U3("cvt.rmi.s32.f32 %0,%1;") U3("cvt.rpi.s32.f32 %0,%1;") U3("cvt.rzi.u32.f32 %0,%1;")
  H1("cvt.rn.f16.f32 %0,%1;") H1("cvt.rn.bf16.f32 %0,%1;") H1("cvt.rz.f16.f32 %0,%1;")
  U3("cvt.rn.f16x2.f32 %0,%1,%2;") U3("cvt.rn.bf16x2.f32 %0,%1,%2;") U3("cvt.rn.relu.f16x2.f32 %0,%1,%2;") U3("cvt.rna.tf32.f32 %0,%1;")
  P3("setp.lt.f32 p,%1,%2;") P3("setp.ltu.f32 p,%1,%2;") P3("setp.ne.f32 p,%1,%2;") P3("setp.neu.f32 p,%1,%2;") P3("setp.eq.f32 p,%1,%2;") P3("setp.geu.f32 p,%1,%2;") P3("setp.num.f32 p,%1,%2;") P3("setp.nan.f32 p,%1,%2;")
  P3("testp.finite.f32 p,%1;") P3("testp.infinite.f32 p,%1;") P3("testp.notanumber.f32 p,%1;") P3("testp.subnormal.f32 p,%1;")
  { float r; uint u = __float_as_uint(a); asm volatile("cvt.rn.f32.s32 %0,%1;" : "=f"(r) : "r"(u)); *o++ = __float_as_uint(r); }
  { float r; uint u = __float_as_uint(a); asm volatile("cvt.rn.f32.u32 %0,%1;" : "=f"(r) : "r"(u)); *o++ = __float_as_uint(r); }
  { float r; uint u = __float_as_uint(a); asm volatile("cvt.rz.f32.u32 %0,%1;" : "=f"(r) : "r"(u)); *o++ = __float_as_uint(r); }
  { float r; ull u = (ull)__float_as_uint(a) << 32 | __float_as_uint(b); asm volatile("cvt.rn.f32.s64 %0,%1;" : "=f"(r) : "l"(u)); *o++ = __float_as_uint(r); }
  { float r; u16 h = (u16)__float_as_uint(a); asm volatile("cvt.f32.f16 %0,%1;" : "=f"(r) : "h"(h)); *o++ = __float_as_uint(r); }
  { u16 r; uint u = __float_as_uint(a) >> 12; asm volatile("cvt.rn.f16.u32 %0,%1;" : "=h"(r) : "r"(u)); *o++ = r; }
  { float r; asm volatile("{ .reg .f64 x; cvt.f64.f32 x,%1; add.f64 x,x,x; mul.f64 x,x,0d3FE8000000000000; fma.rn.f64 x,x,x,x; cvt.rn.f32.f64 %0,x; }" : "=f"(r) : "f"(a)); *o++ = __float_as_uint(r); }
  // approximate: the table gives a tolerance
  F3("ex2.approx.f32 %0,%1;") F3("lg2.approx.f32 %0,%1;") F3("rcp.approx.f32 %0,%1;") F3("rsqrt.approx.f32 %0,%1;") F3("sqrt.approx.f32 %0,%1;") F3("sin.approx.f32 %0,%1;") F3("cos.approx.f32 %0,%1;") F3("tanh.approx.f32 %0,%1;") F3("div.full.f32 %0,%1,%2;")
  F3("ex2.approx.ftz.f32 %0,%1;")
  *o++ = __float_as_uint(expf(a)); *o++ = __float_as_uint(logf(a)); *o++ = __float_as_uint(tanhf(a)); *o++ = __float_as_uint(log1pf(a)); *o++ = __float_as_uint(powf(a, b)); *o++ = __float_as_uint(sinf(a)); *o++ = __float_as_uint(erff(a));
  *o++ = (uint)(o - (out + (long long)i * each));
}
// Pairs of halves: f16x2 and bf16x2, and single ones.
#define X3(text) { uint r; asm volatile(text : "=r"(r) : "r"(a), "r"(b), "r"(c)); *o++ = r; }
#define Y3(text) { u16 r; asm volatile(text : "=h"(r) : "h"((u16)a), "h"((u16)b), "h"((u16)c)); *o++ = r; }
K halves(const uint *A, const uint *B, const uint *C, uint *out, int n, int each) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  uint a = A[i], b = B[i], c = C[i], *o = out + (long long)i * each;
  X3("add.f16x2 %0,%1,%2;") X3("sub.f16x2 %0,%1,%2;") X3("mul.f16x2 %0,%1,%2;") X3("fma.rn.f16x2 %0,%1,%2,%3;") X3("max.f16x2 %0,%1,%2;") X3("min.f16x2 %0,%1,%2;") X3("neg.f16x2 %0,%1;") X3("abs.f16x2 %0,%1;") X3("fma.rn.relu.f16x2 %0,%1,%2,%3;")
  Y3("add.f16 %0,%1,%2;") Y3("fma.rn.f16 %0,%1,%2,%3;") { uint r; asm volatile("{ .reg .pred p; setp.lt.f16 p,%1,%2; selp.u32 %0,1,0,p; }" : "=r"(r) : "h"((u16)a), "h"((u16)b)); *o++ = r; }
}

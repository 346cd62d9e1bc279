// Whole numbers: every operation on three operands. The order is that of the table in ints_test.go.
typedef unsigned int uint; typedef unsigned long long ull; typedef unsigned short u16;
#define K extern "C" __global__ void
#define R3(text) { uint r; asm volatile(text : "=r"(r) : "r"(a), "r"(b), "r"(c)); *o++ = r; }
#define H3(text) { u16 r; asm volatile(text : "=h"(r) : "h"((u16)a), "h"((u16)b), "h"((u16)c)); *o++ = r; }
#define L3(text) { ull r; asm volatile(text : "=l"(r) : "l"(x), "l"(y), "r"(c)); *o++ = (uint)r; *o++ = (uint)(r >> 32); }
#define P3(text) { uint r; asm volatile("{ .reg .pred p, q; " text " selp.u32 %0, 1, 0, p; }" : "=r"(r) : "r"(a), "r"(b), "r"(c)); *o++ = r; }
K ints(const uint *A, const uint *B, const uint *C, uint *out, int n, int each) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  uint a = A[i], b = B[i], c = C[i], *o = out + (long long)i * each;
  ull x = (ull)b << 32 | a, y = (ull)a << 32 | c;
  R3("add.s32 %0,%1,%2;") R3("sub.u32 %0,%1,%2;") R3("add.sat.s32 %0,%1,%2;") R3("sub.sat.s32 %0,%1,%2;")
  R3("mul.lo.s32 %0,%1,%2;") R3("mul.hi.s32 %0,%1,%2;") R3("mul.hi.u32 %0,%1,%2;") R3("mad.lo.u32 %0,%1,%2,%3;") R3("mad.hi.u32 %0,%1,%2,%3;") R3("mad.hi.s32 %0,%1,%2,%3;")
  R3("mul24.lo.s32 %0,%1,%2;") R3("mul24.hi.u32 %0,%1,%2;") R3("mad24.lo.u32 %0,%1,%2,%3;") R3("sad.s32 %0,%1,%2,%3;") R3("sad.u32 %0,%1,%2,%3;")
  R3("div.s32 %0,%1,%2;") R3("div.u32 %0,%1,%2;") R3("rem.s32 %0,%1,%2;") R3("rem.u32 %0,%1,%2;")
  R3("abs.s32 %0,%1;") R3("neg.s32 %0,%1;") R3("min.s32 %0,%1,%2;") R3("max.s32 %0,%1,%2;") R3("min.u32 %0,%1,%2;") R3("max.u32 %0,%1,%2;")
  R3("and.b32 %0,%1,%2;") R3("or.b32 %0,%1,%2;") R3("xor.b32 %0,%1,%2;") R3("not.b32 %0,%1;") R3("cnot.b32 %0,%1;")
  R3("shl.b32 %0,%1,%3;") R3("shr.u32 %0,%1,%3;") R3("shr.s32 %0,%1,%3;") R3("shf.l.wrap.b32 %0,%1,%2,%3;") R3("shf.r.wrap.b32 %0,%1,%2,%3;") R3("shf.l.clamp.b32 %0,%1,%2,%3;") R3("shf.r.clamp.b32 %0,%1,%2,%3;")
  R3("prmt.b32 %0,%1,%2,%3;") R3("lop3.b32 %0,%1,%2,%3,0xca;") R3("bfe.u32 %0,%1,%3,5;") R3("bfe.s32 %0,%1,%3,7;") R3("bfe.s32 %0,%1,3,%3;") R3("bfi.b32 %0,%1,%2,%3,9;")
  R3("popc.b32 %0,%1;") R3("clz.b32 %0,%1;") R3("brev.b32 %0,%1;") R3("bfind.u32 %0,%1;") R3("bfind.s32 %0,%1;") R3("bfind.shiftamt.u32 %0,%1;") R3("dp4a.s32.s32 %0,%1,%2,%3;") R3("dp4a.u32.u32 %0,%1,%2,%3;")
  R3("{ .reg .u32 t; add.cc.u32 t,%1,%2; addc.u32 %0,%3,0; }") R3("{ .reg .u32 t; sub.cc.u32 t,%1,%2; subc.u32 %0,%3,0; }") R3("{ .reg .u32 t; mad.lo.cc.u32 t,%1,%2,%3; madc.hi.u32 %0,%1,%2,0; }")
  R3("selp.b32 %0,%1,%2,1;") R3("slct.u32.s32 %0,%1,%2,%3;") R3("set.lt.u32.s32 %0,%1,%2;") R3("{ .reg .b16 l,h; mov.b32 {l,h},%1; mov.b32 %0,{h,l}; }")
  R3("cvt.s32.s8 %0,%1;") R3("cvt.u32.u8 %0,%1;") R3("cvt.s32.s16 %0,%1;") R3("cvt.u32.u16 %0,%1;") R3("cvt.sat.s32.u32 %0,%1;") R3("cvt.sat.u32.s32 %0,%1;") R3("{ .reg .b16 h; cvt.sat.s8.s32 h,%1; cvt.s32.s16 %0,h; }") R3("{ .reg .b16 h; cvt.sat.u16.s32 h,%1; cvt.u32.u16 %0,h; }")
  P3("setp.eq.s32 p,%1,%2;") P3("setp.ne.u32 p,%1,%2;") P3("setp.lt.s32 p,%1,%2;") P3("setp.lo.u32 p,%1,%2;") P3("setp.ge.s32 p,%1,%2;") P3("setp.hs.u32 p,%1,%2;") P3("setp.gt.u32 p,%1,%2;") P3("setp.ls.u32 p,%1,%2;")
  P3("setp.lt.s32 q,%1,%3; setp.gt.and.s32 p,%1,%2,q;") P3("setp.lt.s32 q,%1,%3; setp.gt.or.s32 p,%1,%2,!q;") P3("setp.lt.s32 q,%1,%3; setp.gt.xor.s32 p,%1,%2,q;") P3("setp.lt.s32 q|p,%1,%2;") P3("setp.lt.s32 q,%1,%2; not.pred p,q;")
  H3("add.u16 %0,%1,%2;") H3("mul.lo.u16 %0,%1,%2;") H3("mul.hi.s16 %0,%1,%2;") H3("mad.lo.u16 %0,%1,%2,%3;") H3("shr.s16 %0,%1,3;") H3("shl.b16 %0,%1,5;") H3("min.s16 %0,%1,%2;") H3("div.s16 %0,%1,%2;") H3("rem.u16 %0,%1,%2;") H3("neg.s16 %0,%1;")
  L3("add.s64 %0,%1,%2;") L3("sub.s64 %0,%1,%2;") L3("mul.lo.s64 %0,%1,%2;") L3("mul.hi.u64 %0,%1,%2;") L3("mul.hi.s64 %0,%1,%2;") L3("div.s64 %0,%1,%2;") L3("div.u64 %0,%1,%2;") L3("rem.s64 %0,%1,%2;") L3("rem.u64 %0,%1,%2;")
  L3("shl.b64 %0,%1,%3;") L3("shr.u64 %0,%1,%3;") L3("shr.s64 %0,%1,%3;") L3("min.s64 %0,%1,%2;") L3("max.u64 %0,%1,%2;") L3("and.b64 %0,%1,%2;") L3("bfe.u64 %0,%1,%3,11;") L3("brev.b64 %0,%1;")
  { ull r; asm volatile("mul.wide.s32 %0,%1,%2;" : "=l"(r) : "r"(a), "r"(b)); *o++ = (uint)r; *o++ = (uint)(r >> 32); }
  { ull r; asm volatile("mul.wide.u32 %0,%1,%2;" : "=l"(r) : "r"(a), "r"(b)); *o++ = (uint)r; *o++ = (uint)(r >> 32); }
  { ull r; asm volatile("mad.wide.s32 %0,%1,%2,%3;" : "=l"(r) : "r"(a), "r"(b), "l"(x)); *o++ = (uint)r; *o++ = (uint)(r >> 32); }
  { uint r; asm volatile("mul.wide.s16 %0,%1,%2;" : "=r"(r) : "h"((u16)a), "h"((u16)b)); *o++ = r; }
  { uint r; asm volatile("popc.b64 %0,%1;" : "=r"(r) : "l"(x)); *o++ = r; }
  { uint r; asm volatile("clz.b64 %0,%1;" : "=r"(r) : "l"(x)); *o++ = r; }
  *o++ = (uint)(o - (out + (long long)i * each));
}

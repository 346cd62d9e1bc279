// V elements at once (V is 1, 4 or 8): LDV reads those from V*i on into an array of float, STV writes them.
// Addresses divide by 16 bytes.
#ifndef V
#define V 1
#endif
#if V == 1
#define LDV(p,i,v) v[0]=LD(p,i)
#define STV(p,i,v) ST(p,i,v[0])
#elif !defined(T_F16) && !defined(T_BF16)
#define LDFOUR_(p,i,v,o) { const float4 q_=((GLOBAL const float4*)(p))[i]; v[o]=q_.x; v[o+1]=q_.y; v[o+2]=q_.z; v[o+3]=q_.w; }
#define STFOUR_(p,i,v,o) { float4 q_; q_.x=v[o]; q_.y=v[o+1]; q_.z=v[o+2]; q_.w=v[o+3]; ((GLOBAL float4*)(p))[i]=q_; }
#if V == 4
#define LDV(p,i,v) LDFOUR_(p,i,v,0)
#define STV(p,i,v) STFOUR_(p,i,v,0)
#else
#define LDV(p,i,v) { LDFOUR_(p,2*(i),v,0) LDFOUR_(p,2*(i)+1,v,4) }
#define STV(p,i,v) { STFOUR_(p,2*(i),v,0) STFOUR_(p,2*(i)+1,v,4) }
#endif
#elif defined(__OPENCL_VERSION__) && defined(T_F16)
#if V == 4
#define LDV(p,i,v) { const float4 q_=vload_half4((i),(GLOBAL const half*)(p)); v[0]=q_.x; v[1]=q_.y; v[2]=q_.z; v[3]=q_.w; }
#define STV(p,i,v) vstore_half4_rte((float4)(v[0],v[1],v[2],v[3]),(i),(GLOBAL half*)(p))
#else
#define LDV(p,i,v) { const float8 q_=vload_half8((i),(GLOBAL const half*)(p)); v[0]=q_.s0; v[1]=q_.s1; v[2]=q_.s2; v[3]=q_.s3; v[4]=q_.s4; v[5]=q_.s5; v[6]=q_.s6; v[7]=q_.s7; }
#define STV(p,i,v) vstore_half8_rte((float8)(v[0],v[1],v[2],v[3],v[4],v[5],v[6],v[7]),(i),(GLOBAL half*)(p))
#endif
#else
#ifdef T_F16
#define LOW_(u) h2f_((h16)((u)&0xffffu))
#define HIGH_(u) h2f_((h16)((u)>>16))
#define PAIR_(a,b) ((uint)f2h_(a)|(uint)f2h_(b)<<16)
#else
#define LOW_(u) FLOAT((u)<<16)
#define HIGH_(u) FLOAT((u)&0xffff0000u)
#define PAIR_(a,b) ((uint)f2b_(a)|(uint)f2b_(b)<<16)
#endif
#if V == 4
#define LDV(p,i,v) { const uint2 q_=((GLOBAL const uint2*)(p))[i]; v[0]=LOW_(q_.x); v[1]=HIGH_(q_.x); v[2]=LOW_(q_.y); v[3]=HIGH_(q_.y); }
#define STV(p,i,v) { uint2 q_; q_.x=PAIR_(v[0],v[1]); q_.y=PAIR_(v[2],v[3]); ((GLOBAL uint2*)(p))[i]=q_; }
#else
#define LDV(p,i,v) { const uint4 q_=((GLOBAL const uint4*)(p))[i]; v[0]=LOW_(q_.x); v[1]=HIGH_(q_.x); v[2]=LOW_(q_.y); v[3]=HIGH_(q_.y); v[4]=LOW_(q_.z); v[5]=HIGH_(q_.z); v[6]=LOW_(q_.w); v[7]=HIGH_(q_.w); }
#define STV(p,i,v) { uint4 q_; q_.x=PAIR_(v[0],v[1]); q_.y=PAIR_(v[2],v[3]); q_.z=PAIR_(v[4],v[5]); q_.w=PAIR_(v[6],v[7]); ((GLOBAL uint4*)(p))[i]=q_; }
#endif
#endif
// LDU8 and STU8 are the same of bytes, as int.
#if V == 1
#define LDU8(p,i,v) v[0]=(p)[i]
#define STU8(p,i,v) (p)[i]=(u8)v[0]
#elif V == 4
#define LDU8(p,i,v) { const uint q_=((GLOBAL const uint*)(p))[i]; v[0]=q_&255u; v[1]=q_>>8&255u; v[2]=q_>>16&255u; v[3]=q_>>24; }
#define STU8(p,i,v) ((GLOBAL uint*)(p))[i]=(uint)v[0]|(uint)v[1]<<8|(uint)v[2]<<16|(uint)v[3]<<24
#else
#define LDU8(p,i,v) { const uint2 q_=((GLOBAL const uint2*)(p))[i]; v[0]=q_.x&255u; v[1]=q_.x>>8&255u; v[2]=q_.x>>16&255u; v[3]=q_.x>>24; v[4]=q_.y&255u; v[5]=q_.y>>8&255u; v[6]=q_.y>>16&255u; v[7]=q_.y>>24; }
#define STU8(p,i,v) { uint2 q_; q_.x=(uint)v[0]|(uint)v[1]<<8|(uint)v[2]<<16|(uint)v[3]<<24; q_.y=(uint)v[4]|(uint)v[5]<<8|(uint)v[6]<<16|(uint)v[7]<<24; ((GLOBAL uint2*)(p))[i]=q_; }
#endif
// ALLV(j) runs a statement for each of the V.
#define ALLV(j) _Pragma("unroll") for(int j=0;j<V;j++)
// RELU keeps what is no number.
#define RELU(x) ((x)<0.0f?0.0f:(x))

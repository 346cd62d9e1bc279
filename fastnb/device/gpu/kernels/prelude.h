// One C dialect for OpenCL C 1.2 and CUDA C (NVRTC, without headers). Rules: no barrier in a branch or in a
// helper function, separate kernels for training and evaluation; indices are ints; one-dimensional blocks.
//
// A unit is compiled once for each kind of storage: T is the type of activations (float, or 16 bits of
// float16 or bfloat16), LD and ST read and write it as float. Everything that is full precision is float.
#ifdef __OPENCL_VERSION__
#define KERNEL __kernel
#define GLOBAL __global
#define LOCAL __local
#define DEVFN static inline
#define RESTRICT restrict
#define LID ((int)get_local_id(0))
#define BLOCK ((int)get_local_size(0))
#define GRP0 ((int)get_group_id(0))
#define GRP1 ((int)get_group_id(1))
#define GRP2 ((int)get_group_id(2))
#define GRPS0 ((int)get_num_groups(0))
#define GID ((int)get_global_id(0))
#define GSIZE ((int)get_global_size(0))
#define BARRIER barrier(CLK_LOCAL_MEM_FENCE)
typedef ushort h16;
typedef long int64;
typedef uchar u8;
#define LDF16(p,i) vload_half((i),(GLOBAL const half*)(p))
#define STF16(p,i,v) vstore_half_rte((v),(i),(GLOBAL half*)(p))
#define BITS(f) as_uint(f)
#define FLOAT(u) as_float(u)
#define RSQRT(x) (1.0f/sqrt(x))
#define SQRTF(x) sqrt(x)
#define EXPF(x) exp(x)
#define LOGF(x) log(x)
#define LOG1PF(x) log1p(x)
#define TANHF(x) tanh(x)
#define POWF(x,y) pow((x),(y))
#define FABSF(x) fabs(x)
#define FMAXF(a,b) fmax((a),(b))
#define FMINF(a,b) fmin((a),(b))
#define FMA(a,b,c) fma((a),(b),(c))
#define ATOMIC_OR(p,v) atomic_or((p),(v))
#define ATOMIC_CAS(p,a,b) atomic_cmpxchg((p),(a),(b))
#define MULHI(a,b) mul_hi((uint)(a),(uint)(b))
#else
#define KERNEL extern "C" __global__
#define GLOBAL
#define LOCAL __shared__
#define DEVFN static __device__ __forceinline__
#define RESTRICT __restrict__
#define LID ((int)threadIdx.x)
#define BLOCK ((int)blockDim.x)
#define GRP0 ((int)blockIdx.x)
#define GRP1 ((int)blockIdx.y)
#define GRP2 ((int)blockIdx.z)
#define GRPS0 ((int)gridDim.x)
#define GID ((int)(blockIdx.x*blockDim.x+threadIdx.x))
#define GSIZE ((int)(gridDim.x*blockDim.x))
#define BARRIER __syncthreads()
typedef unsigned short h16;
typedef unsigned int uint;
typedef long long int64;
typedef unsigned char u8;
DEVFN float h2f_(h16 h){ float f; asm("cvt.f32.f16 %0,%1;":"=f"(f):"h"(h)); return f; }
DEVFN h16 f2h_(float f){ h16 h; asm("cvt.rn.f16.f32 %0,%1;":"=h"(h):"f"(f)); return h; }
#define LDF16(p,i) h2f_((p)[i])
#define STF16(p,i,v) ((p)[i]=f2h_(v))
#define BITS(f) __float_as_uint(f)
#define FLOAT(u) __uint_as_float(u)
#define RSQRT(x) (1.0f/sqrtf(x))
#define SQRTF(x) sqrtf(x)
#define EXPF(x) expf(x)
#define LOGF(x) logf(x)
#define LOG1PF(x) log1pf(x)
#define TANHF(x) tanhf(x)
#define POWF(x,y) powf((x),(y))
#define FABSF(x) fabsf(x)
#define FMAXF(a,b) fmaxf((a),(b))
#define FMINF(a,b) fminf((a),(b))
#define FMA(a,b,c) fmaf((a),(b),(c))
#define ATOMIC_OR(p,v) atomicOr((p),(v))
#define ATOMIC_CAS(p,a,b) atomicCAS((p),(a),(b))
#define MULHI(a,b) __umulhi((uint)(a),(uint)(b))
#endif
DEVFN float b2f_(h16 h){ return FLOAT((uint)h<<16); }
DEVFN h16 f2b_(float f){ uint u=BITS(f); return (u&0x7fffffffu)>0x7f800000u ? (h16)((u>>16)|0x40u) : (h16)((u+0x7fffu+((u>>16)&1u))>>16); }
#define LDBF16(p,i) b2f_((p)[i])
#define STBF16(p,i,v) ((p)[i]=f2b_(v))
#if defined(T_F16)
typedef h16 T;
#define LD(p,i) LDF16(p,i)
#define ST(p,i,v) STF16(p,i,v)
#elif defined(T_BF16)
typedef h16 T;
#define LD(p,i) LDBF16(p,i)
#define ST(p,i,v) STBF16(p,i,v)
#else
typedef float T;
#define LD(p,i) ((p)[i])
#define ST(p,i,v) ((p)[i]=(v))
#endif

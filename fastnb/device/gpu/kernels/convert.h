// Conversions between kinds of storage.
#define CONVERT(A,B,TA,TB) KERNEL void convert_##A##_##B(GLOBAL const TA*RESTRICT x, GLOBAL TB*RESTRICT y, const int n)
CONVERT(f32,f16,float,h16){ for(int i=GID;i<n;i+=GSIZE) STF16(y,i,x[i]); }
CONVERT(f16,f32,h16,float){ for(int i=GID;i<n;i+=GSIZE) y[i]=LDF16(x,i); }
CONVERT(f32,bf16,float,h16){ for(int i=GID;i<n;i+=GSIZE) STBF16(y,i,x[i]); }
CONVERT(bf16,f32,h16,float){ for(int i=GID;i<n;i+=GSIZE) y[i]=LDBF16(x,i); }
CONVERT(u8,f32,u8,float){ for(int i=GID;i<n;i+=GSIZE) y[i]=(float)x[i]; }
CONVERT(i64,f32,int64,float){ for(int i=GID;i<n;i+=GSIZE) y[i]=(float)x[i]; }

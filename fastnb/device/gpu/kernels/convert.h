// Conversions between kinds of storage.
#define CONVERT(A,B,TA,TB) KERNEL void convert_##A##_##B(GLOBAL const TA*RESTRICT x, GLOBAL TB*RESTRICT y, const int n)
CONVERT(f32,f16,float,h16){ for(int i=GID;i<n;i+=GSIZE) STF16(y,i,x[i]); }
CONVERT(f16,f32,h16,float){ for(int i=GID;i<n;i+=GSIZE) y[i]=LDF16(x,i); }
CONVERT(f32,bf16,float,h16){ for(int i=GID;i<n;i+=GSIZE) STBF16(y,i,x[i]); }
CONVERT(bf16,f32,h16,float){ for(int i=GID;i<n;i+=GSIZE) y[i]=LDBF16(x,i); }
CONVERT(u8,f32,u8,float){ for(int i=GID;i<n;i+=GSIZE) y[i]=(float)x[i]; }
CONVERT(u8,i64,u8,int64){ for(int i=GID;i<n;i+=GSIZE) y[i]=(int64)x[i]; }
CONVERT(i64,f32,int64,float){ for(int i=GID;i<n;i+=GSIZE) y[i]=(float)x[i]; }
// Conversions of up to eight arrays in one launch: a block does 2048 elements of one of them.
#define NEXT8(i) { int k=(n+2047)/2048; if(b>=k){ b-=k; x=x##i; y=y##i; n=n##i; } }
#define ARRAY8(i,TB) GLOBAL const float*RESTRICT x##i, GLOBAL TB*RESTRICT y##i, const int n##i
#define CONVERT8(B,STB) KERNEL void convert8_f32_##B(ARRAY8(0,h16),ARRAY8(1,h16),ARRAY8(2,h16),ARRAY8(3,h16),ARRAY8(4,h16),ARRAY8(5,h16),ARRAY8(6,h16),ARRAY8(7,h16)){ \
  int b=GRP0, n=n0; GLOBAL const float*x=x0; GLOBAL h16*y=y0; \
  NEXT8(1) NEXT8(2) NEXT8(3) NEXT8(4) NEXT8(5) NEXT8(6) NEXT8(7) \
  for(int j=0;j<8;j++){ int i=b*2048+j*BLOCK+LID; if(i<n) STB(y,i,x[i]); } }
CONVERT8(f16,STF16)
CONVERT8(bf16,STBF16)

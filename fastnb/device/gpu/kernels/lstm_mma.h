// The products of the LSTM's steps on tensor cores, CUDA only: mma.m16n8k16 with fragments loaded straight from
// global memory. Within 32 steps of the sum thread t of four loads the 8 elements from 8t on of a row at once and
// gives two of them to each place of the fragments of two mma: that takes the steps in another order, the same for
// both sides. Columns are ordered so that a thread has the four neighbours 4t to 4t+3 of 16: a unit's gates.
//
// A block of 8 warps has 64 rows and 16*P columns; two warps share the rows, four the sum, whose parts are added in
// order in shared memory. h is divisible by 8.
#if defined(T_BF16)
#define KIND_ "bf16"
#define UP_(h) b2f_(h)
#define DOWN_(f) f2b_(f)
#else
#define KIND_ "f16"
#define UP_(h) h2f_(h)
#define DOWN_(f) f2h_(f)
#endif
#define SIGMOID_(x) (1.0f/(1.0f+expf(-(x))))

DEVFN uint4 make_uint4_(uint x, uint y, uint z, uint w){ uint4 v; v.x=x; v.y=y; v.z=z; v.w=w; return v; }
DEVFN uint2 make_uint2_(uint x, uint y){ uint2 v; v.x=x; v.y=y; return v; }
DEVFN float4 make_float4_(float x, float y, float z, float w){ float4 v; v.x=x; v.y=y; v.z=z; v.w=w; return v; }
DEVFN void mma_(float*c, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1){
  asm("mma.sync.aligned.m16n8k16.row.col.f32." KIND_ "." KIND_ ".f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
    :"+f"(c[0]),"+f"(c[1]),"+f"(c[2]),"+f"(c[3]):"r"(a0),"r"(a1),"r"(a2),"r"(a3),"r"(b0),"r"(b1));
}
DEVFN uint4 load8_(const T*RESTRICT p, bool there){ return there?*(const uint4*)p:make_uint4_(0u,0u,0u,0u); }

template<int P> struct Tiles {
  uint4 a[4], b[2*P];
  __device__ __forceinline__ void load(const T*RESTRICT a0, const T*RESTRICT b0, int lda, int ldb, int rows, int cols, int k, int end){
    int g=(LID&31)>>2, at=k+8*(LID&3);
    bool in=at<end;
#pragma unroll
    for(int i=0;i<4;i++) a[i]=load8_(a0+(g+8*i)*lda+at,in&&g+8*i<rows);
#pragma unroll
    for(int j=0;j<2*P;j++){
      int c=(j>>1)*16+(g>>1)*4+(g&1)+2*(j&1);
      b[j]=load8_(b0+c*ldb+at,in&&c<cols);
    }
  }
  __device__ __forceinline__ void times(float (*acc)[2*P][4]) const {
#pragma unroll
    for(int i=0;i<2;i++)
#pragma unroll
      for(int j=0;j<2*P;j++){
        mma_(acc[i][j],a[2*i].x,a[2*i+1].x,a[2*i].y,a[2*i+1].y,b[j].x,b[j].y);
        mma_(acc[i][j],a[2*i].z,a[2*i+1].z,a[2*i].w,a[2*i+1].w,b[j].z,b[j].w);
      }
  }
};
// sums_ leaves in s [4, 64, 4*P] each quarter's part of the product of 64 rows of a and 16*P rows of b over k0 to k1.
template<int P> DEVFN void sums_(const T*RESTRICT a, const T*RESTRICT b, int lda, int ldb, int rows, int cols, int k0, int k1, float4*s){
  int warp=LID>>5, g=(LID&31)>>2, t=LID&3, half=(warp&1)*32, quarter=warp>>1;
  int chunks=(k1-k0+31)/32, from=k0+chunks*quarter/4*32, to=k0+chunks*(quarter+1)/4*32;
  float acc[2][2*P][4];
#pragma unroll
  for(int i=0;i<2;i++)
#pragma unroll
    for(int j=0;j<2*P;j++) acc[i][j][0]=acc[i][j][1]=acc[i][j][2]=acc[i][j][3]=0.0f;
  a+=half*lda; rows-=half;
  Tiles<P> now, next;
  now.load(a,b,lda,ldb,rows,cols,from,from<to?k1:0);
  for(int k=from;k<to;k+=64){
    next.load(a,b,lda,ldb,rows,cols,k+32,k+32<to?k1:0);
    now.times(acc);
    now.load(a,b,lda,ldb,rows,cols,k+64,k+64<to?k1:0);
    next.times(acc);
  }
#pragma unroll
  for(int i=0;i<2;i++)
#pragma unroll
    for(int p=0;p<P;p++){
      float (*c)[4]=&acc[i][2*p];
      float4*to=s+(quarter*64+half+16*i+g)*4*P+4*p+t;
      to[0]=make_float4_(c[0][0],c[0][1],c[1][0],c[1][1]);
      to[8*4*P]=make_float4_(c[0][2],c[0][3],c[1][2],c[1][3]);
    }
}
template<int P> DEVFN float4 sum_(const float4*s, int i){
  float4 a=s[i], b=s[i+256*P], c=s[i+512*P], d=s[i+768*P];
  return make_float4_(a.x+b.x+c.x+d.x,a.y+b.y+c.y+d.y,a.z+b.z+c.z+d.z,a.w+b.w+c.w+d.w);
}

// One step as lstm_step has it, 4*P units a block.
#define STEP_ARGS const T*RESTRICT hp, const T*RESTRICT w, const float*RESTRICT bias, T*gates, float*cells, T*y, const int h0, const int z, const int c0, const int c1, const int y1, const int n, const int h
template<int P> DEVFN void step_(STEP_ARGS, float4*s){
  int u0=GRP0*4*P, r0=GRP1*64;
  uint2 in[P];
  float before[P];
#pragma unroll
  for(int j=0;j<P;j++){
    int i=LID+256*j, r=r0+i/(4*P), u=u0+i%(4*P);
    bool there=r<n&&u<h;
    in[j]=there?*(const uint2*)(gates+z+4*(r*h+u)):make_uint2_(0u,0u);
    before[j]=there?cells[c0+r*h+u]:0.0f;
  }
  sums_<P>(hp+h0+r0*h,w+u0*4*h,h,h,n-r0,4*(h-u0),0,h,s);
  __syncthreads();
#pragma unroll
  for(int j=0;j<P;j++){
    int i=LID+256*j, r=r0+i/(4*P), u=u0+i%(4*P);
    if(r<n&&u<h){
      float4 v=sum_<P>(s,i), b=*(const float4*)(bias+4*u);
      int q=r*h+u;
      float gi=SIGMOID_(v.x+b.x+UP_((h16)(in[j].x&0xffffu))), gf=SIGMOID_(v.y+b.y+UP_((h16)(in[j].x>>16)));
      float gc=tanhf(v.z+b.z+UP_((h16)(in[j].y&0xffffu))), go=SIGMOID_(v.w+b.w+UP_((h16)(in[j].y>>16)));
      float c=gf*before[j]+gi*gc;
      *(uint2*)(gates+z+4*q)=make_uint2_((uint)DOWN_(gi)|(uint)DOWN_(gf)<<16,(uint)DOWN_(gc)|(uint)DOWN_(go)<<16);
      cells[c1+q]=c;
      y[y1+q]=DOWN_(go*tanhf(c));
    }
  }
}
#define STEP_(P,BOUNDS) extern "C" __global__ void __launch_bounds__ BOUNDS lstm_step_##P(STEP_ARGS){ \
  __shared__ float4 s[4*64*4*P]; \
  step_<P>(hp,w,bias,gates,cells,y,h0,z,c0,c1,y1,n,h,s); \
}
STEP_(1,(256,1))
STEP_(2,(256))
STEP_(3,(256))

// Four units' cells, back: q is the first one's place of n.
DEVFN void cells_(const float*parts, const float*RESTRICT cells, const T*RESTRICT dy, float*carry, T*gates, int z0, int c0, int c1, int y1, int n, int q, int shares){
  uint2 y=*(const uint2*)(dy+y1+q);
  uint4 g[2];
  g[0]=*(const uint4*)(gates+z0+4*q); g[1]=*(const uint4*)(gates+z0+4*q+8);
  float4 before=*(const float4*)(cells+c0+q), after=*(const float4*)(cells+c1+q), c=*(float4*)(carry+q);
  float v[4]={UP_((h16)(y.x&0xffffu)),UP_((h16)(y.x>>16)),UP_((h16)(y.y&0xffffu)),UP_((h16)(y.y>>16))};
  for(int k=0;k<shares;k++){
    float4 p=__ldcg((const float4*)(parts+k*n+q));
    v[0]+=p.x; v[1]+=p.y; v[2]+=p.z; v[3]+=p.w;
  }
  float b[4]={before.x,before.y,before.z,before.w}, a[4]={after.x,after.y,after.z,after.w}, e[4]={c.x,c.y,c.z,c.w};
  uint p[8]={g[0].x,g[0].y,g[0].z,g[0].w,g[1].x,g[1].y,g[1].z,g[1].w};
#pragma unroll
  for(int k=0;k<4;k++){
    float gi=UP_((h16)(p[2*k]&0xffffu)), gf=UP_((h16)(p[2*k]>>16)), gc=UP_((h16)(p[2*k+1]&0xffffu)), go=UP_((h16)(p[2*k+1]>>16));
    float tc=tanhf(a[k]), x=e[k]+v[k]*go*(1.0f-tc*tc);
    p[2*k]=(uint)DOWN_(x*gc*gi*(1.0f-gi))|(uint)DOWN_(x*b[k]*gf*(1.0f-gf))<<16;
    p[2*k+1]=(uint)DOWN_(x*gi*(1.0f-gc*gc))|(uint)DOWN_(v[k]*tc*go*(1.0f-go))<<16;
    e[k]=x*gf;
  }
  *(float4*)(carry+q)=make_float4_(e[0],e[1],e[2],e[3]);
  *(uint4*)(gates+z0+4*q)=make_uint4_(p[0],p[1],p[2],p[3]);
  *(uint4*)(gates+z0+4*q+8)=make_uint4_(p[4],p[5],p[6],p[7]);
}
// Back through the product of one step and the cells of the step before it: parts [shares, n, h] as
// lstm_back_product gives them, with the transpose of w, [h, 4h], and `per` divisible by 32. The block that is the
// last of a tile's shares, which counts [tiles] tells, adds them up in order and does what lstm_back_cell does. Gates
// are those of the step at z, which d names for reading, derivatives already, and of the one before at z0.
extern "C" __global__ void __launch_bounds__(256) lstm_back_3(const T*RESTRICT d, const T*RESTRICT w, float*parts, int*counts, const float*RESTRICT cells, const T*RESTRICT dy, float*carry, T*gates, const int z, const int z0, const int c0, const int c1, const int y1, const int n, const int h, const int per, const int shares){
  __shared__ float4 s[4*64*12];
  int u0=GRP0*48, r0=GRP1*64, q0=GRP2*per, q1=min(q0+per,4*h);
  sums_<3>(d+z+r0*4*h,w+u0*4*h,4*h,4*h,n-r0,h-u0,q0,q1,s);
  __syncthreads();
#pragma unroll
  for(int j=0;j<3;j++){
    int i=LID+256*j, r=r0+i/12, u=u0+i%12*4;
    if(r<n&&u<h) *(float4*)(parts+(GRP2*n+r)*h+u)=sum_<3>(s,i);
  }
  __threadfence();
  __syncthreads();
  int*last=(int*)s;
  if(LID==0){
    int*count=counts+GRP1*GRPS0+GRP0;
    *last=atomicAdd(count,1)==shares-1;
    if(*last) *count=0;
  }
  __syncthreads();
  if(!*last) return;
  __threadfence();
#pragma unroll
  for(int j=0;j<3;j++){
    int i=LID+256*j, r=r0+i/12, u=u0+i%12*4;
    if(r<n&&u<h) cells_(parts,cells,dy,carry,gates,z0,c0,c1,y1,n*h,r*h+u,shares);
  }
}

// The products of the LSTM's steps on tensor cores, CUDA only: mma with fragments loaded straight from global memory,
// m16n8k16 for float16 and bfloat16 and, for float, three m16n8k8 of TF32 for each: what TF32 leaves of a number is
// another such number. Within 32 steps of the sum (16 with float) thread t of four loads the 8 elements (4) from 8t
// (4t) on of a row at once and gives those of 4 bytes to each place of the fragments of two mma: that takes the
// steps in another order, the same for both sides. Columns are ordered so that a thread has the four neighbours 4t
// to 4t+3 of 16: a unit's gates.
//
// A block of 8 warps has 64 rows and 16*P columns; two warps share the rows, four the sum, whose parts are added in
// order in shared memory. h is divisible by 8.
DEVFN uint4 make_uint4_(uint x, uint y, uint z, uint w){ uint4 v; v.x=x; v.y=y; v.z=z; v.w=w; return v; }
DEVFN float4 make_float4_(float x, float y, float z, float w){ float4 v; v.x=x; v.y=y; v.z=z; v.w=w; return v; }
#define SIGMOID_(x) (1.0f/(1.0f+expf(-(x))))

#if defined(T_F16) || defined(T_BF16)
#define EACH_ 8 // elements that are loaded at once
#if defined(T_BF16)
#define KIND_ "bf16"
#define UP_(h) b2f_((h16)(h))
#define DOWN_(f) f2b_(f)
#else
#define KIND_ "f16"
#define UP_(h) h2f_((h16)(h))
#define DOWN_(f) f2h_(f)
#endif
typedef uint2 Four; // as they are stored
DEVFN void open_(Four q, float*v){ v[0]=UP_(q.x&0xffffu); v[1]=UP_(q.x>>16); v[2]=UP_(q.y&0xffffu); v[3]=UP_(q.y>>16); }
DEVFN Four shut_(const float*v){ Four q; q.x=(uint)DOWN_(v[0])|(uint)DOWN_(v[1])<<16; q.y=(uint)DOWN_(v[2])|(uint)DOWN_(v[3])<<16; return q; }
DEVFN void mma_(float*c, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1){
  asm("mma.sync.aligned.m16n8k16.row.col.f32." KIND_ "." KIND_ ".f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
    :"+f"(c[0]),"+f"(c[1]),"+f"(c[2]),"+f"(c[3]):"r"(a0),"r"(a1),"r"(a2),"r"(a3),"r"(b0),"r"(b1));
}
#else
#define EACH_ 4
#define DOWN_(f) (f)
typedef float4 Four;
DEVFN void open_(Four q, float*v){ v[0]=q.x; v[1]=q.y; v[2]=q.z; v[3]=q.w; }
DEVFN Four shut_(const float*v){ return make_float4_(v[0],v[1],v[2],v[3]); }
DEVFN uint tf32_(float f){ uint u; asm("cvt.rna.tf32.f32 %0,%1;":"=r"(u):"f"(f)); return u; }
DEVFN void mma1_(float*c, const uint*a, const uint*b){
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
    :"+f"(c[0]),"+f"(c[1]),"+f"(c[2]),"+f"(c[3]):"r"(a[0]),"r"(a[1]),"r"(a[2]),"r"(a[3]),"r"(b[0]),"r"(b[1]));
}
DEVFN void mma_(float*c, uint a0, uint a1, uint a2, uint a3, uint b0, uint b1){
  uint x[6]={a0,a1,a2,a3,b0,b1}, rest[6];
#pragma unroll
  for(int i=0;i<6;i++){
    float f=FLOAT(x[i]);
    x[i]=tf32_(f); rest[i]=tf32_(f-FLOAT(x[i]));
  }
  mma1_(c,rest,x+4); mma1_(c,x,rest+4); mma1_(c,x,x+4);
}
#endif
#define DEPTH_ (4*EACH_) // steps of the sum that are loaded at once
DEVFN uint4 load_(const T*RESTRICT p, bool there){ return there?*(const uint4*)p:make_uint4_(0u,0u,0u,0u); }

template<int P> struct Tiles {
  uint4 a[4], b[2*P];
  __device__ __forceinline__ void load(const T*RESTRICT a0, const T*RESTRICT b0, int lda, int ldb, int rows, int cols, int k, int end){
    int g=(LID&31)>>2, at=k+EACH_*(LID&3);
    bool in=at<end;
#pragma unroll
    for(int i=0;i<4;i++) a[i]=load_(a0+(g+8*i)*lda+at,in&&g+8*i<rows);
#pragma unroll
    for(int j=0;j<2*P;j++){
      int c=(j>>1)*16+(g>>1)*4+(g&1)+2*(j&1);
      b[j]=load_(b0+c*ldb+at,in&&c<cols);
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
// leave_ leaves a warp's sums in s [4, 64, 4*P].
template<int P> DEVFN void leave_(float (*acc)[2*P][4], float4*s, int half, int quarter){
  int g=(LID&31)>>2, t=LID&3;
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
// sums_ leaves in s [4, 64, 4*P] each quarter's part of the product of 64 rows of a and 16*P rows of b over k0 to k1.
template<int P> DEVFN void sums_(const T*RESTRICT a, const T*RESTRICT b, int lda, int ldb, int rows, int cols, int k0, int k1, float4*s){
  int warp=LID>>5, half=(warp&1)*32, quarter=warp>>1;
  int chunks=(k1-k0+DEPTH_-1)/DEPTH_, from=k0+chunks*quarter/4*DEPTH_, to=k0+chunks*(quarter+1)/4*DEPTH_;
  float acc[2][2*P][4];
#pragma unroll
  for(int i=0;i<2;i++)
#pragma unroll
    for(int j=0;j<2*P;j++) acc[i][j][0]=acc[i][j][1]=acc[i][j][2]=acc[i][j][3]=0.0f;
  a+=half*lda; rows-=half;
  Tiles<P> now, next;
  now.load(a,b,lda,ldb,rows,cols,from,from<to?k1:0);
  for(int k=from;k<to;k+=2*DEPTH_){
    next.load(a,b,lda,ldb,rows,cols,k+DEPTH_,k+DEPTH_<to?k1:0);
    now.times(acc);
    now.load(a,b,lda,ldb,rows,cols,k+2*DEPTH_,k+2*DEPTH_<to?k1:0);
    next.times(acc);
  }
  leave_<P>(acc,s,half,quarter);
}
// piped_ is the same by way of shared memory, where three parts of both sides are on the way at a time: a part is 16
// vectors of 16 bytes of each of the 64+16*P rows, of which each quarter of the warps has 4. Of odd rows the vectors
// change places, so that eight threads read from different banks.
#define PARTS_ 3
extern __shared__ uint4 memory_[];
template<int P> struct Pipe {
  const T*from[4+P]; // the thread's rows: one of sixteen, its vector
  unsigned there;    // bits of those that are within n or h
  int k, end;
  uint shared;
  __device__ __forceinline__ void begin(const T*a, const T*b, int lda, int ldb, int rows, int cols, int k0, int k1){
    int r=LID>>4, c=LID&15;
    k=k0+c*EACH_; end=k1; there=0u;
#pragma unroll
    for(int j=0;j<4+P;j++){
      bool in=j<4?r+16*j<rows:r+16*(j-4)<cols;
      from[j]=!in?a:j<4?a+(r+16*j)*lda:b+(r+16*(j-4))*ldb;
      there|=(in?1u:0u)<<j;
    }
    asm("{.reg .u64 a; cvta.to.shared.u64 a,%1; cvt.u32.u64 %0,a;}":"=r"(shared):"l"(memory_));
    shared+=16*(r*16+(c^((r&1)<<2)));
  }
  // load sends for the next part.
  __device__ __forceinline__ void load(int part){
#pragma unroll
    for(int j=0;j<4+P;j++){
      bool in=k<end&&(there>>j&1u);
      asm volatile("cp.async.cg.shared.global [%0],[%1],16,%2;"::"r"(shared+16*16*(part*(64+16*P)+16*j)),"l"(in?from[j]+k:from[0]),"r"(in?16:0):"memory");
    }
    k+=4*DEPTH_;
  }
};
template<int P> DEVFN void piped_(const T*a, const T*b, int lda, int ldb, int rows, int cols, int k0, int k1, float4*s){
  int warp=LID>>5, g=(LID&31)>>2, t=LID&3, half=(warp&1)*32, quarter=warp>>1, steps=(k1-k0+4*DEPTH_-1)/(4*DEPTH_);
  float acc[2][2*P][4];
#pragma unroll
  for(int i=0;i<2;i++)
#pragma unroll
    for(int j=0;j<2*P;j++) acc[i][j][0]=acc[i][j][1]=acc[i][j][2]=acc[i][j][3]=0.0f;
  Pipe<P> pipe;
  pipe.begin(a,b,lda,ldb,rows,cols,k0,k1);
#pragma unroll
  for(int i=0;i<PARTS_-1;i++){
    pipe.load(i);
    asm volatile("cp.async.commit_group;":::"memory");
  }
  int part=0, next=PARTS_-1;
  for(int i=0;i<steps;i++){
    asm volatile("cp.async.wait_group %0;"::"n"(PARTS_-2):"memory");
    __syncthreads();
    pipe.load(next);
    asm volatile("cp.async.commit_group;":::"memory");
    Tiles<P> tiles;
    const uint4*at=memory_+part*(64+16*P)*16+((quarter*4+t)^((g&1)<<2));
#pragma unroll
    for(int l=0;l<4;l++) tiles.a[l]=at[(half+g+8*l)*16];
#pragma unroll
    for(int j=0;j<2*P;j++) tiles.b[j]=at[(64+(j>>1)*16+(g>>1)*4+(g&1)+2*(j&1))*16];
    tiles.times(acc);
    part=part==PARTS_-1?0:part+1; next=next==PARTS_-1?0:next+1;
  }
  asm volatile("cp.async.wait_group 0;":::"memory");
  __syncthreads();
  leave_<P>(acc,s,half,quarter);
}
template<int P> DEVFN float4 sum_(const float4*s, int i){
  float4 a=s[i], b=s[i+256*P], c=s[i+512*P], d=s[i+768*P];
  return make_float4_(a.x+b.x+c.x+d.x,a.y+b.y+c.y+d.y,a.z+b.z+c.z+d.z,a.w+b.w+c.w+d.w);
}

// One step as lstm_step has it, 4*P units a block.
#define STEP_ARGS const T*RESTRICT hp, const T*RESTRICT w, const float*RESTRICT bias, T*gates, float*cells, T*y, const int h0, const int z, const int c0, const int c1, const int y1, const int n, const int h
template<int P, bool PIPED> DEVFN void step_(STEP_ARGS, float4*s){
  int u0=GRP0*4*P, r0=GRP1*64;
  Four in[P];
  float before[P];
#pragma unroll
  for(int j=0;j<P;j++){
    int i=LID+256*j, r=r0+i/(4*P), u=u0+i%(4*P);
    bool there=r<n&&u<h;
    if(there){ in[j]=*(const Four*)(gates+z+4*(r*h+u)); before[j]=cells[c0+r*h+u]; }
  }
  if(PIPED) piped_<P>(hp+h0+r0*h,w+u0*4*h,h,h,n-r0,4*(h-u0),0,h,s);
  else sums_<P>(hp+h0+r0*h,w+u0*4*h,h,h,n-r0,4*(h-u0),0,h,s);
  __syncthreads();
#pragma unroll
  for(int j=0;j<P;j++){
    int i=LID+256*j, r=r0+i/(4*P), u=u0+i%(4*P);
    if(r<n&&u<h){
      float4 v=sum_<P>(s,i), b=*(const float4*)(bias+4*u);
      int q=r*h+u;
      float g[4];
      open_(in[j],g);
      g[0]=SIGMOID_(v.x+b.x+g[0]); g[1]=SIGMOID_(v.y+b.y+g[1]); g[2]=tanhf(v.z+b.z+g[2]); g[3]=SIGMOID_(v.w+b.w+g[3]);
      float c=g[1]*before[j]+g[0]*g[2];
      *(Four*)(gates+z+4*q)=shut_(g);
      cells[c1+q]=c;
      y[y1+q]=DOWN_(g[3]*tanhf(c));
    }
  }
}
#define STEP_(P,BOUNDS) extern "C" __global__ void __launch_bounds__ BOUNDS lstm_step_##P(STEP_ARGS){ \
  __shared__ float4 s[4*64*4*P]; \
  step_<P,false>(hp,w,bias,gates,cells,y,h0,z,c0,c1,y1,n,h,s); \
} \
extern "C" __global__ void __launch_bounds__(256) lstm_piped_step_##P(STEP_ARGS){ step_<P,true>(hp,w,bias,gates,cells,y,h0,z,c0,c1,y1,n,h,(float4*)memory_); }
STEP_(1,(256,1))
STEP_(2,(256))
STEP_(3,(256))

// Four units' cells, back: q is the first one's place of n.
DEVFN void cells_(const float*parts, const float*RESTRICT cells, const T*RESTRICT dy, float*carry, T*gates, int z0, int c0, int c1, int y1, int n, int q, int shares){
  Four*at=(Four*)(gates+z0+4*q), g[4];
  for(int k=0;k<4;k++) g[k]=at[k];
  float4 before=*(const float4*)(cells+c0+q), after=*(const float4*)(cells+c1+q), c=*(float4*)(carry+q);
  float v[4];
  open_(*(const Four*)(dy+y1+q),v);
  for(int k=0;k<shares;k++){
    float4 p=__ldcg((const float4*)(parts+k*n+q));
    v[0]+=p.x; v[1]+=p.y; v[2]+=p.z; v[3]+=p.w;
  }
  float b[4]={before.x,before.y,before.z,before.w}, a[4]={after.x,after.y,after.z,after.w}, e[4]={c.x,c.y,c.z,c.w};
#pragma unroll
  for(int k=0;k<4;k++){
    float x[4], d[4];
    open_(g[k],x);
    float tc=tanhf(a[k]), s=e[k]+v[k]*x[3]*(1.0f-tc*tc);
    d[0]=s*x[2]*x[0]*(1.0f-x[0]);
    d[1]=s*b[k]*x[1]*(1.0f-x[1]);
    d[2]=s*x[0]*(1.0f-x[2]*x[2]);
    d[3]=v[k]*tc*x[3]*(1.0f-x[3]);
    e[k]=s*x[1];
    at[k]=shut_(d);
  }
  *(float4*)(carry+q)=make_float4_(e[0],e[1],e[2],e[3]);
}
// Back through the product of one step and the cells of the step before it: parts [shares, n, h] as
// lstm_back_product gives them, with the transpose of w, [h, 4h], and `per` divisible by 32. The block that is the
// last of a tile's shares, which counts [tiles] tells, adds them up in order and does what lstm_back_cell does. Gates
// are those of the step at z, which d names for reading, derivatives already, and of the one before at z0.
#define BACK_ARGS const T*RESTRICT d, const T*RESTRICT w, float*parts, int*counts, const float*RESTRICT cells, const T*RESTRICT dy, float*carry, T*gates, const int z, const int z0, const int c0, const int c1, const int y1, const int n, const int h, const int per, const int shares
template<bool PIPED> DEVFN void back_(BACK_ARGS, float4*s){
  int u0=GRP0*48, r0=GRP1*64, q0=GRP2*per, q1=min(q0+per,4*h);
  // What the last block needs is long out of the cache.
  for(int i=GRP2*256+LID;i<64*12;i+=256*shares){
    int r=r0+i/12, u=u0+i%12*4;
    if(r<n&&u<h) asm volatile("prefetch.global.L2 [%0];"::"l"(gates+z0+4*(r*h+u)));
  }
  if(PIPED) piped_<3>(d+z+r0*4*h,w+u0*4*h,4*h,4*h,n-r0,h-u0,q0,q1,s);
  else sums_<3>(d+z+r0*4*h,w+u0*4*h,4*h,4*h,n-r0,h-u0,q0,q1,s);
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
extern "C" __global__ void __launch_bounds__(256) lstm_back_3(BACK_ARGS){
  __shared__ float4 s[4*64*12];
  back_<false>(d,w,parts,counts,cells,dy,carry,gates,z,z0,c0,c1,y1,n,h,per,shares,s);
}
extern "C" __global__ void __launch_bounds__(256) lstm_piped_back_3(BACK_ARGS){ back_<true>(d,w,parts,counts,cells,dy,carry,gates,z,z0,c0,c1,y1,n,h,per,shares,(float4*)memory_); }

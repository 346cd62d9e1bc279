// The softmax cross-entropy of a vocabulary. x [rows, v] are the scores of rows r0 and on; a block has a row.
// y is [n, steps], row r = t*n + i. loss and best are those of all rows. With the way back the scores become
// their derivatives times mul.
#define XENT_ARGS GLOBAL T*RESTRICT x, GLOBAL const int64*RESTRICT y, GLOBAL float*RESTRICT loss, GLOBAL float*RESTRICT best, GLOBAL int*flag, const int r0, const int v, const int n, const int steps, const int step
#ifdef __OPENCL_VERSION__
#define FASTEXP_(x) EXPF(x)
#else
#define FASTEXP_(x) __expf(x)
#endif
#define LOWEST_ (-3.4028234e38f)
#define XENT_LOOK \
  LOCAL float st[256], ss[256]; \
  LOCAL int sb[256]; \
  int r=r0+GRP0, i0=GRP0*(v/V), none=0x7fffffff; \
  int64 word=y[(r%n)*steps+r/n]; \
  if(word<0||word>=v){ \
    if(LID==0) RAISE(flag,FLAG_TARGET,word,r%n,r/n,v,step); \
    word=0; \
  } \
  float top=LOWEST_, sum=0.0f; \
  int at=none; \
  for(int i=LID;i<v/V;i+=256){ \
    float s[V]; \
    LDV(x,i0+i,s); \
    float m=s[0]; \
    ALLV(j) m=FMAXF(m,s[j]); \
    if(m>top){ \
      sum*=FASTEXP_(top-m); top=m; \
      for(int j=V-1;j>=0;j--) if(s[j]==m) at=i*V+j; \
    } \
    ALLV(j) sum+=FASTEXP_(s[j]-top); \
  } \
  st[LID]=top; ss[LID]=sum; sb[LID]=at; \
  BARRIER; \
  for(int s=128;s>0;s>>=1){ \
    if(LID<s){ \
      float a=st[LID], b=st[LID+s], m=FMAXF(a,b); \
      int j=sb[LID], k=sb[LID+s]; \
      ss[LID]=ss[LID]*FASTEXP_(a-m)+ss[LID+s]*FASTEXP_(b-m); \
      st[LID]=m; sb[LID]=b>a||(b==a&&k<j)?k:j; \
    } \
    BARRIER; \
  } \
  float lse=st[0]+LOGF(ss[0]); \
  if(LID==0){ loss[r]=lse-LD(x,i0*V+(int)word); best[r]=(float)(sb[0]==none?0:sb[0]); }

KERNEL void xent(XENT_ARGS){
  XENT_LOOK
}
KERNEL void xent_back(XENT_ARGS, const float mul){
  XENT_LOOK
  BARRIER;
  for(int i=LID;i<v/V;i+=256){
    float s[V];
    LDV(x,i0+i,s);
    ALLV(j) s[j]=(FASTEXP_(s[j]-lse)-(i*V+j==(int)word?1.0f:0.0f))*mul;
    STV(x,i0+i,s);
  }
}
// The mean of n losses; one block.
KERNEL void xent_mean(GLOBAL const float*RESTRICT loss, GLOBAL float*RESTRICT out, const int n){
  LOCAL float s[256];
  float a=0.0f;
  for(int i=LID;i<n;i+=256) a+=loss[i];
  s[LID]=a;
  BARRIER;
  for(int k=128;k>0;k>>=1){
    if(LID<k) s[LID]+=s[LID+k];
    BARRIER;
  }
  if(LID==0) out[0]=s[0]/(float)n;
}
// The sums of the columns of x [rows, v], in parts of `per` rows from part p0 on: parts [..., v].
KERNEL void vocab_parts(GLOBAL const T*RESTRICT x, GLOBAL float*RESTRICT parts, const int rows, const int v, const int per, const int p0){
  int c=GID, a=GRP1*per, b=a+per<rows?a+per:rows;
  if(c<v){
    float s=0.0f;
    for(int r=a;r<b;r++) s+=LD(x,r*v+c);
    parts[(p0+GRP1)*v+c]=s;
  }
}
KERNEL void vocab_sum(GLOBAL const float*RESTRICT parts, GLOBAL float*RESTRICT out, const int n, const int v){
  for(int i=GID;i<v;i+=GSIZE){
    float s=0.0f;
    for(int p=0;p<n;p++) s+=parts[p*v+i];
    out[i]=s;
  }
}
// Rows of h [steps, n, e] in the order of [n, steps].
KERNEL void rows_of_batch(GLOBAL const T*RESTRICT h, GLOBAL T*RESTRICT out, const int steps, const int n, const int e){
  for(int i=GID;i<steps*n*e;i+=GSIZE){
    int r=i/e, t=r%steps, b=r/steps;
    out[i]=h[(t*n+b)*e+(i-r*e)];
  }
}

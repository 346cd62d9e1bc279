// Sums over all elements, in two phases: each of GRPS0 blocks adds a part up, one block joins the parts. The order is
// always the same.
#define SUM2(name,r) KERNEL void sum_##name(GLOBAL const T*RESTRICT x, GLOBAL const T*RESTRICT y, GLOBAL float*RESTRICT part, const int n){ \
  LOCAL float sh[MAXTHREADS]; const int m=n/V; float s=0.0f; \
  for(int i=GID;i<m;i+=GSIZE){ float a[V],b[V],t=0.0f; LDV(x,i,a); LDV(y,i,b); ALLV(j) { const float u=a[j],w=b[j]; t+=(r); } s+=t; } \
  if(m*V+GID<n){ const float u=LD(x,m*V+GID),w=LD(y,m*V+GID); s+=(r); } \
  sh[LID]=s; BARRIER; TREE \
  if(LID==0) part[GRP0]=sh[0]; }
DEVFN float sq_(float x){ return x*x; }
SUM2(dot,u*w)
SUM2(mse,sq_(u-w))
SUM2(bce_logits,RELU(u)-u*w+LOG1PF(EXPF(-FABSF(u))))
KERNEL void sum_all(GLOBAL const T*RESTRICT x, GLOBAL float*RESTRICT part, const int n){
  LOCAL float sh[MAXTHREADS]; const int m=n/V; float s=0.0f;
  for(int i=GID;i<m;i+=GSIZE){ float a[V],t=0.0f; LDV(x,i,a); ALLV(j) t+=a[j]; s+=t; }
  if(m*V+GID<n) s+=LD(x,m*V+GID);
  sh[LID]=s; BARRIER; TREE
  if(LID==0) part[GRP0]=sh[0];
}
KERNEL void join_sum(GLOBAL const float*RESTRICT part, GLOBAL float*RESTRICT out, const int at, const int n, const float factor){
  LOCAL float sh[MAXTHREADS]; float s=0.0f;
#pragma unroll 8
  for(int i=LID;i<n;i+=BLOCK) s+=part[at+i];
  sh[LID]=s; BARRIER; TREE
  if(LID==0) out[0]=sh[0]*factor;
}
// join_ratio divides one sum by another: 0 by 0 is 0.
KERNEL void join_ratio(GLOBAL const float*RESTRICT part, GLOBAL float*RESTRICT out, const int n){
  LOCAL float sh[MAXTHREADS], sw[MAXTHREADS]; float s=0.0f,w=0.0f;
  for(int i=LID;i<n;i+=BLOCK){ s+=part[i]; w+=part[n+i]; }
  sh[LID]=s; sw[LID]=w; BARRIER;
  for(int h=BLOCK/2;h>0;h>>=1){ if(LID<h){ sh[LID]+=sh[LID+h]; sw[LID]+=sw[LID+h]; } BARRIER; }
  if(LID==0) out[0]=sh[0]/(sw[0]==0.0f?1.0f:sw[0]);
}

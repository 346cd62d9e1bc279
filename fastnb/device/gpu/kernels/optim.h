// Optimizers, in place. A launch takes eight tensors, the second number of the grid says which; those that are too
// many have no elements. What was raised as wrong leaves everything as it is.
#define EIGHT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define PICK8(t) (s_==0?t##0:s_==1?t##1:s_==2?t##2:s_==3?t##3:s_==4?t##4:s_==5?t##5:s_==6?t##6:t##7)
#define ARGS3(k) GLOBAL float*p##k, GLOBAL const float*g##k, GLOBAL float*m##k, const int n##k, const int r##k,
#define ARGS4(k) GLOBAL float*p##k, GLOBAL const float*g##k, GLOBAL float*m##k, GLOBAL float*v##k, const int n##k, const int r##k,
// Rows of h: rate, momentum, beta2, eps, decay, two numbers of the step, what multiplies gradients.
#define BEGIN8 if(RAISED(flag)) return; const int s_=GRP1, n=PICK8(n), row=8*PICK8(r); GLOBAL float*p=PICK8(p); GLOBAL const float*g=PICK8(g); \
  const float lr=h[row], mom=h[row+1], beta2=h[row+2], eps=h[row+3], wd=h[row+4], scale=h[row+7];
// A thread takes four numbers at a time, so that it waits for memory once for all of them; those left over, one.
// The gradient is d, the parameter q, the states a and b.
#define DECAY(L2) float q=P[j], d=G[j]*scale; if(L2) d+=wd*q; else q*=1.0f-lr*wd;
#define FOUR_IN(from,f,i) { const float4 q_=((GLOBAL const float4*)(from))[i]; f[0]=q_.x; f[1]=q_.y; f[2]=q_.z; f[3]=q_.w; }
#define FOUR_OUT(to,f,i) { float4 q_; q_.x=f[0]; q_.y=f[1]; q_.z=f[2]; q_.w=f[3]; ((GLOBAL float4*)(to))[i]=q_; }
#define ALL4 _Pragma("unroll") for(int j=0;j<4;j++)
#define STEP4(STEP) const int whole=n/4; \
  for(int i=GID;i<whole;i+=GSIZE){ float P[4],G[4],A[4],B[4]; FOUR_IN(p,P,i) FOUR_IN(g,G,i) FOUR_IN(m,A,i) FOUR_IN(v,B,i) ALL4 { STEP } FOUR_OUT(m,A,i) FOUR_OUT(v,B,i) FOUR_OUT(p,P,i) } \
  if(4*whole+GID<n){ const int i=4*whole+GID,j=0; float P[1],G[1],A[1],B[1]; P[0]=p[i]; G[0]=g[i]; A[0]=m[i]; B[0]=v[i]; STEP m[i]=A[0]; v[i]=B[0]; p[i]=P[0]; }
#define STEP3(STEP) const int whole=n/4; \
  for(int i=GID;i<whole;i+=GSIZE){ float P[4],G[4],A[4]; FOUR_IN(p,P,i) FOUR_IN(g,G,i) FOUR_IN(m,A,i) ALL4 { STEP } FOUR_OUT(m,A,i) FOUR_OUT(p,P,i) } \
  if(4*whole+GID<n){ const int i=4*whole+GID,j=0; float P[1],G[1],A[1]; P[0]=p[i]; G[0]=g[i]; A[0]=m[i]; STEP m[i]=A[0]; p[i]=P[0]; }
#define ADAM(name,L2) KERNEL void name(EIGHT(ARGS4) GLOBAL const float*RESTRICT h, GLOBAL const int*RESTRICT flag){ \
  BEGIN8 GLOBAL float*m=PICK8(m); GLOBAL float*v=PICK8(v); const float h5=h[row+5], h6=h[row+6]; \
  STEP4(DECAY(L2) A[j]=mom*A[j]+(1.0f-mom)*d; B[j]=beta2*B[j]+(1.0f-beta2)*d*d; P[j]=q-lr*(A[j]/h5/(SQRTF(B[j]/h6)+eps));) }
#define SGD(name,L2) KERNEL void name(EIGHT(ARGS3) GLOBAL const float*RESTRICT h, GLOBAL const int*RESTRICT flag){ \
  BEGIN8 GLOBAL float*m=PICK8(m); const int first=h[row+5]==1.0f; \
  STEP3(DECAY(L2) A[j]=first?d:mom*A[j]+d; P[j]=q-lr*A[j];) }
#define RMSPROP(name,L2) KERNEL void name(EIGHT(ARGS4) GLOBAL const float*RESTRICT h, GLOBAL const int*RESTRICT flag){ \
  BEGIN8 GLOBAL float*m=PICK8(m); GLOBAL float*v=PICK8(v); \
  STEP4(DECAY(L2) A[j]=beta2*A[j]+(1.0f-beta2)*d*d; B[j]=mom*B[j]+d/(SQRTF(A[j])+eps); P[j]=q-lr*B[j];) }
ADAM(adam,0)
ADAM(adam_l2,1)
SGD(sgd,0)
SGD(sgd_l2,1)
RMSPROP(rmsprop,0)
RMSPROP(rmsprop_l2,1)

#define ARGSA(k) GLOBAL float*p##k, GLOBAL const float*g##k, const int n##k,
KERNEL void accumulate(EIGHT(ARGSA) GLOBAL const float*RESTRICT h, GLOBAL const int*RESTRICT flag){
  if(RAISED(flag)) return;
  const int s_=GRP1, n=PICK8(n); GLOBAL float*p=PICK8(p); GLOBAL const float*g=PICK8(g); const float keep=h[0], weight=h[1];
  for(int i=GID;i<n;i+=GSIZE) p[i]=keep==0.0f?weight*g[i]:keep*p[i]+weight*g[i];
}
#define ARGSQ(k) GLOBAL const float*g##k, const int n##k,
KERNEL void sqnorm(EIGHT(ARGSQ) GLOBAL float*RESTRICT part, const int at){
  LOCAL float sh[MAXTHREADS];
  const int s_=GRP1, n=PICK8(n); GLOBAL const float*g=PICK8(g); float s=0.0f;
  const int whole=n/4;
#pragma unroll 4
  for(int i=GID;i<whole;i+=GSIZE){ const float4 q=((GLOBAL const float4*)g)[i]; s+=(q.x*q.x+q.y*q.y)+(q.z*q.z+q.w*q.w); }
  if(4*whole+GID<n) s+=g[4*whole+GID]*g[4*whole+GID];
  sh[LID]=s; BARRIER; TREE
  if(LID==0) part[at+GRP1*GRPS0+GRP0]=sh[0];
}
// bn_update moves running means m and variances v; o is count/(count-1). A channel that would
// become infinite or no number stays.
#define ARGSB(k) GLOBAL float*m##k, GLOBAL float*v##k, GLOBAL const float*s##k, const int n##k, const float f##k, const float o##k,
KERNEL void bn_update(EIGHT(ARGSB) GLOBAL const int*RESTRICT flag){
  if(RAISED(flag)) return;
  const int s_=GRP1, n=PICK8(n); GLOBAL float*m=PICK8(m); GLOBAL float*v=PICK8(v); GLOBAL const float*s=PICK8(s); const float f=PICK8(f), over=PICK8(o);
  for(int c=GID;c<n;c+=GSIZE){ const float a=(1.0f-f)*m[c]+f*s[c], b=(1.0f-f)*v[c]+f*s[n+c]*over;
    if(a-a==0.0f&&b-b==0.0f){ m[c]=a; v[c]=b; } }
}

// Norms of weights [O, K], float32. Column p of a picture's weight is PyTorch's column p%c*pixels + p/c.
#define BSUM(v) sh[LID]=v; BARRIER; TREE v=sh[0]; BARRIER;
#define TINY 1e-12f
// A block takes an output.
KERNEL void weight_norm(GLOBAL const float*RESTRICT v, GLOBAL const float*RESTRICT g, GLOBAL float*RESTRICT out, const int K){
  LOCAL float sh[MAXTHREADS]; const int o=GRP0*K; float s=0.0f;
  for(int i=LID;i<K;i+=BLOCK) s+=v[o+i]*v[o+i];
  BSUM(s) const float f=g[GRP0]/SQRTF(s);
  for(int i=LID;i<K;i+=BLOCK) out[o+i]=f*v[o+i];
}
#define NORM_AND_DOT LOCAL float sh[MAXTHREADS]; const int o=GRP0*K; float s=0.0f,d=0.0f; \
  for(int i=LID;i<K;i+=BLOCK){ s+=v[o+i]*v[o+i]; d+=dw[o+i]*v[o+i]; } BSUM(s) BSUM(d) const float norm=SQRTF(s);
KERNEL void weight_norm_dv(GLOBAL const float*RESTRICT dw, GLOBAL const float*RESTRICT v, GLOBAL const float*RESTRICT g, GLOBAL float*RESTRICT dv, const int K){
  NORM_AND_DOT const float f=g[GRP0]/norm, e=d/s;
  for(int i=LID;i<K;i+=BLOCK) dv[o+i]=f*(dw[o+i]-v[o+i]*e);
}
KERNEL void weight_norm_dg(GLOBAL const float*RESTRICT dw, GLOBAL const float*RESTRICT v, GLOBAL float*RESTRICT dg, const int K){
  NORM_AND_DOT if(LID==0) dg[GRP0]=d/norm;
}

#define COLUMN(p) ((p)%c*pixels+(p)/c)
// v[p] = sum of w[i, p] u[i]
KERNEL void spectral_v(GLOBAL const float*RESTRICT w, GLOBAL const float*RESTRICT u, GLOBAL float*RESTRICT v, const int O, const int K){
  const int p=GID; if(p>=K) return;
  float s=0.0f; for(int i=0;i<O;i++) s+=w[i*K+p]*u[i];
  v[p]=s;
}
// length gives what normalises a vector.
KERNEL void spectral_length(GLOBAL const float*RESTRICT v, GLOBAL float*RESTRICT over, const int n){
  LOCAL float sh[MAXTHREADS]; float s=0.0f;
  for(int i=LID;i<n;i+=BLOCK) s+=v[i]*v[i];
  BSUM(s) if(LID==0) over[0]=1.0f/FMAXF(SQRTF(s),TINY);
}
// u[i] = sum of w[i, p] v[p] f
KERNEL void spectral_u(GLOBAL const float*RESTRICT w, GLOBAL const float*RESTRICT v, GLOBAL const float*RESTRICT f, GLOBAL float*RESTRICT u, const int K){
  LOCAL float sh[MAXTHREADS]; float s=0.0f;
  for(int p=LID;p<K;p+=BLOCK) s+=w[GRP0*K+p]*v[p];
  BSUM(s) if(LID==0) u[GRP0]=s*f[0];
}
KERNEL void spectral_finish(GLOBAL const float*RESTRICT u, GLOBAL const float*RESTRICT fu, GLOBAL const float*RESTRICT v, GLOBAL const float*RESTRICT fv, GLOBAL float*RESTRICT out, const int O, const int K, const int c, const int pixels){
  const int i=GID;
  if(i<O) out[i]=u[i]*fu[0];
  else if(i<O+K){ const int p=i-O; out[O+COLUMN(p)]=v[p]*fv[0]; }
}
// t[i] = u[i] times the sum of w[i, p] v[p]: their sum is the largest singular value
KERNEL void spectral_sigma(GLOBAL const float*RESTRICT w, GLOBAL const float*RESTRICT uv, GLOBAL float*RESTRICT t, const int O, const int K, const int c, const int pixels){
  LOCAL float sh[MAXTHREADS]; float s=0.0f;
  for(int p=LID;p<K;p+=BLOCK) s+=w[GRP0*K+p]*uv[O+COLUMN(p)];
  BSUM(s) if(LID==0) t[GRP0]=s*uv[GRP0];
}
KERNEL void spectral_norm_dx(GLOBAL const float*RESTRICT dy, GLOBAL const float*RESTRICT uv, GLOBAL const float*RESTRICT sigma, GLOBAL const float*RESTRICT dot, GLOBAL float*RESTRICT dw, const int O, const int K, const int c, const int pixels){
  const int i=GID; if(i>=O*K) return;
  const int p=i%K; const float s=sigma[0];
  dw[i]=dy[i]/s-dot[0]/(s*s)*uv[i/K]*uv[O+COLUMN(p)];
}
KERNEL void spectral_keep(GLOBAL const float*RESTRICT u, GLOBAL const float*RESTRICT v, GLOBAL float*RESTRICT uv, const int O, const int K){
  const int i=GID; if(i<O+K) uv[i]=i<O?u[i]:v[i-O];
}
KERNEL void spectral_update(GLOBAL float*RESTRICT u, GLOBAL float*RESTRICT v, GLOBAL const float*RESTRICT uv, GLOBAL const int*RESTRICT flag, const int O, const int K){
  const int i=GID; if(RAISED(flag)||i>=O+K) return;
  if(i<O) u[i]=uv[i]; else v[i-O]=uv[i];
}

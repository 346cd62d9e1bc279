// Batch normalisation over [R, C].

// bn_stats_part gives each block's mean and sum of squared distances from it, [G, 2, C], and behind them its rows.
// Each thread adds up distances from the first value that it meets, so that no large mean hides a small spread;
// pairs are joined as Chan, Golub and LeVeque 1979 do.
KERNEL void bn_stats_part(GLOBAL const T*RESTRICT x, GLOBAL float*RESTRICT part, const int R, const int C, const int cols){
  LOCAL float sm[MAXTHREADS*V], sq[MAXTHREADS*V], sn[MAXTHREADS];
  COLUMNS
  float at[V],s[V],q[V],n=0.0f;
  ALLV(j) { at[j]=0.0f; s[j]=0.0f; q[j]=0.0f; }
  if(on){
    if(row0<R) LDV(x,row0*wide+col,at);
#pragma unroll 4
    for(int r=row0;r<R;r+=rows){ float a[V]; LDV(x,r*wide+col,a); n+=1.0f;
      ALLV(j) { const float d=a[j]-at[j]; s[j]+=d; q[j]=FMA(d,d,q[j]); } }
    const float over=n>0.0f?1.0f/n:0.0f;
    sn[LID]=n;
    ALLV(j) { sm[AT(LID,j)]=at[j]+s[j]*over; const float z=q[j]-s[j]*s[j]*over; sq[AT(LID,j)]=RELU(z); }
  }
  BARRIER;
  HALF(h,lanes)
  for(;h>0;h>>=1){
    if(on&&lane<h&&lane+h<lanes){
      const int o=LID+h*cols; const float na=sn[LID],nb=sn[o],w=nb>0.0f?nb/(na+nb):0.0f;
      ALLV(j) { const float d=nb>0.0f?sm[AT(o,j)]-sm[AT(LID,j)]:0.0f; sm[AT(LID,j)]+=d*w; sq[AT(LID,j)]+=sq[AT(o,j)]+d*d*na*w; }
      sn[LID]=na+nb;
    }
    BARRIER;
  }
  if(on&&lane==0){
    ALLV(j) { part[GRP0*2*C+col*V+j]=sm[AT(LID,j)]; part[(GRP0*2+1)*C+col*V+j]=sq[AT(LID,j)]; }
    if(col==0) part[GRPS0*2*C+GRP0]=sn[LID];
  }
}

#define JOIN 8
// bn_stats_join joins the G blocks: 8 channels to a block, 32 threads to a channel. First the mean of the means, then
// what is left of the distances: neither waits for a division.
KERNEL void bn_stats_join(GLOBAL const float*RESTRICT part, GLOBAL float*RESTRICT stats, const int R, const int C, const int G){
  LOCAL float sh[MAXTHREADS];
  const int lane=LID/JOIN, c=GRP0*JOIN+LID%JOIN, lanes=BLOCK/JOIN, last=c<C?G:0;
  const float over=1.0f/(float)R;
  float s=0.0f,q=0.0f;
#pragma unroll 8
  for(int b=lane;b<last;b+=lanes) s=FMA(part[G*2*C+b]*over,part[b*2*C+c],s);
  sh[LID]=s;
  BARRIER;
  for(int h=lanes/2;h>0;h>>=1){ if(lane<h) sh[LID]+=sh[LID+h*JOIN]; BARRIER; }
  const float mean=sh[LID%JOIN];
  BARRIER;
#pragma unroll 8
  for(int b=lane;b<last;b+=lanes){ const float d=part[b*2*C+c]-mean; q+=FMA(part[G*2*C+b]*d,d,part[(b*2+1)*C+c]); }
  sh[LID]=q;
  BARRIER;
  for(int h=lanes/2;h>0;h>>=1){ if(lane<h) sh[LID]+=sh[LID+h*JOIN]; BARRIER; }
  if(lane==0&&c<C){ stats[c]=mean; stats[C+c]=sh[LID]*over; }
}

// BN_SCALES are what a thread needs of its channels. The variance of stats [2, C] begins at vat.
#define BN_SCALES(k) float mu[V],sc[V]; ALLV(j) { mu[j]=0.0f; sc[j]=0.0f; } \
  if(on){ ALLV(j) { mu[j]=mean[col*V+j]; sc[j]=(k)*RSQRT(var[vat+col*V+j]+eps); } }
#define BN_APPLY(name,PLUS,CLIP) KERNEL void name(GLOBAL const T*RESTRICT x, GLOBAL const float*RESTRICT mean, GLOBAL const float*RESTRICT var, GLOBAL const float*RESTRICT gamma, GLOBAL const float*RESTRICT beta, GLOBAL const T*RESTRICT res, GLOBAL T*RESTRICT y, const int R, const int C, const int cols, const int vat, const float eps){ \
  COLUMNS BN_SCALES(gamma[col*V+j]) float be[V]; \
  if(on){ ALLV(j) be[j]=beta[col*V+j]; \
    _Pragma("unroll 2") for(int r=row0;r<R;r+=rows){ float a[V],b[V]; LDV(x,r*wide+col,a); if(PLUS) LDV(res,r*wide+col,b); \
      ALLV(j) { float v=FMA(a[j]-mu[j],sc[j],be[j]); if(PLUS) v+=b[j]; a[j]=CLIP?RELU(v):v; } \
      STV(y,r*wide+col,a); } } }
BN_APPLY(bn_apply,0,0)
BN_APPLY(bn_apply_relu,0,1)
BN_APPLY(bn_apply_res,1,0)
BN_APPLY(bn_apply_res_relu,1,1)

// bn_grads_part gives each block's sums of dy (x - mean) and of dy, [G, 2, C]. Variants: dy counts where y is positive
// (MASK), or where the norm's own result is (SELF); dy is the sum of two (SUM); what counts of it is kept (KEEP).
#define BN_GRADS(name,SUM,MASK,SELF,KEEP) KERNEL void name(GLOBAL const T*RESTRICT dy, GLOBAL const T*RESTRICT dz, GLOBAL const T*RESTRICT x, GLOBAL const float*RESTRICT mean, GLOBAL const float*RESTRICT var, GLOBAL const float*RESTRICT gamma, GLOBAL const float*RESTRICT beta, GLOBAL const T*RESTRICT y, GLOBAL T*RESTRICT kept, GLOBAL float*RESTRICT part, const int R, const int C, const int cols, const int vat, const float eps){ \
  LOCAL float sg[MAXTHREADS*V], sb[MAXTHREADS*V]; \
  COLUMNS float mu[V],sc[V],be[V],g[V],b[V]; \
  ALLV(j) { mu[j]=0.0f; sc[j]=0.0f; be[j]=0.0f; g[j]=0.0f; b[j]=0.0f; } \
  if(on){ ALLV(j) { mu[j]=mean[col*V+j]; if(SELF) { sc[j]=gamma[col*V+j]*RSQRT(var[vat+col*V+j]+eps); be[j]=beta[col*V+j]; } } \
    _Pragma("unroll 2") for(int r=row0;r<R;r+=rows){ float d[V],a[V],m[V]; LDV(dy,r*wide+col,d); LDV(x,r*wide+col,a); \
      if(MASK) LDV(y,r*wide+col,m); \
      if(SUM){ float e[V]; LDV(dz,r*wide+col,e); ALLV(j) d[j]+=e[j]; } \
      ALLV(j) { if(MASK) d[j]=m[j]>0.0f?d[j]:0.0f; if(SELF) d[j]=FMA(a[j]-mu[j],sc[j],be[j])>0.0f?d[j]:0.0f; b[j]+=d[j]; g[j]=FMA(d[j],a[j]-mu[j],g[j]); } \
      if(KEEP) STV(kept,r*wide+col,d); } \
    ALLV(j) { sg[AT(LID,j)]=g[j]; sb[AT(LID,j)]=b[j]; } } \
  BARRIER; \
  HALF(h,lanes) \
  for(;h>0;h>>=1){ if(on&&lane<h&&lane+h<lanes){ ALLV(j) { sg[AT(LID,j)]+=sg[AT(LID+h*cols,j)]; sb[AT(LID,j)]+=sb[AT(LID+h*cols,j)]; } } BARRIER; } \
  if(on&&lane==0){ ALLV(j) { part[GRP0*2*C+col*V+j]=sg[AT(LID,j)]; part[(GRP0*2+1)*C+col*V+j]=sb[AT(LID,j)]; } } }
BN_GRADS(bn_grads_part,0,0,0,0)
BN_GRADS(bn_grads_part_mask,0,1,0,0)
BN_GRADS(bn_grads_part_self,0,0,1,0)
BN_GRADS(bn_grads_part_keep,0,1,0,1)
BN_GRADS(bn_grads_part_sum,1,1,0,1)
// Its two rows are parameters' gradients too: to says to which places besides they go.
KERNEL void bn_grads_join(GLOBAL const float*RESTRICT part, GLOBAL const float*RESTRICT var, GLOBAL float*grads, GLOBAL float*dgamma, GLOBAL float*dbeta, const int to, const int C, const int G, const int vat, const float eps){
  LOCAL float sg[MAXTHREADS],sb[MAXTHREADS];
  const int lane=LID/JOIN, c=GRP0*JOIN+LID%JOIN, lanes=BLOCK/JOIN;
  float g=0.0f,s=0.0f;
  const int last=c<C?G:0;
#pragma unroll 8
  for(int b=lane;b<last;b+=lanes){ g+=part[b*2*C+c]; s+=part[(b*2+1)*C+c]; }
  sg[LID]=g; sb[LID]=s;
  BARRIER;
  for(int h=lanes/2;h>0;h>>=1){ if(lane<h){ sg[LID]+=sg[LID+h*JOIN]; sb[LID]+=sb[LID+h*JOIN]; } BARRIER; }
  if(lane==0&&c<C){ const float dg=sg[LID]*RSQRT(var[vat+c]+eps), db=sb[LID];
    grads[c]=dg; grads[C+c]=db;
    if(to&1) dgamma[c]=dg;
    if(to&2) dbeta[c]=db; }
}

// dx = gamma inv (dy - dbeta/R - (x - mean) inv dgamma/R)
#define BN_DX(name,MASK,SELF) KERNEL void name(GLOBAL const T*RESTRICT dy, GLOBAL const T*RESTRICT x, GLOBAL const float*RESTRICT mean, GLOBAL const float*RESTRICT var, GLOBAL const float*RESTRICT gamma, GLOBAL const float*RESTRICT beta, GLOBAL const float*RESTRICT grads, GLOBAL const T*RESTRICT y, GLOBAL T*RESTRICT dx, const int R, const int C, const int cols, const int vat, const float eps){ \
  COLUMNS const float over=1.0f/(float)R; BN_SCALES(1.0f) \
  if(on){ float ga[V],be[V],m1[V],m2[V]; ALLV(j) { ga[j]=gamma[col*V+j]*sc[j]; be[j]=SELF?beta[col*V+j]:0.0f; m1[j]=grads[C+col*V+j]*over; m2[j]=grads[col*V+j]*over*sc[j]; } \
    _Pragma("unroll 2") for(int r=row0;r<R;r+=rows){ float d[V],a[V],m[V]; LDV(dy,r*wide+col,d); LDV(x,r*wide+col,a); if(MASK) LDV(y,r*wide+col,m); \
      ALLV(j) { float e=d[j]; const float o=a[j]-mu[j]; if(MASK) e=m[j]>0.0f?e:0.0f; if(SELF) e=FMA(o,ga[j],be[j])>0.0f?e:0.0f; a[j]=ga[j]*(e-m1[j]-o*m2[j]); } \
      STV(dx,r*wide+col,a); } } }
BN_DX(bn_dx,0,0)
BN_DX(bn_dx_mask,1,0)
BN_DX(bn_dx_self,0,1)
#define BN_EVAL_DX(name,MASK) KERNEL void name(GLOBAL const T*RESTRICT dy, GLOBAL const float*RESTRICT var, GLOBAL const float*RESTRICT gamma, GLOBAL const T*RESTRICT y, GLOBAL T*RESTRICT dx, const int R, const int C, const int cols, const float eps){ \
  COLUMNS if(on){ float sc[V]; ALLV(j) sc[j]=gamma[col*V+j]*RSQRT(var[col*V+j]+eps); \
    _Pragma("unroll 2") for(int r=row0;r<R;r+=rows){ float d[V],m[V]; LDV(dy,r*wide+col,d); if(MASK) LDV(y,r*wide+col,m); \
      ALLV(j) { float e=d[j]; if(MASK) e=m[j]>0.0f?e:0.0f; d[j]=e*sc[j]; } \
      STV(dx,r*wide+col,d); } } }
BN_EVAL_DX(bn_eval_dx,0)
BN_EVAL_DX(bn_eval_dx_mask,1)

// colsum_part gives each block's sums over rows, [G, C].
KERNEL void colsum_part(GLOBAL const T*RESTRICT x, GLOBAL float*RESTRICT part, const int R, const int C, const int cols){
  LOCAL float sh[MAXTHREADS*V];
  COLUMNS float s[V];
  ALLV(j) s[j]=0.0f;
  if(on){
#pragma unroll 4
    for(int r=row0;r<R;r+=rows){ float a[V]; LDV(x,r*wide+col,a); ALLV(j) s[j]+=a[j]; }
    ALLV(j) sh[AT(LID,j)]=s[j];
  }
  BARRIER;
  HALF(h,lanes)
  for(;h>0;h>>=1){ if(on&&lane<h&&lane+h<lanes){ ALLV(j) sh[AT(LID,j)]+=sh[AT(LID+h*cols,j)]; } BARRIER; }
  if(on&&lane==0){ ALLV(j) part[GRP0*C+col*V+j]=sh[AT(LID,j)]; }
}
// relu_sums_part masks dy, or the sum of dy and dz, where y is not positive, keeps that and adds it up.
#define RELU_SUMS(name,SUM) KERNEL void name(GLOBAL const T*RESTRICT dy, GLOBAL const T*RESTRICT dz, GLOBAL const T*RESTRICT y, GLOBAL T*RESTRICT kept, GLOBAL float*RESTRICT part, const int R, const int C, const int cols){ \
  LOCAL float sh[MAXTHREADS*V]; \
  COLUMNS float s[V]; \
  ALLV(j) s[j]=0.0f; \
  if(on){ \
    _Pragma("unroll 2") for(int r=row0;r<R;r+=rows){ float d[V],m[V]; LDV(dy,r*wide+col,d); LDV(y,r*wide+col,m); \
      if(SUM){ float e[V]; LDV(dz,r*wide+col,e); ALLV(j) d[j]+=e[j]; } \
      ALLV(j) { d[j]=m[j]>0.0f?d[j]:0.0f; s[j]+=d[j]; } STV(kept,r*wide+col,d); } \
    ALLV(j) sh[AT(LID,j)]=s[j]; } \
  BARRIER; \
  HALF(h,lanes) \
  for(;h>0;h>>=1){ if(on&&lane<h&&lane+h<lanes){ ALLV(j) sh[AT(LID,j)]+=sh[AT(LID+h*cols,j)]; } BARRIER; } \
  if(on&&lane==0){ ALLV(j) part[GRP0*C+col*V+j]=sh[AT(LID,j)]; } }
RELU_SUMS(relu_sums_part,0)
RELU_SUMS(relu_sums_part_sum,1)
KERNEL void colsum_join(GLOBAL const float*RESTRICT part, GLOBAL float*RESTRICT out, const int C, const int G){
  LOCAL float sh[MAXTHREADS];
  const int lane=LID/JOIN, c=GRP0*JOIN+LID%JOIN, lanes=BLOCK/JOIN;
  float s=0.0f;
  const int last=c<C?G:0;
#pragma unroll 8
  for(int b=lane;b<last;b+=lanes) s+=part[b*C+c];
  sh[LID]=s;
  BARRIER;
  for(int h=lanes/2;h>0;h>>=1){ if(lane<h) sh[LID]+=sh[LID+h*JOIN]; BARRIER; }
  if(lane==0&&c<C) out[c]=sh[LID];
}

// y = x times a weight for each channel.
KERNEL void mul_last(GLOBAL const T*RESTRICT x, GLOBAL const float*RESTRICT w, GLOBAL T*RESTRICT y, const int R, const int C, const int cols){
  COLUMNS if(on){ float f[V]; ALLV(j) f[j]=w[col*V+j];
    for(int r=row0;r<R;r+=rows){ float a[V]; LDV(x,r*wide+col,a); ALLV(j) a[j]*=f[j]; STV(y,r*wide+col,a); } }
}

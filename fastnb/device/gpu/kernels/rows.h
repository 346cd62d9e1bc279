// Functions of rows [R, C] as wholes. With SMALL a thread takes a row, else a block does.
#ifdef SMALL
#define ROWS for(int r=GID;r<R;r+=GSIZE)
#define FORC for(int c=0;c<C;c++)
#define ROWSUM(v)
#define ROWMAX(v)
#define LEAD 1
#define ROWSHARED
#else
#define ROWS for(int r=GRP0;r<R;r+=GRPS0)
#define FORC for(int c=LID;c<C;c+=BLOCK)
#define ROWSUM(v) sh[LID]=v; BARRIER; TREE v=sh[0]; BARRIER;
#define ROWMAX(v) sh[LID]=v; BARRIER; for(int h=BLOCK/2;h>0;h>>=1){ if(LID<h) sh[LID]=FMAXF(sh[LID],sh[LID+h]); BARRIER; } v=sh[0]; BARRIER;
#define LEAD (LID==0)
#define ROWSHARED LOCAL float sh[MAXTHREADS];
#endif
// With FULL_X the predictions that losses take are in full precision, whatever their gradients are stored as.
#ifdef FULL_X
typedef float X;
#define LDX(p,i) ((p)[i])
#else
typedef T X;
#define LDX(p,i) LD(p,i)
#endif
// TOTAL leaves a block's sum of v in sh[0].
#define TOTAL(v) BARRIER; sh[LID]=v; BARRIER; TREE
// MAXZ gives a row's maximum m and z, the sum of e^(x-m).
#define MAXZ float m=LOWEST,z=0.0f; FORC m=FMAXF(m,LDX(x,o+c)); ROWMAX(m) FORC z+=EXPF(LDX(x,o+c)-m); ROWSUM(z)

#ifndef FULL_X
KERNEL void softmax(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int R, const int C){
  ROWSHARED ROWS { const int o=r*C; MAXZ FORC ST(y,o+c,EXPF(LD(x,o+c)-m)/z); }
}
KERNEL void softmax_dx(GLOBAL const T*RESTRICT dy, GLOBAL const T*RESTRICT y, GLOBAL T*RESTRICT dx, const int R, const int C){
  ROWSHARED ROWS { const int o=r*C; float s=0.0f; FORC s+=LD(dy,o+c)*LD(y,o+c); ROWSUM(s)
    FORC ST(dx,o+c,LD(y,o+c)*(LD(dy,o+c)-s)); }
}
KERNEL void log_softmax(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int R, const int C){
  ROWSHARED ROWS { const int o=r*C; MAXZ const float l=LOGF(z); FORC ST(y,o+c,(LD(x,o+c)-m)-l); }
}
KERNEL void log_softmax_dx(GLOBAL const T*RESTRICT dy, GLOBAL const T*RESTRICT y, GLOBAL T*RESTRICT dx, const int R, const int C){
  ROWSHARED ROWS { const int o=r*C; float s=0.0f; FORC s+=LD(dy,o+c); ROWSUM(s)
    FORC ST(dx,o+c,LD(dy,o+c)-EXPF(LD(y,o+c))*s); }
}
KERNEL void sum_last(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int R, const int C){
  ROWSHARED ROWS { const int o=r*C; float s=0.0f; FORC s+=LD(x,o+c); ROWSUM(s) if(LEAD) ST(y,r,s); }
}
#endif

// CLASS is the row's target; what is no class is told and stands for class 0.
#define CLASS int64 k=y[r]; if(k<0||k>=C){ if(LEAD) RAISE(flag,FLAG_TARGET,k,r,0,C,step); k=0; }
KERNEL void softmax_xent(GLOBAL const X*RESTRICT x, GLOBAL const int64*RESTRICT y, GLOBAL float*RESTRICT part, GLOBAL int*RESTRICT flag, const int R, const int C, const int step){
  LOCAL float sh[MAXTHREADS]; float s=0.0f;
  ROWS { const int o=r*C; CLASS MAXZ if(LEAD) s+=LOGF(z)+(m-LDX(x,o+(int)k)); }
  TOTAL(s)
  if(LID==0) part[GRP0]=sh[0];
}
KERNEL void softmax_xent_dx(GLOBAL const X*RESTRICT x, GLOBAL const int64*RESTRICT y, GLOBAL const float*RESTRICT dl, GLOBAL T*RESTRICT dx, GLOBAL int*RESTRICT flag, const int R, const int C, const int step){
  ROWSHARED const float f=dl[0]/(float)R;
  ROWS { const int o=r*C; CLASS MAXZ
    FORC ST(dx,o+c,(EXPF(LDX(x,o+c)-m)/z-(c==(int)k?1.0f:0.0f))*f); }
}

// Classes with weights: WEIGHT(c) is what class c of a row weighs, of its target t, the sum of targets n and the
// table of classes' weights.
#define WEIGHT(t) (((1.0f-eps)*(t)+eps*n/(float)C)*(weighted?table[c]:1.0f))
#define SOFT_XENT(name,Y,TARGET,SUMT,PICK) KERNEL void name(GLOBAL const X*RESTRICT x, GLOBAL const Y*RESTRICT y, GLOBAL const float*RESTRICT table, GLOBAL float*RESTRICT part, GLOBAL int*RESTRICT flag, const int R, const int C, const int step, const float eps, const int weighted){ \
  LOCAL float sh[MAXTHREADS]; float all=0.0f,sum=0.0f; \
  ROWS { const int o=r*C; PICK float n; SUMT MAXZ const float l=LOGF(z); \
    FORC { const float w=WEIGHT(TARGET); all+=w*(l+(m-LDX(x,o+c))); sum+=w; } } \
  TOTAL(all) if(LID==0) part[GRP0]=sh[0]; \
  TOTAL(sum) if(LID==0) part[GRPS0+GRP0]=sh[0]; }
#define SOFT_XENT_DX(name,Y,TARGET,SUMT,PICK) KERNEL void name(GLOBAL const X*RESTRICT x, GLOBAL const Y*RESTRICT y, GLOBAL const float*RESTRICT table, GLOBAL const float*RESTRICT dl, GLOBAL const float*RESTRICT over, GLOBAL T*RESTRICT dx, GLOBAL int*RESTRICT flag, const int R, const int C, const int step, const float eps, const int weighted){ \
  ROWSHARED const float all=weighted?over[0]:(float)R, f=dl[0]/(all==0.0f?1.0f:all); \
  ROWS { const int o=r*C; PICK float n; SUMT MAXZ float sum=0.0f; FORC sum+=WEIGHT(TARGET); ROWSUM(sum) \
    FORC { const float w=WEIGHT(TARGET); ST(dx,o+c,(sum*(EXPF(LDX(x,o+c)-m)/z)-w)*f); } } }
#define HARD_ (c==(int)k?1.0f:0.0f)
#define HARDSUM_ n=1.0f;
#define SOFT_ y[o+c]
#define SOFTSUM_ n=0.0f; FORC n+=y[o+c]; ROWSUM(n)
SOFT_XENT(soft_xent_class,int64,HARD_,HARDSUM_,CLASS)
SOFT_XENT(soft_xent_weights,float,SOFT_,SOFTSUM_,)
SOFT_XENT_DX(soft_xent_class_dx,int64,HARD_,HARDSUM_,CLASS)
SOFT_XENT_DX(soft_xent_weights_dx,float,SOFT_,SOFTSUM_,)

#ifdef SMALL
// The losses of many rows that are short: a block brings as many rows into shared memory as go in, so that neighbours
// read what lies beside each other; then a thread takes a row. Rows lie an odd number apart there.
#define TILE 7168
#define TILED(C) const int pitch=(C)|1; int tall=TILE/pitch; if(tall>BLOCK) tall=BLOCK;
#define FETCH const int there=R-r0<tall?R-r0:tall, n=there*C; \
  for(int i=LID;i<n;i+=BLOCK) tile[i/C*pitch+i%C]=LDX(x,r0*C+i); \
  BARRIER;
#define TILE_MAXZ float m=LOWEST,z=0.0f; for(int c=0;c<C;c++) m=FMAXF(m,tile[o+c]); for(int c=0;c<C;c++) z+=EXPF(tile[o+c]-m);
KERNEL void softmax_xent_tiled(GLOBAL const X*RESTRICT x, GLOBAL const int64*RESTRICT y, GLOBAL float*RESTRICT part, GLOBAL int*RESTRICT flag, const int R, const int C, const int step){
  LOCAL float tile[TILE]; LOCAL float sh[MAXTHREADS]; float s=0.0f;
  TILED(C)
  for(int r0=GRP0*tall;r0<R;r0+=GRPS0*tall){
    FETCH
    if(LID<there){ const int r=r0+LID, o=LID*pitch; CLASS TILE_MAXZ s+=LOGF(z)+(m-tile[o+(int)k]); }
    BARRIER;
  }
  TOTAL(s)
  if(LID==0) part[GRP0]=sh[0];
}
KERNEL void softmax_xent_tiled_dx(GLOBAL const X*RESTRICT x, GLOBAL const int64*RESTRICT y, GLOBAL const float*RESTRICT dl, GLOBAL T*RESTRICT dx, GLOBAL int*RESTRICT flag, const int R, const int C, const int step){
  LOCAL float tile[TILE];
  TILED(C) const float f=dl[0]/(float)R;
  for(int r0=GRP0*tall;r0<R;r0+=GRPS0*tall){
    FETCH
    if(LID<there){ const int r=r0+LID, o=LID*pitch; CLASS TILE_MAXZ
      for(int c=0;c<C;c++) tile[o+c]=(EXPF(tile[o+c]-m)/z-(c==(int)k?1.0f:0.0f))*f; }
    BARRIER;
    for(int i=LID;i<n;i+=BLOCK) ST(dx,r0*C+i,tile[i/C*pitch+i%C]);
    BARRIER;
  }
}
#endif

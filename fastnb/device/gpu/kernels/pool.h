// Pooling over maps [N, H, W, C].
#define WINDOW const int N, const int H, const int W, const int C, const int OH, const int OW, const int kh, const int kw, const int sh, const int sw, const int ph, const int pw

// No number wins over all numbers, as it does in the definition.
#define MAXNAN(m,v) m=((v)>m||(v)!=(v))?(v):m
KERNEL void maxpool2d(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, WINDOW){
  PLACE(N,C,OH,OW)
  float m[V]; ALLV(j) m[j]=LOWEST;
  for(int r=0;r<kh;r++){ const int h=iy*sh+r-ph; if(h<0||h>=H) continue;
    for(int s=0;s<kw;s++){ const int w=ix*sw+s-pw; if(w<0||w>=W) continue;
      float a[V]; LDV(x,((b*H+h)*W+w)*cw+k,a); ALLV(j) MAXNAN(m[j],a[j]); } }
  STV(y,i,m);
}
// The same, and where in each window the first maximum is; 255: nowhere, as among what is no number.
KERNEL void maxpool2d_at(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, GLOBAL u8*RESTRICT at, WINDOW){
  PLACE(N,C,OH,OW)
  float m[V]; int p[V]; ALLV(j) { m[j]=LOWEST; p[j]=255; }
  for(int r=0;r<kh;r++){ const int h=iy*sh+r-ph; if(h<0||h>=H) continue;
    for(int s=0;s<kw;s++){ const int w=ix*sw+s-pw; if(w<0||w>=W) continue;
      float a[V]; LDV(x,((b*H+h)*W+w)*cw+k,a);
      ALLV(j) { if(a[j]>m[j]||p[j]==255&&a[j]==m[j]) p[j]=r*kw+s; MAXNAN(m[j],a[j]); } } }
  ALLV(j) { if(m[j]!=m[j]) p[j]=255; }
  STV(y,i,m);
  STU8(at,i,p);
}
// COVER are the windows that a place is in.
#define COVER const int y0=iy+ph-kh+sh, x0=ix+pw-kw+sw; const int oy0=y0>0?y0/sh:0, ox0=x0>0?x0/sw:0; \
  int oy1=(iy+ph)/sh, ox1=(ix+pw)/sw; if(oy1>OH-1) oy1=OH-1; if(ox1>OW-1) ox1=OW-1;
KERNEL void maxpool2d_dx(GLOBAL const T*RESTRICT dy, GLOBAL const u8*RESTRICT at, GLOBAL T*RESTRICT dx, WINDOW){
  PLACE(N,C,H,W)
  COVER
  float d[V]; ALLV(j) d[j]=0.0f;
  for(int oy=oy0;oy<=oy1;oy++) for(int ox=ox0;ox<=ox1;ox++){
    const int o=((b*OH+oy)*OW+ox)*cw+k, p=(iy+ph-oy*sh)*kw+ix+pw-ox*sw;
    float a[V]; LDV(dy,o,a); int q[V]; LDU8(at,o,q); ALLV(j) { if(q[j]==p) d[j]+=a[j]; } }
  STV(dx,i,d);
}
KERNEL void avgpool2d(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, WINDOW){
  PLACE(N,C,OH,OW)
  float m[V]; ALLV(j) m[j]=0.0f;
  for(int r=0;r<kh;r++){ const int h=iy*sh+r-ph; if(h<0||h>=H) continue;
    for(int s=0;s<kw;s++){ const int w=ix*sw+s-pw; if(w<0||w>=W) continue;
      float a[V]; LDV(x,((b*H+h)*W+w)*cw+k,a); ALLV(j) m[j]+=a[j]; } }
  const float over=1.0f/(float)(kh*kw); ALLV(j) m[j]*=over;
  STV(y,i,m);
}
KERNEL void avgpool2d_dx(GLOBAL const T*RESTRICT dy, GLOBAL T*RESTRICT dx, WINDOW){
  PLACE(N,C,H,W)
  COVER
  float d[V]; ALLV(j) d[j]=0.0f;
  for(int oy=oy0;oy<=oy1;oy++) for(int ox=ox0;ox<=ox1;ox++){ float a[V]; LDV(dy,((b*OH+oy)*OW+ox)*cw+k,a); ALLV(j) d[j]+=a[j]; }
  const float over=1.0f/(float)(kh*kw); ALLV(j) d[j]*=over;
  STV(dx,i,d);
}

// global_pool: block (b, p) has cols columns of picture b; its threads share the P places. The maxima, if wanted,
// come before the averages.
KERNEL void global_pool(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int P, const int C, const int cols, const int high, const int mean){
  LOCAL float sm[MAXTHREADS*V], ss[MAXTHREADS*V];
  const int lanes=BLOCK/cols, lane=LID/cols, wide=C/V, col=GRP1*cols+LID%cols, on=lane<lanes&&col<wide;
  float m[V],s[V];
  ALLV(j) { m[j]=LOWEST; s[j]=0.0f; }
  if(on){ for(int p=lane;p<P;p+=lanes){ float a[V]; LDV(x,(GRP0*P+p)*wide+col,a); ALLV(j) { MAXNAN(m[j],a[j]); s[j]+=a[j]; } }
    ALLV(j) { sm[LID*V+j]=m[j]; ss[LID*V+j]=s[j]; } }
  BARRIER;
  HALF(h,lanes)
  for(;h>0;h>>=1){ if(on&&lane<h&&lane+h<lanes){ ALLV(j) { const int o=(LID+h*cols)*V+j; MAXNAN(sm[LID*V+j],sm[o]); ss[LID*V+j]+=ss[o]; } } BARRIER; }
  if(on&&lane==0){ const int width=wide*(high+mean), at=GRP0*width+col;
    if(high){ ALLV(j) m[j]=sm[LID*V+j]; STV(y,at,m); }
    if(mean){ ALLV(j) s[j]=ss[LID*V+j]/(float)P; STV(y,at+width-wide,s); } }
}
KERNEL void global_pool_dx(GLOBAL const T*RESTRICT dy, GLOBAL const T*RESTRICT x, GLOBAL const T*RESTRICT y, GLOBAL T*RESTRICT dx, const int P, const int C, const int cols, const int high, const int mean){
  LOCAL int sp[MAXTHREADS*V];
  const int lanes=BLOCK/cols, lane=LID/cols, wide=C/V, col=GRP1*cols+LID%cols, on=lane<lanes&&col<wide, width=wide*(high+mean), at=GRP0*width+col;
  float top[V],dm[V],da[V]; int first[V];
  ALLV(j) { top[j]=0.0f; dm[j]=0.0f; da[j]=0.0f; first[j]=P; }
  if(on){
    if(high){ LDV(y,at,top); LDV(dy,at,dm); 
      for(int p=lane;p<P;p+=lanes){ float a[V]; LDV(x,(GRP0*P+p)*wide+col,a); ALLV(j) { if(first[j]==P&&a[j]==top[j]) first[j]=p; } } }
    if(mean){ LDV(dy,at+width-wide,da); ALLV(j) da[j]/=(float)P; }
    ALLV(j) sp[LID*V+j]=first[j];
  }
  BARRIER;
  HALF(h,lanes)
  for(;h>0;h>>=1){ if(on&&lane<h&&lane+h<lanes){ ALLV(j) { const int o=sp[(LID+h*cols)*V+j]; if(o<sp[LID*V+j]) sp[LID*V+j]=o; } } BARRIER; }
  if(on){ ALLV(j) first[j]=sp[LID%cols*V+j];
    for(int p=lane;p<P;p+=lanes){ float a[V]; ALLV(j) a[j]=da[j]+(p==first[j]?dm[j]:0.0f); STV(dx,(GRP0*P+p)*wide+col,a); } }
}

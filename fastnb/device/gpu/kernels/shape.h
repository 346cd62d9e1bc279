// Moves of numbers.

// copy_cols copies k vectors of each of R rows: from column xo of rows xs wide to column yo of rows ys wide.
KERNEL void copy_cols(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int R, const int k, const int xs, const int xo, const int ys, const int yo){
  const int i=GID; if(i>=R*k) return;
  const int r=i/k, c=i%k; float a[V];
  LDV(x,r*xs+xo+c,a); STV(y,r*ys+yo+c,a);
}

// The row of n that row i of m shows: s is n/m.
DEVFN int nearest_(int i, int n, float s){ const int r=(int)((float)i*s); return r<n-1?r:n-1; }
KERNEL void resize_nearest(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int N, const int H, const int W, const int C, const int OH, const int OW, const float sh, const float sw){
  PLACE(N,C,OH,OW)
  float a[V]; LDV(x,((b*H+nearest_(iy,H,sh))*W+nearest_(ix,W,sw))*cw+k,a); STV(y,i,a);
}
KERNEL void resize_nearest_dx(GLOBAL const T*RESTRICT dy, GLOBAL T*RESTRICT dx, const int N, const int H, const int W, const int C, const int OH, const int OW, const float sh, const float sw){
  PLACE(N,C,H,W)
  int y0=(int)((float)iy/sh)-2, x0=(int)((float)ix/sw)-2;
  if(y0<0) y0=0;
  if(x0<0) x0=0;
  while(y0<OH&&nearest_(y0,H,sh)<iy) y0++;
  while(x0<OW&&nearest_(x0,W,sw)<ix) x0++;
  float d[V]; ALLV(j) d[j]=0.0f;
  for(int oy=y0;oy<OH&&nearest_(oy,H,sh)==iy;oy++) for(int ox=x0;ox<OW&&nearest_(ox,W,sw)==ix;ox++){
    float a[V]; LDV(dy,((b*OH+oy)*OW+ox)*cw+k,a); ALLV(j) d[j]+=a[j]; }
  STV(dx,i,d);
}

// The source of row i of a map with n rows and a border: MODE 0 zeros, 1 the nearest row, 2 mirrored; -1 none.
DEVFN int source_(int i, int n, int mode){
  if(i>=0&&i<n) return i;
  if(mode==0) return -1;
  if(mode==1) return i<0?0:n-1;
  return i<0?-i:2*(n-1)-i;
}
KERNEL void pad2d(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int N, const int H, const int W, const int C, const int OH, const int OW, const int ph, const int pw, const int mode){
  PLACE(N,C,OH,OW)
  const int h=source_(iy-ph,H,mode), w=source_(ix-pw,W,mode);
  float a[V]; ALLV(j) a[j]=0.0f;
  if(h>=0&&w>=0) LDV(x,((b*H+h)*W+w)*cw+k,a);
  STV(y,i,a);
}
// The rows of a bordered map that show row i are at most 1+before+after candidates; the t-th, or -1.
DEVFN int shows_(int i, int n, int before, int after, int mode, int t){
  if(t==0) return before+i;
  if(mode==1){
    if(i==0&&t<=before) return before-t;
    const int u=i==0?t-before:t;
    return i==n-1&&u<=after?before+i+u:-1;
  }
  if(t==1) return i>0&&i<=before?before-i:-1;
  return i<n-1&&2*(n-1)-i<n+after?before+2*(n-1)-i:-1;
}
DEVFN int candidates_(int i, int n, int before, int after, int mode){
  return mode==0?1:(mode==2?3:1+(i==0?before:0)+(i==n-1?after:0));
}
KERNEL void pad2d_dx(GLOBAL const T*RESTRICT dy, GLOBAL T*RESTRICT dx, const int N, const int H, const int W, const int C, const int OH, const int OW, const int ph, const int pw, const int mode){
  PLACE(N,C,H,W)
  const int bh=OH-H-ph, bw=OW-W-pw, ny=candidates_(iy,H,ph,bh,mode), nx=candidates_(ix,W,pw,bw,mode);
  float d[V]; ALLV(j) d[j]=0.0f;
  for(int t=0;t<ny;t++){ const int oy=shows_(iy,H,ph,bh,mode,t); if(oy<0) continue;
    for(int u=0;u<nx;u++){ const int ox=shows_(ix,W,pw,bw,mode,u); if(ox<0) continue;
      float a[V]; LDV(dy,((b*OH+oy)*OW+ox)*cw+k,a); ALLV(j) d[j]+=a[j]; } }
  STV(dx,i,d);
}

#if V > 1
// Twice as high and wide, V channels to a thread: it reads 4 V numbers that lie together and writes V in each of four
// places, or the other way round.
#define PLACES2 const int i=GID, cw=C/V; if(i>=n) return; const int c=i%cw, p=i/cw, X=p%W, Y=p/W;
#define PLACE2(q) (((2*Y+(q)/2)*2*W+2*X+(q)%2)*cw+c)
KERNEL void pixel_shuffle2(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int n, const int W, const int C){
  PLACES2 float a[4*V];
  _Pragma("unroll") for(int q=0;q<4;q++) LDV(x,4*i+q,(a+q*V));
  _Pragma("unroll") for(int q=0;q<4;q++){ float b[V]; ALLV(j) b[j]=a[4*j+q]; STV(y,PLACE2(q),b); }
}
KERNEL void pixel_shuffle2_dx(GLOBAL const T*RESTRICT dy, GLOBAL T*RESTRICT dx, const int n, const int W, const int C){
  PLACES2 float a[4*V];
  _Pragma("unroll") for(int q=0;q<4;q++){ float b[V]; LDV(dy,PLACE2(q),b); ALLV(j) a[4*j+q]=b[j]; }
  _Pragma("unroll") for(int q=0;q<4;q++) STV(dx,4*i+q,(a+q*V));
}
#endif
#if V == 1
// Channel c r r + i r + j of a small map's place goes to row i and column j of its square.
#define SHUFFLED const int i=GID; if(i>=n) return; const int c=i%C, p=i/C, X=p%(W*r), Y=p/(W*r), at=((Y/r*W+X/r)*C+c)*r*r+Y%r*r+X%r;
KERNEL void pixel_shuffle(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int n, const int W, const int C, const int r){ SHUFFLED ST(y,i,LD(x,at)); }
KERNEL void pixel_shuffle_dx(GLOBAL const T*RESTRICT dy, GLOBAL T*RESTRICT dx, const int n, const int W, const int C, const int r){ SHUFFLED ST(dx,at,LD(dy,i)); }

// sum_last_dx spreads row sums' gradients.
KERNEL void sum_last_dx(GLOBAL const T*RESTRICT dy, GLOBAL T*RESTRICT dx, const int n, const int C){ const int i=GID; if(i<n) ST(dx,i,LD(dy,i/C)); }
KERNEL void one_hot(GLOBAL const int64*RESTRICT y, GLOBAL T*RESTRICT out, GLOBAL int*RESTRICT flag, const int R, const int C, const int step){
  const int i=GID; if(i>=R*C) return;
  const int r=i/C, c=i%C; const int64 k=y[r];
  if(c==0&&(k<0||k>=C)) RAISE(flag,FLAG_TARGET,k,r,0,C,step);
  ST(out,i,k==c?1.0f:0.0f);
}
// Pictures [N, C, P] become [N, P, C]; numbers are divided by top, and with tables normalised.
#define PICTURE(name,S,READ) KERNEL void name(GLOBAL const S*RESTRICT x, GLOBAL const float*RESTRICT mean, GLOBAL const float*RESTRICT std, GLOBAL T*RESTRICT y, const int NP, const int P, const int C, const int normal){ \
  const int i=GID; if(i>=NP) return; \
  const int b=i/P, p=i%P; \
  for(int c=0;c<C;c++){ float v=READ(x[(b*C+c)*P+p]); if(normal) v=(v-mean[c])/std[c]; ST(y,i*C+c,v); } }
#define OVER255(v) ((float)(v)/255.0f)
#define ASIS(v) (v)
PICTURE(picture_u8,u8,OVER255)
PICTURE(picture_f32,float,ASIS)
#endif

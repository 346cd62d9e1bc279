// The LSTM layer. The four gates of a unit lie side by side: row u*4+g of a packed weight matrix and column
// u*4+g of the gates are PyTorch's row g*H+u. gates is [steps, n, H, 4]: first what the inputs give, then the
// activated gates, of which the way back makes their derivatives; cells are float [steps+1, n, H].
#define SIGMOID_(x) (1.0f/(1.0f+EXPF(-(x))))

// masks_ gives the factors of elements i to i+3 of w, for which one draw does where i is divisible by 4; without
// drop they are 1.
DEVFN void masks_(GLOBAL const int64*rng, int drop, int id, int64 first, int i, uint limit, float scale, float*m){
  if(!drop) for(int j=0;j<4;j++) m[j]=1.0f;
  else if((i&3)==0) mask4_(rng,id,first,i>>2,limit,scale,m);
  else for(int j=0;j<4;j++) m[j]=mask1_(rng,id,first,i+j,limit,scale);
}
// lstm_pack gives w [4H, k] with its rows in the order of units and, with drop, its mask applied. A thread has four
// columns of a row.
KERNEL void lstm_pack(GLOBAL const float*RESTRICT w, GLOBAL const int64*RESTRICT rng, GLOBAL T*RESTRICT out, const int h, const int k, const int drop, const int id, const int64 first, const int limit, const float scale){
  int quads=(k+3)/4;
  for(int i=GID;i<4*h*quads;i+=GSIZE){
    int j=i/quads, c=(i-j*quads)*4, src=((j&3)*h+(j>>2))*k+c;
    float m[4];
    masks_(rng,drop,id,first,src,(uint)limit,scale,m);
    for(int l=0;l<4;l++) if(c+l<k) ST(out,j*k+c+l,w[src+l]*m[l]);
  }
}
// lstm_pack_t gives the transpose of that, [k, 4H], in tiles of 32 x 32: 256 threads, four columns each.
KERNEL void lstm_pack_t(GLOBAL const float*RESTRICT w, GLOBAL const int64*RESTRICT rng, GLOBAL T*RESTRICT out, const int h, const int k, const int drop, const int id, const int64 first, const int limit, const float scale){
  LOCAL float tile[32*33];
  int k0=GRP0*32, j0=GRP1*32, a=LID>>5, b=LID&31;
  int j=j0+(LID>>3), c=k0+(LID&7)*4, src=((j&3)*h+(j>>2))*k+c;
  float m[4];
  masks_(rng,drop,id,first,src,(uint)limit,scale,m);
  for(int l=0;l<4;l++) tile[(j-j0)*33+c-k0+l]=j<4*h&&c+l<k?w[src+l]*m[l]:0.0f;
  BARRIER;
  for(int r=a;r<32;r+=8) if(k0+r<k&&j0+b<4*h) ST(out,(k0+r)*4*h+j0+b,tile[b*33+r]);
}
// lstm_bias adds both biases up, in the order of units.
KERNEL void lstm_bias(GLOBAL const float*RESTRICT bi, GLOBAL const float*RESTRICT bh, GLOBAL float*RESTRICT out, const int h){
  for(int i=GID;i<4*h;i+=GSIZE){ int s=(i&3)*h+(i>>2); out[i]=bi[s]+bh[s]; }
}
// lstm_unpack turns the derivative of a packed matrix [4H, k] into that of w, its mask applied; with acc it is
// added.
KERNEL void lstm_unpack(GLOBAL const float*RESTRICT d, GLOBAL const int64*RESTRICT rng, GLOBAL float*RESTRICT out, const int h, const int k, const int acc, const int drop, const int id, const int64 first, const int limit, const float scale){
  int quads=(k+3)/4;
  for(int i=GID;i<4*h*quads;i+=GSIZE){
    int q=i/quads, c=(i-q*quads)*4, g=q/h, to=q*k+c, from=((q-g*h)*4+g)*k+c;
    float m[4];
    masks_(rng,drop,id,first,to,(uint)limit,scale,m);
    for(int l=0;l<4;l++) if(c+l<k) out[to+l]=(acc?out[to+l]:0.0f)+d[from+l]*m[l];
  }
}
// The sums of the columns of the gates' derivatives [rows, 4H], in parts of so many rows: parts [GRPS, 4H].
KERNEL void lstm_db_parts(GLOBAL const T*RESTRICT d, GLOBAL float*RESTRICT parts, const int rows, const int wide, const int per){
  int c=GID, r0=GRP1*per, r1=r0+per<rows?r0+per:rows;
  if(c<wide){
    float s=0.0f;
    for(int r=r0;r<r1;r++) s+=LD(d,r*wide+c);
    parts[GRP1*wide+c]=s;
  }
}
KERNEL void lstm_db(GLOBAL const float*RESTRICT parts, GLOBAL float*RESTRICT out, const int n, const int h){
  for(int i=GID;i<4*h;i+=GSIZE){
    int g=i/h, u=i-g*h;
    float s=0.0f;
    for(int p=0;p<n;p++) s+=parts[p*4*h+u*4+g];
    out[i]=s;
  }
}

// One step: gates at offset z, cells before and after at c0 and c1, the outputs before at h0 of hp, those after
// at y1 of y. A block has 64 rows and 16 units; a thread four rows of one unit.
#define STEP_ARGS GLOBAL const T*RESTRICT hp, GLOBAL const T*RESTRICT w, GLOBAL const float*RESTRICT bias, GLOBAL T*gates, GLOBAL float*cells, GLOBAL T*y, const int h0, const int z, const int c0, const int c1, const int y1, const int n, const int h
KERNEL void lstm_step(STEP_ARGS){
  LOCAL float a[64*17], b[64*17];
  int u0=GRP0*16, r0=GRP1*64, ru=LID&15, rr=LID>>4;
  float acc[16];
  for(int i=0;i<16;i++) acc[i]=0.0f;
  for(int k0=0;k0<h;k0+=16){
    for(int i=LID;i<1024;i+=256){
      int r=i>>4, k=k0+(i&15);
      a[r*17+(i&15)]=r0+r<n&&k<h?LD(hp,h0+(r0+r)*h+k):0.0f;
      b[r*17+(i&15)]=u0*4+r<4*h&&k<h?LD(w,(u0*4+r)*h+k):0.0f;
    }
    BARRIER;
    for(int k=0;k<16;k++)
      for(int i=0;i<4;i++){
        float v=a[(rr+16*i)*17+k];
        for(int g=0;g<4;g++) acc[i*4+g]=FMA(v,b[(ru*4+g)*17+k],acc[i*4+g]);
      }
    BARRIER;
  }
  int u=u0+ru;
  for(int i=0;i<4;i++){
    int r=r0+rr+16*i;
    if(r<n&&u<h){
      int q=r*h+u, p=z+4*q;
      float gi=SIGMOID_(LD(gates,p)+acc[i*4]+bias[u*4]), gf=SIGMOID_(LD(gates,p+1)+acc[i*4+1]+bias[u*4+1]);
      float gc=TANHF(LD(gates,p+2)+acc[i*4+2]+bias[u*4+2]), go=SIGMOID_(LD(gates,p+3)+acc[i*4+3]+bias[u*4+3]);
      ST(gates,p,gi); ST(gates,p+1,gf); ST(gates,p+2,gc); ST(gates,p+3,go);
      float c=gf*cells[c0+q]+gi*gc;
      cells[c1+q]=c;
      ST(y,y1+q,go*TANHF(c));
    }
  }
}
// The derivative of the outputs before a step: rows of the gates' derivatives d (at offset z) times w [4H, h] over a
// share of the 4H columns, [share, n, h]: 64 rows and 64 units a block, 4 x 4 a thread.
KERNEL void lstm_back_product(GLOBAL const T*RESTRICT d, GLOBAL const T*RESTRICT w, GLOBAL float*RESTRICT parts, const int z, const int n, const int h, const int per){
  LOCAL float a[64*17], b[16*65];
  int u0=GRP0*64, r0=GRP1*64, tu=LID&15, tr=LID>>4, q0=GRP2*per, q1=q0+per<4*h?q0+per:4*h;
  float acc[16];
  for(int i=0;i<16;i++) acc[i]=0.0f;
  for(int k0=q0;k0<q1;k0+=16){
    for(int i=LID;i<1024;i+=256){
      int r=i>>4, k=k0+(i&15), kb=k0+(i>>6), c=i&63;
      a[r*17+(i&15)]=r0+r<n&&k<q1?LD(d,z+(r0+r)*4*h+k):0.0f;
      b[(i>>6)*65+c]=kb<q1&&u0+c<h?LD(w,kb*h+u0+c):0.0f;
    }
    BARRIER;
    for(int k=0;k<16;k++)
      for(int i=0;i<4;i++){
        float v=a[(tr+16*i)*17+k];
        for(int j=0;j<4;j++) acc[i*4+j]=FMA(v,b[k*65+tu+16*j],acc[i*4+j]);
      }
    BARRIER;
  }
  for(int i=0;i<4;i++) for(int j=0;j<4;j++){
    int r=r0+tr+16*i, u=u0+tu+16*j;
    if(r<n&&u<h) parts[(GRP2*n+r)*h+u]=acc[i*4+j];
  }
}
// Back through one step's cells: the gates become their derivatives. parts are `shares` shares of the outputs' derivative by the step behind, none at the
// end of a stretch; carry [n, h] is the cells' derivative, which begins at 0 with fresh.
KERNEL void lstm_back_cell(GLOBAL const float*RESTRICT cells, GLOBAL const T*RESTRICT dy, GLOBAL const float*RESTRICT parts, GLOBAL float*RESTRICT carry, GLOBAL T*RESTRICT gates, const int z, const int c0, const int c1, const int y1, const int n, const int shares, const int fresh){
  for(int q=GID;q<n;q+=GSIZE){
    int p=z+4*q;
    float i=LD(gates,p), f=LD(gates,p+1), g=LD(gates,p+2), o=LD(gates,p+3);
    float v=LD(dy,y1+q);
    for(int s=0;s<shares;s++) v+=parts[s*n+q];
    float tc=TANHF(cells[c1+q]), e=v*o*(1.0f-tc*tc);
    if(!fresh) e+=carry[q];
    ST(gates,p,e*g*i*(1.0f-i));
    ST(gates,p+1,e*cells[c0+q]*f*(1.0f-f));
    ST(gates,p+2,e*i*(1.0f-g*g));
    ST(gates,p+3,v*tc*o*(1.0f-o));
    carry[q]=e*f;
  }
}

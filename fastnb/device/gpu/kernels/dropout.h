// Dropout and locked dropout. A thread has four elements of the mask; V is 4.
KERNEL void dropout(GLOBAL const T*RESTRICT x, GLOBAL const int64*RESTRICT rng, GLOBAL T*RESTRICT y, const int n, const int id, const int limit, const float scale){
  for(int b=GID;b*4<n;b+=GSIZE){
    float m[4];
    mask4_(rng,id,0,b,(uint)limit,scale,m);
    if(b*4+4<=n){
      float v[V];
      LDV(x,b,v);
      ALLV(j) v[j]*=m[j];
      STV(y,b,v);
    } else for(int j=0;b*4+j<n;j++) ST(y,b*4+j,LD(x,b*4+j)*m[j]);
  }
}
// x [steps, row] from step `from` to `to`: one mask [row] for all of them. A group of blocks along the second
// axis of the grid has every so many steps.
KERNEL void locked_dropout(GLOBAL const T*RESTRICT x, GLOBAL const int64*RESTRICT rng, GLOBAL T*RESTRICT y, const int row, const int from, const int to, const int every, const int id, const int64 first, const int limit, const float scale){
  for(int b=GID;b*4<row;b+=GSIZE){
    float m[4];
    mask4_(rng,id,first,b,(uint)limit,scale,m);
    for(int t=from+GRP1;t<to;t+=every){
      if((row&3)==0){
        float v[V];
        LDV(x,t*(row>>2)+b,v);
        ALLV(j) v[j]*=m[j];
        STV(y,t*(row>>2)+b,v);
      } else for(int j=0;j<4;j++) if(b*4+j<row) ST(y,t*row+b*4+j,LD(x,t*row+b*4+j)*m[j]);
    }
  }
}
// y = x[offset:], and that times a scalar.
KERNEL void part(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int offset, const int n){
  for(int i=GID;i<n;i+=GSIZE) y[i]=x[offset+i];
}
KERNEL void scaled_part(GLOBAL const T*RESTRICT x, GLOBAL const float*RESTRICT s, GLOBAL T*RESTRICT y, const int offset, const int n, const float factor){
  float f=s[0]*factor;
  for(int i=GID;i<n;i+=GSIZE) ST(y,i,f*LD(x,offset+i));
}

// Regularisation of activities and pooling over steps. y is [steps, n, e], row = n*e.

// Sums of squares and of squared changes between steps, one pair for each block.
KERNEL void activity_parts(GLOBAL const T*RESTRICT y, GLOBAL float*RESTRICT parts, const int n, const int row, const int changes){
  LOCAL float sa[256], sc[256];
  float a=0.0f, c=0.0f;
  for(int i=GID;i<n;i+=GSIZE){
    float v=LD(y,i);
    a+=v*v;
    if(changes>0&&i>=row){ float d=v-LD(y,i-row); c+=d*d; }
  }
  sa[LID]=a; sc[LID]=c;
  BARRIER;
  for(int s=128;s>0;s>>=1){
    if(LID<s){ sa[LID]+=sa[LID+s]; sc[LID]+=sc[LID+s]; }
    BARRIER;
  }
  if(LID==0){ parts[2*GRP0]=sa[0]; parts[2*GRP0+1]=sc[0]; }
}
// One block puts them together: out = fa*squares + fc*changes.
KERNEL void activity_sum(GLOBAL const float*RESTRICT parts, GLOBAL float*RESTRICT out, const int n, const float fa, const float fc){
  LOCAL float sa[256];
  float a=0.0f;
  for(int i=LID;i<n;i+=256) a+=fa*parts[2*i]+fc*parts[2*i+1];
  sa[LID]=a;
  BARRIER;
  for(int s=128;s>0;s>>=1){
    if(LID<s) sa[LID]+=sa[LID+s];
    BARRIER;
  }
  if(LID==0) out[0]=sa[0];
}
KERNEL void activity_dx(GLOBAL const T*RESTRICT y, GLOBAL const float*RESTRICT dl, GLOBAL T*RESTRICT dy, const int n, const int row, const float fa, const float ft){
  float l=dl[0];
  for(int i=GID;i<n;i+=GSIZE){
    float v=LD(y,i), d=fa*v;
    if(i>=row) d+=ft*(v-LD(y,i-row));
    if(i+row<n) d+=ft*(v-LD(y,i+row));
    ST(dy,i,d*l);
  }
}
// One thread for each row of the batch and feature; ids is [n, all], step t of y is word from+t.
KERNEL void masked_pool(GLOBAL const T*RESTRICT y, GLOBAL const int64*RESTRICT ids, GLOBAL T*RESTRICT out, const int steps, const int n, const int e, const int all, const int from, const int pad){
  for(int i=GID;i<n*e;i+=GSIZE){
    int r=i/e, f=i%e, count=0;
    float top=0.0f, sum=0.0f;
    for(int t=0;t<steps;t++){
      if(ids[r*all+from+t]==pad) continue;
      float v=LD(y,(t*n+r)*e+f);
      top=count==0||v>top?v:top;
      sum+=v; count++;
    }
    ST(out,r*3*e+f,LD(y,((steps-1)*n+r)*e+f));
    ST(out,r*3*e+e+f,top);
    ST(out,r*3*e+2*e+f,sum/(float)(count>0?count:1));
  }
}
KERNEL void masked_pool_dx(GLOBAL const T*RESTRICT d, GLOBAL const T*RESTRICT y, GLOBAL const int64*RESTRICT ids, GLOBAL T*RESTRICT dy, const int steps, const int n, const int e, const int all, const int from, const int pad){
  for(int i=GID;i<n*e;i+=GSIZE){
    int r=i/e, f=i%e, count=0, best=-1;
    float top=0.0f;
    for(int t=0;t<steps;t++){
      if(ids[r*all+from+t]==pad) continue;
      float v=LD(y,(t*n+r)*e+f);
      if(best<0||v>top){ top=v; best=t; }
      count++;
    }
    float last=LD(d,r*3*e+f), most=LD(d,r*3*e+e+f), mean=LD(d,r*3*e+2*e+f)/(float)(count>0?count:1);
    for(int t=0;t<steps;t++){
      float g=0.0f;
      if(ids[r*all+from+t]!=pad) g=mean;
      if(t==best) g+=most;
      if(t==steps-1) g+=last;
      ST(dy,(t*n+r)*e+f,g);
    }
  }
}

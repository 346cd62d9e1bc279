// Words of a table. ids is [n, all]; words `from` on of each row are looked up, time first: a block is a
// place p = (t-from)*n + r. With drop, rows of the table are dropped, one mask for each chunk of words.
#define EMBEDDING_ARGS const int n, const int all, const int from, const int v, const int e, const int drop, const int chunk, const int id, const int limit, const float scale
DEVFN float row_mask_(GLOBAL const int64*rng, int word, int t, int chunk, int v, int id, uint limit, float scale){
  int64 first=(int64)(chunk>0?t/chunk:0)*(int64)((v+3)/4);
  return mask1_(rng,id,first,word,limit,scale);
}
KERNEL void embedding(GLOBAL const int64*RESTRICT ids, GLOBAL const float*RESTRICT w, GLOBAL const int64*RESTRICT rng, GLOBAL T*RESTRICT y, GLOBAL int*flag, EMBEDDING_ARGS, const int step){
  int p=GRP0, t=from+p/n, r=p%n;
  int64 word=ids[r*all+t];
  if(word<0||word>=v){
    if(LID==0) RAISE(flag,FLAG_WORD,word,r,t,v,step);
    word=0;
  }
  float f=drop?row_mask_(rng,(int)word,t,chunk,v,id,(uint)limit,scale):1.0f;
  GLOBAL const float*row=w+(int64)word*e;
  for(int i=LID;i<e;i+=BLOCK) ST(y,p*e+i,row[i]*f);
}
// The table's derivative, added up word by word in the order of places: the block of the first place that has a
// word looks all places through, a tile of 1024 at a time, and adds up what has the same word. dw is cleared
// before. A thread has up to four features of the block's 4*BLOCK.
KERNEL void embedding_dw(GLOBAL const T*RESTRICT dy, GLOBAL const int64*RESTRICT ids, GLOBAL const int64*RESTRICT rng, GLOBAL float*RESTRICT dw, EMBEDDING_ARGS, const int places, const int pad){
  LOCAL uint bits[32];
  int p=GRP0, first=GRP1*BLOCK*4;
  int64 word=ids[(p%n)*all+from+p/n];
  int mine=word>=0&&word<v&&(int)word!=pad; // not yet seen before p
  int at=-1;
  float f=1.0f, a0=0.0f, a1=0.0f, a2=0.0f, a3=0.0f;
  for(int q0=0;q0<places&&mine;q0+=1024){
    if(LID<32) bits[LID]=0u;
    BARRIER;
    for(int i=LID;i<1024;i+=BLOCK){
      int q=q0+i;
      if(q<places&&ids[(q%n)*all+from+q/n]==word) ATOMIC_OR(&bits[i>>5],1u<<(i&31));
    }
    BARRIER;
    for(int k=0;k<32;k++){
      uint b=bits[k];
      int q=q0+k*32;
      while(b!=0u&&mine){
        if((b&1u)!=0u){
          if(q<p) mine=0;
          else {
            int t=from+q/n, c=chunk>0?t/chunk:0;
            if(drop&&c!=at){ at=c; f=row_mask_(rng,(int)word,t,chunk,v,id,(uint)limit,scale); }
            GLOBAL const T*d=dy+q*e;
            int i=first+LID;
            if(f!=0.0f){
              if(i<e) a0+=LD(d,i)*f;
              if(i+BLOCK<e) a1+=LD(d,i+BLOCK)*f;
              if(i+2*BLOCK<e) a2+=LD(d,i+2*BLOCK)*f;
              if(i+3*BLOCK<e) a3+=LD(d,i+3*BLOCK)*f;
            }
          }
        }
        b>>=1; q++;
      }
    }
    BARRIER;
  }
  if(mine){
    GLOBAL float*row=dw+word*(int64)e;
    int i=first+LID;
    if(i<e) row[i]=a0;
    if(i+BLOCK<e) row[i+BLOCK]=a1;
    if(i+2*BLOCK<e) row[i+2*BLOCK]=a2;
    if(i+3*BLOCK<e) row[i+3*BLOCK]=a3;
  }
}

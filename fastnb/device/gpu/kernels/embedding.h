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
// The table's derivative is added up word by word in the order of places, without atomics on floats. First the places
// are dealt out to buckets by their words modulo buckets: a block counts what a bucket gets, 256 threads, then lists
// its places and their words in order. Numbers that are no words, and pad, are in no bucket.
#ifdef __OPENCL_VERSION__
#define ONES_(u) ((int)popcount(u))
#else
#define ONES_(u) __popc(u)
#endif
DEVFN int word_at_(GLOBAL const int64*ids, int p, int n, int all, int from, int v, int pad){
  int64 w=ids[(p%n)*all+from+p/n];
  return w<0||w>=v||w==pad?-1:(int)w;
}
KERNEL void embedding_count(GLOBAL const int64*RESTRICT ids, GLOBAL int*RESTRICT counts, const int n, const int all, const int from, const int v, const int pad, const int places, const int buckets){
  LOCAL int s[256];
  int c=0;
  for(int p=LID;p<places;p+=256){
    int w=word_at_(ids,p,n,all,from,v,pad);
    if(w>=0&&w%buckets==GRP0) c++;
  }
  s[LID]=c;
  BARRIER;
  for(int k=128;k>0;k>>=1){
    if(LID<k) s[LID]+=s[LID+k];
    BARRIER;
  }
  if(LID==0) counts[GRP0]=s[0];
}
// starts [buckets+1] are where the buckets begin in list and words.
KERNEL void embedding_list(GLOBAL const int64*RESTRICT ids, GLOBAL const int*RESTRICT counts, GLOBAL int*RESTRICT starts, GLOBAL int*RESTRICT list, GLOBAL int*RESTRICT words, const int n, const int all, const int from, const int v, const int pad, const int places, const int buckets){
  LOCAL int s[256];
  LOCAL uint bits[32];
  int c=0;
  for(int b=LID;b<GRP0;b+=256) c+=counts[b];
  s[LID]=c;
  BARRIER;
  for(int k=128;k>0;k>>=1){
    if(LID<k) s[LID]+=s[LID+k];
    BARRIER;
  }
  int at=s[0];
  if(LID==0){
    starts[GRP0]=at;
    if(GRP0==buckets-1) starts[buckets]=at+counts[GRP0];
  }
  for(int p0=0;p0<places;p0+=1024){
    if(LID<32) bits[LID]=0u;
    BARRIER;
    for(int i=LID;i<1024;i+=256){
      int w=p0+i<places?word_at_(ids,p0+i,n,all,from,v,pad):-1;
      if(w>=0&&w%buckets==GRP0) ATOMIC_OR(&bits[i>>5],1u<<(i&31));
    }
    BARRIER;
    for(int i=LID;i<1024;i+=256)
      if((bits[i>>5]>>(i&31)&1u)!=0u){
        int to=at+ONES_(bits[i>>5]&((1u<<(i&31))-1u));
        for(int k=0;k<i>>5;k++) to+=ONES_(bits[k]);
        list[to]=p0+i; words[to]=word_at_(ids,p0+i,n,all,from,v,pad);
      }
    for(int k=0;k<32;k++) at+=ONES_(bits[k]);
    BARRIER;
  }
}
// Then the block of the first place that has a word looks the word's bucket through, a tile of 1024 at a time, and
// adds up what has the same word. dw is cleared before. A thread has up to four features of the block's 4*BLOCK.
KERNEL void embedding_dw(GLOBAL const T*RESTRICT dy, GLOBAL const int*RESTRICT starts, GLOBAL const int*RESTRICT list, GLOBAL const int*RESTRICT words, GLOBAL const int64*RESTRICT rng, GLOBAL float*RESTRICT dw, EMBEDDING_ARGS, const int buckets){
  LOCAL uint bits[32];
  int entry=GRP0, first=GRP1*BLOCK*4;
  int mine=entry<starts[buckets]; // not seen before this entry
  int word=mine?words[entry]:0;
  int begin=starts[word%buckets], end=starts[word%buckets+1];
  int at=-1;
  float f=1.0f, a0=0.0f, a1=0.0f, a2=0.0f, a3=0.0f;
  for(int q0=begin;q0<end&&mine;q0+=1024){
    if(LID<32) bits[LID]=0u;
    BARRIER;
    for(int i=LID;i<1024;i+=BLOCK)
      if(q0+i<end&&words[q0+i]==word) ATOMIC_OR(&bits[i>>5],1u<<(i&31));
    BARRIER;
    for(int k=0;k<32;k++){
      uint b=bits[k];
      int q=q0+k*32;
      while(b!=0u&&mine){
        if((b&1u)!=0u){
          if(q<entry) mine=0;
          else {
            int p=list[q], t=from+p/n, c=chunk>0?t/chunk:0;
            if(drop&&c!=at){ at=c; f=row_mask_(rng,word,t,chunk,v,id,(uint)limit,scale); }
            GLOBAL const T*d=dy+p*e;
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
    GLOBAL float*row=dw+(int64)word*e;
    int i=first+LID;
    if(i<e) row[i]=a0;
    if(i+BLOCK<e) row[i+BLOCK]=a1;
    if(i+2*BLOCK<e) row[i+2*BLOCK]=a2;
    if(i+3*BLOCK<e) row[i+3*BLOCK]=a3;
  }
}

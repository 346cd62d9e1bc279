// How work is shared out.
#define MAXTHREADS 256
#define LOWEST FLOAT(0xff800000u)
// TREE adds sh up, to its first number.
#define TREE for(int h=BLOCK/2;h>0;h>>=1){ if(LID<h) sh[LID]+=sh[LID+h]; BARRIER; }
#ifdef V
// PLACE: a thread takes V channels of one place of a map [N, H, W, C].
#define PLACE(n_,C_,H_,W_) const int i=GID, cw=(C_)/V; if(i>=(n_)*(H_)*(W_)*cw) return; const int k=i%cw, ix=i/cw%(W_), iy=i/cw/(W_)%(H_), b=i/cw/(W_)/(H_);
// Maps [R, C] of whose channels a thread takes V: block (b, p) has cols columns of V channels, the p-th so many, and
// every GRPS0-th group of rows; its threads lie lanes deep over cols wide.
#define COLUMNS const int lanes=BLOCK/cols, lane=LID/cols, wide=C/V, col=GRP1*cols+LID%cols, on=lane<lanes&&col<wide, row0=GRP0*lanes+lane, rows=GRPS0*lanes;
// AT is where thread t keeps its number j in shared memory: neighbours beside each other, so that all banks serve.
#define AT(t,j) ((j)*MAXTHREADS+(t))
// HALF is where a tree over lanes begins.
#define HALF(h,lanes) int h=1; while(h<lanes) h<<=1; h>>=1;
#endif

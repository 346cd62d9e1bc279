// The flag that says that data named something that there is not. It is one for a queue: the first who raises
// it writes it, and until the host has told it nothing is changed in place. Its ints: [0] step+1, [1] what
// (FLAG_TARGET, FLAG_WORD), [2] and [3] the value's low and high half, [4] row, [5] place in the row, [6] how
// many there are.
#define FLAG_TARGET 0
#define FLAG_WORD 1
DEVFN void raise_(GLOBAL int*flag, int what, int64 value, int row, int place, int count, int step){
  if(ATOMIC_CAS(flag,0,step+1)==0){
    flag[1]=what; flag[2]=(int)value; flag[3]=(int)(value>>32); flag[4]=row; flag[5]=place; flag[6]=count;
  }
}
#define RAISE(flag,what,value,row,place,count,step) raise_((flag),(what),(value),(row),(place),(count),(step))
#define RAISED(flag) ((flag)[0]!=0)

// Random masks: Philox4x32-10 exactly as device/philox.go has it. Element i of a mask is word i%4 of the
// block i/4; first is the number of the mask's first block, limit and scale are what the probability gives.
DEVFN void philox_(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint*r){
  for(int i=0;i<10;i++){
    uint h0=MULHI(0xD2511F53u,c0), l0=0xD2511F53u*c0, h1=MULHI(0xCD9E8D57u,c2), l1=0xCD9E8D57u*c2;
    c0=h1^c1^k0; c1=l1; c2=h0^c3^k1; c3=l0;
    k0+=0x9E3779B9u; k1+=0xBB67AE85u;
  }
  r[0]=c0; r[1]=c1; r[2]=c2; r[3]=c3;
}
// mask4_ gives the factors of the four elements of block first+b.
DEVFN void mask4_(GLOBAL const int64*rng, int id, int64 first, int b, uint limit, float scale, float*m){
  uint r[4];
  int64 block=first+(int64)b, seed=rng[0];
  philox_((uint)block,(uint)(block>>32),(uint)id,(uint)rng[1],(uint)seed,(uint)(seed>>32),r);
  for(int j=0;j<4;j++) m[j]=r[j]>=limit?scale:0.0f;
}
// mask1_ gives the factor of element i.
DEVFN float mask1_(GLOBAL const int64*rng, int id, int64 first, int i, uint limit, float scale){
  float m[4];
  mask4_(rng,id,first,i>>2,limit,scale,m);
  int j=i&3;
  return j==0?m[0]:j==1?m[1]:j==2?m[2]:m[3];
}

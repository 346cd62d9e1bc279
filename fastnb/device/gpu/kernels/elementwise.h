// Functions of each element by itself. A thread does V elements, those that are left over one each.
#define SPREAD const int i=GID, m=n/V, k=m*V+i-m;
// UNARY: r is an expression of u, A and B.
#define UNARY(name,r) KERNEL void each_##name(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int n, const float A, const float B){ SPREAD \
  if(i<m){ float a[V]; LDV(x,i,a); ALLV(j) { const float u=a[j]; a[j]=(r); } STV(y,i,a); } \
  else if(k<n){ const float u=LD(x,k); ST(y,k,(r)); } }
// BINARY: of u and w.
#define BINARY(name,r) KERNEL void each_##name(GLOBAL const T*RESTRICT x, GLOBAL const T*RESTRICT y, GLOBAL T*RESTRICT z, const int n, const float A, const float B){ SPREAD \
  if(i<m){ float a[V],b[V]; LDV(x,i,a); LDV(y,i,b); ALLV(j) { const float u=a[j],w=b[j]; a[j]=(r); } STV(z,i,a); } \
  else if(k<n){ const float u=LD(x,k),w=LD(y,k); ST(z,k,(r)); } }
KERNEL void each_relu_grad_sum(GLOBAL const T*RESTRICT x, GLOBAL const T*RESTRICT z, GLOBAL const T*RESTRICT y, GLOBAL T*RESTRICT out, const int n){ SPREAD
  if(i<m){ float a[V],b[V],w[V]; LDV(x,i,a); LDV(z,i,b); LDV(y,i,w); ALLV(j) a[j]=w[j]>0.0f?a[j]+b[j]:0.0f; STV(out,i,a); }
  else if(k<n) ST(out,k,LD(y,k)>0.0f?LD(x,k)+LD(z,k):0.0f);
}
// SCALED: of u and a number s in memory.
#define SCALED(name,r) KERNEL void each_##name(GLOBAL const T*RESTRICT x, GLOBAL const float*RESTRICT f, GLOBAL T*RESTRICT y, const int n, const float A){ SPREAD const float s=f[0]; \
  if(i<m){ float a[V]; LDV(x,i,a); ALLV(j) { const float u=a[j]; a[j]=(r); } STV(y,i,a); } \
  else if(k<n){ const float u=LD(x,k); ST(y,k,(r)); } }
// LOSS: of u, w and s.
#define LOSSDX(name,r) KERNEL void each_##name(GLOBAL const T*RESTRICT x, GLOBAL const T*RESTRICT y, GLOBAL const float*RESTRICT f, GLOBAL T*RESTRICT z, const int n, const float A){ SPREAD const float s=f[0]*A; \
  if(i<m){ float a[V],b[V]; LDV(x,i,a); LDV(y,i,b); ALLV(j) { const float u=a[j],w=b[j]; a[j]=(r); } STV(z,i,a); } \
  else if(k<n){ const float u=LD(x,k),w=LD(y,k); ST(z,k,(r)); } }

DEVFN float sigmoid_(float x){ return 1.0f/(1.0f+EXPF(-x)); }
DEVFN float softplus_(float x){ return (x<0.0f?0.0f:x)+LOG1PF(EXPF(-FABSF(x))); }
DEVFN float act_(float x, float slope, float top){ return x<0.0f?slope*x:(top>0.0f&&x>top?top:x); }
DEVFN float act_slope_(float x, float slope, float top){ return x<=0.0f?slope:(top>0.0f&&x>=top?0.0f:1.0f); }
DEVFN float clamp_(float x, float a, float b){ return x<a?a:(x>b?b:x); }

UNARY(relu, RELU(u))
BINARY(relu_grad, w>0.0f?u:0.0f)
UNARY(act, act_(u,A,B))
BINARY(act_dx, u*act_slope_(w,A,B))
BINARY(add, u+w)
BINARY(sub, u-w)
BINARY(mul, u*w)
BINARY(div, u/w)
BINARY(div_part, -u/w)
UNARY(neg, -u)
SCALED(scale, u*s)
SCALED(over, u/s)
UNARY(sigmoid_range, A+(B-A)*sigmoid_(u))
BINARY(sigmoid_range_dx, u*((w-A)/(B-A))*(1.0f-(w-A)/(B-A))*(B-A))
LOSSDX(mse_dx, 2.0f*(u-w)*s)
LOSSDX(bce_logits_dx, (sigmoid_(u)-w)*s)

UNARY(map_affine, A*u+B)
UNARY(map_abs, FABSF(u))
UNARY(map_sqrt, SQRTF(u))
UNARY(map_exp, EXPF(u))
UNARY(map_log, LOGF(u))
UNARY(map_sigmoid, sigmoid_(u))
UNARY(map_tanh, TANHF(u))
UNARY(map_softplus, softplus_(u))
UNARY(map_pow, POWF(u,A))
UNARY(map_clamp, clamp_(u,A,B))
BINARY(map_affine_dx, u*A)
BINARY(map_abs_dx, w>0.0f?u:(w<0.0f?-u:0.0f*u))
BINARY(map_sqrt_dx, u*0.5f/SQRTF(w))
BINARY(map_exp_dx, u*EXPF(w))
BINARY(map_log_dx, u/w)
BINARY(map_sigmoid_dx, u*sigmoid_(w)*sigmoid_(-w))
BINARY(map_tanh_dx, u*(1.0f-TANHF(w)*TANHF(w)))
BINARY(map_softplus_dx, u*sigmoid_(w))
BINARY(map_pow_dx, u*A*POWF(w,A-1.0f))
BINARY(map_clamp_dx, w>=A&&w<=B?u:0.0f*u)

// y = A s everywhere.
KERNEL void each_spread(GLOBAL const float*RESTRICT f, GLOBAL T*RESTRICT y, const int n, const float A){ SPREAD const float s=A*f[0];
  if(i<m){ float a[V]; ALLV(j) a[j]=s; STV(y,i,a); } else if(k<n) ST(y,k,s); }

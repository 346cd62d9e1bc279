// What all product kernels share: arguments, geometry, and the loaders that decide what a product computes.
// A product is C[m,n] = sum over k of A[m,k] B[k,n]. Loads are vectors of V elements along the axis that is
// contiguous in memory. MODE says where the operands come from:
//
//	0  A: patches of a map, k = (ty,tx,c), contiguous in c       B: rows [n][k]               forward, x w'
//	1  A: patches of dy, the taps that meet an input's class     B: w[k=(o,tap)][n]           gradient of x, x w
//	2  A: columns [k][m]                                         B: patches, k = pixels       gradient of w, x' y
//	3  A: columns [k][m]                                         B: rows [n][k]               x' w'
//
// A matrix is a map of 1x1 pixels with one tap. In mode 1 with strides, input pixels are split into sy*sx
// classes by their remainders: a class meets a fixed set of taps, so no tap is wasted on zeros.
//
// No index is divided in the inner loop: each thread loads the same vectors of each tile, whose coordinates
// it moves on by the tile's depth.
#ifndef UNROLL
#ifdef __OPENCL_VERSION__
#define UNROLL
#else
#define UNROLL _Pragma("unroll")
#endif
#endif

#ifdef __OPENCL_VERSION__
#define LOCAL_PTR __local
#else
#define LOCAL_PTR
#endif

#define HAS_BIAS 1
#define HAS_RELU 2
#define OUT_F32 4
#define ADD_TO 8
#define MASKED 16 // by the ReLU's output that bias points to, of C's shape and storage: 0 where it is not above 0

// Pitches, offsets and strides in elements. gh x gw is the grid of the pixels that rows (mode 2: steps) stand
// for, nb of them; sh x sw the map that patches are cut from; kc the channels of a tap, rounded up to vectors,
// kv those that exist. Sums are multiplied by alpha. klen is the depth of one of the splits.
#define GEMM_ARGS GLOBAL const T*RESTRICT A, GLOBAL const T*RESTRICT B, GLOBAL float*RESTRICT C, GLOBAL const float*RESTRICT bias, \
	const int am, const int an, const int ak, const int offa, const int offb, const int offc, const int lda, const int ldb, const int ldc, \
	const int stra, const int strb, const int strc, const int flags, const int splits, const int klen, const int classes, \
	const int nb, const int gh, const int gw, const int sh, const int sw, const int kh, const int kw, const int sy, const int sx, \
	const int pt, const int pl, const int kc, const int kv, const float alpha

typedef struct {
	int m, n, k, kbeg, kend; // of this block's product
	int m0, n0;
	int gh, gw, sh, sw, th, tw, sy, sx, y0, x0; // patches: grid, map, taps, step and begin
	int kh, kw, ky, kx, ty, tx;                 // mode 1: the first tap and the distance of taps; else 0, 1
	int lda, ldb, ldc, kc, kv;
	int ch, cw, cy, cx; // mode 1: the whole map and this block's class
} Geo;

// geometry settles what block does, batch and split apart.
DEVFN Geo geometry(const int block, const int class_, const int split, const int am, const int an, const int ak, const int lda, const int ldb,
	const int ldc, const int klen, const int nb, const int gh, const int gw, const int sh, const int sw, const int kh, const int kw,
	const int sy, const int sx, const int pt, const int pl, const int kc, const int kv) {
	Geo g;
	g.m = am; g.n = an; g.k = ak;
	g.gh = gh; g.gw = gw; g.sh = sh; g.sw = sw; g.th = kh; g.tw = kw; g.sy = sy; g.sx = sx; g.y0 = -pt; g.x0 = -pl;
	g.kh = kh; g.kw = kw; g.ky = 0; g.kx = 0; g.ty = 1; g.tx = 1;
	g.lda = lda; g.ldb = ldb; g.ldc = ldc; g.kc = kc; g.kv = kv;
	g.ch = gh; g.cw = gw; g.cy = class_ / sx; g.cx = class_ - g.cy * sx;
#if MODE == 1
	// Input row cy + sy*i meets taps ky + sy*t at outputs i + y0 - t.
	g.gh = (gh - g.cy + sy - 1) / sy;
	g.gw = (gw - g.cx + sx - 1) / sx;
	g.ky = (g.cy + pt) % sy;
	g.kx = (g.cx + pl) % sx;
	g.th = g.ky < kh ? (kh - g.ky + sy - 1) / sy : 0;
	g.tw = g.kx < kw ? (kw - g.kx + sx - 1) / sx : 0;
	g.y0 = (g.cy + pt - g.ky) / sy;
	g.x0 = (g.cx + pl - g.kx) / sx;
	g.ty = sy; g.tx = sx; g.sy = 1; g.sx = 1;
	g.m = nb * g.gh * g.gw;
	g.k = g.th * g.tw * kc;
	if (g.tw == 0) g.tw = 1; // divisor
#endif
	// Blocks that follow one another share rows and columns: eight rows of tiles at a time.
	const int nt = (an + BN - 1) / BN, mt = (am + BM - 1) / BM;
	const int band = block / (8 * nt), in = block - band * 8 * nt, rows = mt - band * 8 < 8 ? mt - band * 8 : 8;
	g.n0 = in / rows * BN;
	g.m0 = (band * 8 + in % rows) * BM;
	g.kbeg = split * klen;
	g.kend = g.kbeg + klen < g.k ? g.kbeg + klen : g.k;
	if (g.m0 >= g.m) g.kend = g.kbeg; // a class with fewer rows
	return g;
}

#define GEOMETRY \
	const int split = GRP2 % splits, zrest = GRP2 / splits, class_ = zrest % classes, batch = zrest / classes; \
	const Geo g = geometry(GRP0, class_, split, am, an, ak, lda, ldb, ldc, klen, nb, gh, gw, sh, sw, kh, kw, sy, sx, pt, pl, kc, kv); \
	A += offa + batch * stra; \
	B += offb + batch * strb; \
	bias += batch * an

// Vectors that a thread loads of a tile with rows or columns of so many elements.
#define VECS(wide, deep) ((wide) * (deep) / V / THREADS)
#define PA VECS(BM, BK)
#define PB VECS(BN, BK)

// Places of A and of B. at gives an offset, or -1 for zeros.
#if MODE == 0 || MODE == 1
#if MODE == 0
#define DIR 1
#else
#define DIR -1
#endif
typedef struct { int off[PA], y[PA], x[PA]; int k, c, ty, tx, dc, dy, dx; } PlacesA;
DEVFN void a_init(PlacesA* p, const Geo* g, int tid) {
	const int row = tid / (BK / V);
	p->k = g->kbeg + tid % (BK / V) * V;
	int t = p->k / g->kc;
	p->c = p->k - t * g->kc;
	p->ty = t / g->tw; p->tx = t - p->ty * g->tw;
	t = BK / g->kc;
	p->dc = BK - t * g->kc;
	p->dy = t / g->tw; p->dx = t - p->dy * g->tw;
	UNROLL
	for (int i = 0; i < PA; i++) {
		const int m = g->m0 + row + i * (THREADS / (BK / V)), per = g->gh * g->gw;
		const int b = m / per, r = m - b * per, gy = r / g->gw, y = gy * g->sy + g->y0, x = (r - gy * g->gw) * g->sx + g->x0;
		p->off[i] = ((b * g->sh + y) * g->sw + x) * g->lda;
		p->y[i] = m < g->m ? y : -(1 << 28);
		p->x[i] = x;
	}
}
DEVFN int a_at(const PlacesA* p, const Geo* g, int i) {
	const int y = p->y[i] + DIR * p->ty, x = p->x[i] + DIR * p->tx;
	const int in = (uint)y < (uint)g->sh && (uint)x < (uint)g->sw && p->k < g->kend && p->c < g->kv;
	return in ? p->off[i] + DIR * (p->ty * g->sw + p->tx) * g->lda + p->c : -1;
}
DEVFN void a_step(PlacesA* p, const Geo* g) {
	p->k += BK; p->c += p->dc; p->tx += p->dx; p->ty += p->dy;
	if (p->c >= g->kc) { p->c -= g->kc; p->tx++; }
	if (p->tx >= g->tw) { p->tx -= g->tw; p->ty++; }
}
#define A_IS_ROWS 1
#else
typedef struct { int off, k, ok; } PlacesA;
DEVFN void a_init(PlacesA* p, const Geo* g, int tid) {
	const int m = g->m0 + tid % (BM / V) * V;
	p->k = g->kbeg + tid / (BM / V);
	p->off = p->k * g->lda + m;
	p->ok = m < g->m;
}
DEVFN int a_at(const PlacesA* p, const Geo* g, int i) {
	const int down = i * (THREADS / (BM / V));
	return p->ok && p->k + down < g->kend ? p->off + down * g->lda : -1;
}
DEVFN void a_step(PlacesA* p, const Geo* g) { p->k += BK; p->off += BK * g->lda; }
#define A_IS_ROWS 0
#endif

#if MODE == 0 || MODE == 3
typedef struct { int off, k, n; } PlacesB;
DEVFN void b_init(PlacesB* p, const Geo* g, int tid) {
	p->n = g->n0 + tid / (BK / V);
	p->k = g->kbeg + tid % (BK / V) * V;
	p->off = p->n * g->ldb + p->k;
}
DEVFN int b_at(const PlacesB* p, const Geo* g, int i) {
	const int down = i * (THREADS / (BK / V));
	return p->n + down < g->n && p->k < g->kend ? p->off + down * g->ldb : -1;
}
DEVFN void b_step(PlacesB* p, const Geo* g) { p->k += BK; p->off += BK; }
#define B_IS_ROWS 1
#elif MODE == 1
typedef struct { int o[PB], ty[PB], tx[PB]; int n, k, dc, dy, dx; } PlacesB;
DEVFN void b_init(PlacesB* p, const Geo* g, int tid) {
	p->n = g->n0 + tid % (BN / V) * V;
	p->k = g->kbeg + tid / (BN / V);
	int t = BK / g->kc;
	p->dc = BK - t * g->kc;
	p->dy = t / g->tw; p->dx = t - p->dy * g->tw;
	UNROLL
	for (int i = 0; i < PB; i++) {
		const int k = p->k + i * (THREADS / (BN / V));
		t = k / g->kc;
		p->o[i] = k - t * g->kc;
		p->ty[i] = t / g->tw; p->tx[i] = t - p->ty[i] * g->tw;
	}
}
DEVFN int b_at(const PlacesB* p, const Geo* g, int i) {
	const int in = p->n < g->n && p->k + i * (THREADS / (BN / V)) < g->kend && p->o[i] < g->kv;
	return in ? ((p->o[i] * g->kh + g->ky + p->ty[i] * g->ty) * g->kw + g->kx + p->tx[i] * g->tx) * g->ldb + p->n : -1;
}
DEVFN void b_step(PlacesB* p, const Geo* g) {
	p->k += BK;
	UNROLL
	for (int i = 0; i < PB; i++) {
		p->o[i] += p->dc; p->tx[i] += p->dx; p->ty[i] += p->dy;
		if (p->o[i] >= g->kc) { p->o[i] -= g->kc; p->tx[i]++; }
		if (p->tx[i] >= g->tw) { p->tx[i] -= g->tw; p->ty[i]++; }
	}
}
#define B_IS_ROWS 0
#else
typedef struct { int b[PB], y[PB], x[PB]; int k, c, ok, yend, xend, db, dy, dx; } PlacesB;
DEVFN void b_init(PlacesB* p, const Geo* g, int tid) {
	const int n = g->n0 + tid % (BN / V) * V, t = n / g->kc, ty = t / g->kw, y0 = ty + g->y0, x0 = t - ty * g->kw + g->x0, per = g->gh * g->gw;
	p->c = n - t * g->kc;
	p->ok = n < g->n && p->c < g->kv;
	p->k = g->kbeg + tid / (BN / V);
	p->yend = g->gh * g->sy + y0; p->xend = g->gw * g->sx + x0;
	p->db = BK / per;
	int r = BK - p->db * per;
	p->dy = r / g->gw; p->dx = (r - p->dy * g->gw) * g->sx;
	p->dy *= g->sy;
	UNROLL
	for (int i = 0; i < PB; i++) {
		const int k = p->k + i * (THREADS / (BN / V));
		p->b[i] = k / per;
		r = k - p->b[i] * per;
		const int gy = r / g->gw;
		p->y[i] = gy * g->sy + y0;
		p->x[i] = (r - gy * g->gw) * g->sx + x0;
	}
}
DEVFN int b_at(const PlacesB* p, const Geo* g, int i) {
	const int in = p->ok && p->k + i * (THREADS / (BN / V)) < g->kend && (uint)p->y[i] < (uint)g->sh && (uint)p->x[i] < (uint)g->sw;
	return in ? ((p->b[i] * g->sh + p->y[i]) * g->sw + p->x[i]) * g->ldb + p->c : -1;
}
DEVFN void b_step(PlacesB* p, const Geo* g) {
	p->k += BK;
	UNROLL
	for (int i = 0; i < PB; i++) {
		p->x[i] += p->dx; p->y[i] += p->dy; p->b[i] += p->db;
		if (p->x[i] >= p->xend) { p->x[i] -= g->gw * g->sx; p->y[i] += g->sy; }
		if (p->y[i] >= p->yend) { p->y[i] -= g->gh * g->sy; p->b[i]++; }
	}
}
#define B_IS_ROWS 0
#endif

// row_at is where row m of the product begins in C.
DEVFN int row_at(const Geo* g, int m) {
#if MODE == 1
	if (g->ty * g->tx > 1) {
		const int per = g->gh * g->gw, b = m / per, r = m - b * per, y = r / g->gw, x = r - y * g->gw;
		return ((b * g->ch + y * g->ty + g->cy) * g->cw + x * g->tx + g->cx) * g->ldc;
	}
#endif
	return m * g->ldc;
}

// col_at is the place of column n in its row, -1 where it is one of those that round channels up.
DEVFN int col_at(const Geo* g, int n) {
#if MODE == 2
	if (g->kc != g->kv) {
		const int t = n / g->kc, c = n - t * g->kc;
		return c < g->kv ? t * g->kv + c : -1;
	}
#endif
	return n;
}

// put writes a result to place i; col is its column.
DEVFN void put(GLOBAL float* C, GLOBAL const float* bias, int flags, float alpha, int i, int col, float v) {
	v *= alpha;
	if (flags & HAS_BIAS) v += bias[col];
	if (flags & HAS_RELU) v = FMAXF(v, 0.0f);
	if (flags & MASKED) v = LD((GLOBAL const T*)bias, i) > 0.0f ? v : 0.0f;
	if (flags & OUT_F32) {
		if (flags & ADD_TO) v += C[i];
		C[i] = v;
	} else {
		GLOBAL T* c = (GLOBAL T*)C;
		ST(c, i, v);
	}
}

// Where this block's results go: with splits, whole products of each split, one behind the other; flags then
// wait for the sum.
#define DESTINATION \
	const int whole = splits == 1, out = whole ? flags : OUT_F32; \
	const float factor = whole ? alpha : 1.0f; \
	const int base = whole ? offc + batch * strc : GRP2 * am * an

// Products on tensor cores, CUDA only. A block of warps makes a tile of BM x BN, each warp WM x WN of it. Tiles
// of depth BK come into dynamic shared memory by 16-byte vectors (V = 8, of float 4): from compute capability
// 8.0 on by cp.async, STAGES of them on the way, which fills with zeros what the loaders refuse; with TURING
// through registers, two of them. ldmatrix takes fragments out; for operands that are contiguous in m or n it
// transposes.
//
// Vectors are exchanged within a tile's rows so that the eight rows an ldmatrix reads lie in different banks:
// of rows of 64 bytes vector c of row r is at c^(r/2%4), of longer ones at c^(r%8).
//
// float is multiplied as TF32, numbers with 11 bits: each as a sum of two such, of whose four products the
// largest three count. That is as exact as float arithmetic. With TF32 only the first counts.
#if defined(T_F32)
#define SIZE 4
#define KIND "tf32"
#define COLUMN_TURN(c, k) ((c) ^ ((k) & 3) << 1) // read by float: rows k to k+3, two vectors of each
#else
#define SIZE 2
#define COLUMN_TURN(c, k) ((c) ^ ((k) & 7))
#if defined(T_F16)
#define KIND "f16"
#else
#define KIND "bf16"
#endif
#endif
#define FRAGS_M (WM / 16)
#define FRAGS_N (WN / 8)
#define ROW_BYTES (BK * SIZE)
#define STEPS_K (ROW_BYTES / 32) // a fragment is two vectors deep
#define DEPTH_K (32 / SIZE)
#define BYTES_A (BM * ROW_BYTES)
#define BYTES_B (BN * ROW_BYTES)
#define BYTES_STAGE (BYTES_A + BYTES_B)
#define PER_ROW (BK / V)
#if BK == 4 * V
#define TURN(c, r) ((c) ^ ((r) >> 1 & 3))
#else
#define TURN(c, r) ((c) ^ ((r) & 7))
#endif

DEVFN void ldmatrix(uint* d, uint at) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(at));
}
DEVFN void ldmatrix_trans(uint* d, uint at) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3},[%4];" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(at));
}

#if SIZE == 4
DEVFN void from_shared(uint* d, uint at) { asm volatile("ld.shared.b32 %0,[%1];" : "=r"(*d) : "r"(at)); }
DEVFN uint tf32(float f) {
	uint u;
	asm("cvt.rna.tf32.f32 %0,%1;" : "=r"(u) : "f"(f));
	return u;
}

// halves makes of n floats the TF32 numbers nearest to them, and those nearest to what is left.
DEVFN void halves(uint* x, uint* rest, int n) {
	UNROLL
	for (int i = 0; i < n; i++) {
		const float f = FLOAT(x[i]);
		x[i] = tf32(f);
		rest[i] = tf32(f - FLOAT(x[i]));
	}
}
#endif

// mma adds a fragment of A, 16 rows and two vectors deep, times one of B with 8 columns to d.
DEVFN void mma(float* d, const uint* a, const uint* b) {
#if SIZE == 4
	asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
		: "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#elif defined(TURING)
	asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5},{%6},{%0,%1,%2,%3};"
		: "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(b[0]));
	asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5},{%6},{%0,%1,%2,%3};"
		: "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[2]), "r"(a[3]), "r"(b[1]));
#else
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." KIND "." KIND ".f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
		: "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// Where a thread puts its first vector of a tile, in bytes; the others lie a fixed way behind.
DEVFN uint place(int rows, int wide, int tid) {
	if (rows) {
		const int r = tid / PER_ROW, c = tid % PER_ROW;
		return r * ROW_BYTES + TURN(c, r) * 16;
	}
	const int k = tid / (wide / V), c = tid % (wide / V);
	return k * (wide * SIZE) + COLUMN_TURN(c, k) * 16;
}
#define WAY_A (A_IS_ROWS ? THREADS / PER_ROW * ROW_BYTES : THREADS / (BM / V) * BM * SIZE)
#define WAY_B (B_IS_ROWS ? THREADS / PER_ROW * ROW_BYTES : THREADS / (BN / V) * BN * SIZE)

#ifndef TURING
#ifndef CACHE
#define CACHE "cg"
#endif
DEVFN void fetch(uint to, const T* from, int off) {
	asm volatile("cp.async." CACHE ".shared.global [%0],[%1],16,%2;" ::"r"(to), "l"(from + (off < 0 ? 0 : off)), "r"(off < 0 ? 0 : 16) : "memory");
}
#define FETCH(stage) { \
	const uint to_ = shared + (stage) * BYTES_STAGE; \
	UNROLL \
	for (int i = 0; i < PA; i++) fetch(to_ + placeA + i * WAY_A, A, a_at(&pa, &g, i)); \
	UNROLL \
	for (int i = 0; i < PB; i++) fetch(to_ + BYTES_A + placeB + i * WAY_B, B, b_at(&pb, &g, i)); \
}
#define COMMIT asm volatile("cp.async.commit_group;" ::: "memory")
#define ARRIVED asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory")
#else
#undef STAGES
#define STAGES 2
DEVFN uint4 fetch(const T* from, int off) {
	uint4 z;
	z.x = z.y = z.z = z.w = 0;
	return off < 0 ? z : *(const uint4*)(from + off);
}
#define FETCH { \
	UNROLL \
	for (int i = 0; i < PA; i++) nextA[i] = fetch(A, a_at(&pa, &g, i)); \
	UNROLL \
	for (int i = 0; i < PB; i++) nextB[i] = fetch(B, b_at(&pb, &g, i)); \
}
#define KEEP(stage) { \
	char* to_ = (char*)memory + (stage) * BYTES_STAGE; \
	UNROLL \
	for (int i = 0; i < PA; i++) *(uint4*)(to_ + placeA + i * WAY_A) = nextA[i]; \
	UNROLL \
	for (int i = 0; i < PB; i++) *(uint4*)(to_ + BYTES_A + placeB + i * WAY_B) = nextB[i]; \
}
#endif

#if SIZE == 2
// two are two numbers in the kind of storage, the first in the low bits.
DEVFN uint two(float v, float w) {
#ifdef T_F16
	uint both;
	asm("{.reg .b16 lo,hi; cvt.rn.f16.f32 lo,%1; cvt.rn.f16.f32 hi,%2; mov.b32 %0,{lo,hi};}" : "=r"(both) : "f"(v), "f"(w));
	return both;
#else
	return (uint)f2b_(v) | (uint)f2b_(w) << 16;
#endif
}
#endif

// put8 writes eight neighbours of a row, as put writes one.
DEVFN void put8(float* C, const float* bias, int flags, float alpha, int i, int col, float* v) {
	UNROLL
	for (int e = 0; e < 8; e++) {
		v[e] *= alpha;
		if (flags & HAS_BIAS) v[e] += bias[col + e];
		if (flags & HAS_RELU) v[e] = FMAXF(v[e], 0.0f);
	}
#if SIZE == 2
	if (flags & MASKED) {
		const uint4 m = *(const uint4*)((const T*)bias + i);
		const uint y[4] = {m.x, m.y, m.z, m.w};
		UNROLL
		for (int e = 0; e < 8; e++) {
			const T h = (T)(y[e / 2] >> e % 2 * 16);
			if (!(LD(&h, 0) > 0.0f)) v[e] = 0.0f;
		}
	}
	if (!(flags & OUT_F32)) {
		uint4 r;
		r.x = two(v[0], v[1]); r.y = two(v[2], v[3]); r.z = two(v[4], v[5]); r.w = two(v[6], v[7]);
		*(uint4*)((T*)C + i) = r;
		return;
	}
#endif
#if SIZE == 4
	if (flags & MASKED) {
		UNROLL
		for (int e = 0; e < 8; e++) {
			if (!(bias[i + e] > 0.0f)) v[e] = 0.0f;
		}
	}
#endif
	float4* c = (float4*)(C + i);
	UNROLL
	for (int h = 0; h < 2; h++) {
		float4 r = make_float4(v[4 * h], v[4 * h + 1], v[4 * h + 2], v[4 * h + 3]);
		if (flags & ADD_TO) {
			const float4 o = c[h];
			r.x += o.x; r.y += o.y; r.z += o.z; r.w += o.w;
		}
		c[h] = r;
	}
}

// Fragment i of A and pair j of fragments of B, kk steps deep in the tile at `at`.
#if A_IS_ROWS
#define FRAG_A(d, i, kk) ldmatrix(d, at + ((fromA ^ (kk) * 32) + (i) * 16 * ROW_BYTES))
#elif SIZE == 2
#define FRAG_A(d, i, kk) ldmatrix_trans(d, at + ((fromA ^ (i) * 32) + (kk) * 16 * BM * 2))
#else
#define FRAG_A(d, i, kk) { \
	const uint p_ = at + (kk) * 8 * BM * 4; \
	from_shared(&d[0], p_ + (fromA ^ (i) * 64)); \
	from_shared(&d[1], p_ + (fromA ^ ((i) * 64 + 32))); \
	from_shared(&d[2], p_ + (fromA ^ (i) * 64) + 4 * BM * 4); \
	from_shared(&d[3], p_ + (fromA ^ ((i) * 64 + 32)) + 4 * BM * 4); \
}
#endif
#if B_IS_ROWS
#define FRAG_B(d, j, kk) ldmatrix(d, at + ((fromB ^ (kk) * 32) + (j) * 16 * ROW_BYTES))
#elif SIZE == 2
#define FRAG_B(d, j, kk) ldmatrix_trans(d, at + ((fromB ^ (j) * 32) + (kk) * 16 * BN * 2))
#else
#define FRAG_B(d, j, kk) { \
	const uint p_ = at + (kk) * 8 * BN * 4; \
	from_shared(&d[0], p_ + (fromB ^ (j) * 64)); \
	from_shared(&d[1], p_ + (fromB ^ (j) * 64) + 4 * BN * 4); \
	from_shared(&d[2], p_ + (fromB ^ ((j) * 64 + 32))); \
	from_shared(&d[3], p_ + (fromB ^ ((j) * 64 + 32)) + 4 * BN * 4); \
}
#endif

extern __shared__ uint4 memory[];

KERNEL void __launch_bounds__(THREADS, BLOCKS) gemm(GEMM_ARGS) {
	const int tid = LID, lane = tid & 31, warp = tid >> 5, wm = warp / (BN / WN) * WM, wn = warp % (BN / WN) * WN;
	GEOMETRY;
	uint shared;
	asm("{.reg .u64 a; cvta.to.shared.u64 a,%1; cvt.u32.u64 %0,a;}" : "=r"(shared) : "l"(memory));
	PlacesA pa;
	PlacesB pb;
	a_init(&pa, &g, tid);
	b_init(&pb, &g, tid);
	const uint placeA = place(A_IS_ROWS, BM, tid), placeB = place(B_IS_ROWS, BN, tid);
	// Where this lane points ldmatrix to for the first fragment; the bits above its vector turn with the fragment.
	uint fromA, fromB;
	if (A_IS_ROWS) {
		const int r = wm + (lane & 15);
		fromA = r * ROW_BYTES + TURN(lane >> 4, r) * 16;
	} else if (SIZE == 2) {
		fromA = ((lane & 7) + (lane >> 4) * 8) * (BM * 2) + COLUMN_TURN((wm >> 3) + (lane >> 3 & 1), lane) * 16;
	} else {
		fromA = (lane & 3) * (BM * 4) + COLUMN_TURN((wm >> 2) + (lane >> 4), lane) * 16 + (lane >> 2 & 3) * 4;
	}
	if (B_IS_ROWS) {
		const int r = wn + (lane & 7) + (lane >> 4) * 8;
		fromB = BYTES_A + r * ROW_BYTES + TURN(lane >> 3 & 1, r) * 16;
	} else if (SIZE == 2) {
		fromB = BYTES_A + (lane & 15) * (BN * 2) + COLUMN_TURN((wn >> 3) + (lane >> 4), lane) * 16;
	} else {
		fromB = BYTES_A + (lane & 3) * (BN * 4) + COLUMN_TURN((wn >> 2) + (lane >> 4), lane) * 16 + (lane >> 2 & 3) * 4;
	}
	float acc[FRAGS_M][FRAGS_N][4];
	UNROLL
	for (int i = 0; i < FRAGS_M; i++) {
		UNROLL
		for (int j = 0; j < FRAGS_N; j++) acc[i][j][0] = acc[i][j][1] = acc[i][j][2] = acc[i][j][3] = 0.0f;
	}
	const int steps = g.kend > g.kbeg ? (g.kend - g.kbeg + BK - 1) / BK : 0;
#ifdef TURING
	uint4 nextA[PA], nextB[PB];
	FETCH;
	KEEP(0);
	__syncthreads();
#else
	UNROLL
	for (int s = 0; s < STAGES - 1; s++) {
		FETCH(s);
		COMMIT;
		a_step(&pa, &g);
		b_step(&pb, &g);
	}
	int into = STAGES - 1;
#endif
	int now = 0;
	for (int step = 0; step < steps; step++) {
#ifdef TURING
		a_step(&pa, &g);
		b_step(&pb, &g);
		FETCH;
#else
		ARRIVED;
		__syncthreads();
		FETCH(into);
		COMMIT;
		a_step(&pa, &g);
		b_step(&pb, &g);
		if (++into == STAGES) into = 0;
#endif
		const uint at = shared + now * BYTES_STAGE;
		UNROLL
		for (int kk = 0; kk < STEPS_K; kk++) {
			uint a[FRAGS_M][4], b[FRAGS_N / 2][4];
			UNROLL
			for (int i = 0; i < FRAGS_M; i++) FRAG_A(a[i], i, kk);
			UNROLL
			for (int j = 0; j < FRAGS_N / 2; j++) FRAG_B(b[j], j, kk);
#if SIZE == 4
			uint bl[FRAGS_N / 2][4], al[4];
			UNROLL
			for (int j = 0; j < FRAGS_N / 2; j++) halves(b[j], bl[j], 4);
			UNROLL
			for (int i = 0; i < FRAGS_M; i++) {
				halves(a[i], al, 4);
#ifndef TF32
				UNROLL
				for (int j = 0; j < FRAGS_N; j++) mma(acc[i][j], al, &b[j / 2][j % 2 * 2]);
				UNROLL
				for (int j = 0; j < FRAGS_N; j++) mma(acc[i][j], a[i], &bl[j / 2][j % 2 * 2]);
#endif
				UNROLL
				for (int j = 0; j < FRAGS_N; j++) mma(acc[i][j], a[i], &b[j / 2][j % 2 * 2]);
			}
#else
			UNROLL
			for (int i = 0; i < FRAGS_M; i++) {
				UNROLL
				for (int j = 0; j < FRAGS_N; j++) mma(acc[i][j], a[i], &b[j / 2][j % 2 * 2]);
			}
#endif
		}
#ifdef TURING
		now ^= 1;
		KEEP(now);
		__syncthreads();
#else
		if (++now == STAGES) now = 0;
#endif
	}
#ifndef TURING
	asm volatile("cp.async.wait_all;" ::: "memory");
#endif
	__syncthreads();
	// Results go through shared memory, so that a thread writes vectors: vector c of row r is at c^(r%4*2).
	float* mine = (float*)memory + warp * WM * WN;
	UNROLL
	for (int i = 0; i < 2 * FRAGS_M; i++) {
		const int r = i * 8 + (lane >> 2);
		UNROLL
		for (int j = 0; j < FRAGS_N; j++) {
			const int c = (j * 2 + (lane >> 1 & 1)) ^ (r & 3) << 1;
			*(float2*)(mine + r * WN + c * 4 + (lane & 1) * 2) = make_float2(acc[i / 2][j][i % 2 * 2], acc[i / 2][j][i % 2 * 2 + 1]);
		}
	}
	__syncthreads();
	DESTINATION;
	const int even = ((whole ? ldc | base : an | base) & 7) == 0 && (MODE != 2 || !whole || kc == kv);
	if (even) {
#pragma unroll 1
		for (int e = lane; e < WM * WN / 8; e += 32) {
			const int r = e / (WN / 8), c = e % (WN / 8) * 2, m = g.m0 + wm + r, n = g.n0 + wn + c * 4;
			if (m < g.m && n + 8 <= g.n) {
				float v[8];
				UNROLL
				for (int h = 0; h < 2; h++) {
					const float4 f = *(const float4*)(mine + r * WN + ((c + h) ^ (r & 3) << 1) * 4);
					v[4 * h] = f.x; v[4 * h + 1] = f.y; v[4 * h + 2] = f.z; v[4 * h + 3] = f.w;
				}
				put8(C, bias, out, factor, base + (whole ? row_at(&g, m) : m * an) + n, n, v);
			}
		}
	}
	// The rest one by one, neighbours by neighbouring lanes.
	if (!even || g.n0 + wn + WN > g.n) {
		const int rest = even ? g.n & ~7 : 0;
#pragma unroll 1
		for (int e = lane; e < WM * WN; e += 32) {
			const int r = e / WN, c = e % WN, m = g.m0 + wm + r, n = g.n0 + wn + c;
			if (m < g.m && n < g.n && n >= rest) {
				const int col = whole ? col_at(&g, n) : n;
				if (col >= 0) {
					const float v = mine[r * WN + (c >> 2 ^ (r & 3) << 1) * 4 + (c & 3)];
					put(C, bias, out, factor, base + (whole ? row_at(&g, m) : m * an) + col, col, v);
				}
			}
		}
	}
}

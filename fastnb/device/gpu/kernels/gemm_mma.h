// Products of float16 or bfloat16 on tensor cores, CUDA only. A block of warps makes a tile of BM x BN, each
// warp WM x WN of it. Tiles of depth BK come into dynamic shared memory by 16-byte vectors (V = 8): from
// compute capability 8.0 on by cp.async, STAGES of them on the way, which fills with zeros what the loaders
// refuse; with TURING through registers, two of them. ldmatrix takes fragments out; for operands that are
// contiguous in m or n it transposes.
//
// Vectors are exchanged within a tile's rows so that the eight rows an ldmatrix reads lie in different banks:
// of rows of 64 bytes vector c of row r is at c^(r/2%4), of longer ones at c^(r%8).
#define FRAGS_M (WM / 16)
#define FRAGS_N (WN / 8)
#define BYTES_A (BM * BK * 2)
#define BYTES_B (BN * BK * 2)
#define BYTES_STAGE (BYTES_A + BYTES_B)
#define PER_ROW (BK / 8)
#if BK == 32
#define TURN(c, r) ((c) ^ ((r) >> 1 & 3))
#else
#define TURN(c, r) ((c) ^ ((r) & 7))
#endif

#ifdef T_F16
#define KIND "f16"
#else
#define KIND "bf16"
#endif

DEVFN void ldmatrix(uint* d, uint at) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(at));
}
DEVFN void ldmatrix_trans(uint* d, uint at) {
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3},[%4];" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(at));
}

// mma adds a 16x16 fragment of A times a 16x8 fragment of B to d.
DEVFN void mma(float* d, const uint* a, const uint* b) {
#ifdef TURING
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
		return r * (BK * 2) + TURN(c, r) * 16;
	}
	const int k = tid / (wide / 8), c = tid % (wide / 8);
	return k * (wide * 2) + (c ^ (k & 7)) * 16;
}
#define WAY_A (A_IS_ROWS ? THREADS / PER_ROW * BK * 2 : THREADS / (BM / 8) * BM * 2)
#define WAY_B (B_IS_ROWS ? THREADS / PER_ROW * BK * 2 : THREADS / (BN / 8) * BN * 2)

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

// Two neighbours of a row, as put writes one.
DEVFN void put2(float* C, const float* bias, int flags, float alpha, int i, int col, float v, float w) {
	v *= alpha; w *= alpha;
	if (flags & HAS_BIAS) { v += bias[col]; w += bias[col + 1]; }
	if (flags & HAS_RELU) { v = FMAXF(v, 0.0f); w = FMAXF(w, 0.0f); }
	if (flags & OUT_F32) {
		float2 r = flags & ADD_TO ? *(float2*)(C + i) : make_float2(0.0f, 0.0f);
		r.x += v; r.y += w;
		*(float2*)(C + i) = r;
	} else {
		uint both;
#ifdef T_F16
		asm("{.reg .b16 lo,hi; cvt.rn.f16.f32 lo,%1; cvt.rn.f16.f32 hi,%2; mov.b32 %0,{lo,hi};}" : "=r"(both) : "f"(v), "f"(w));
#else
		both = (uint)f2b_(v) | (uint)f2b_(w) << 16;
#endif
		*(uint*)((T*)C + i) = both;
	}
}

extern __shared__ uint4 memory[];

KERNEL void __launch_bounds__(THREADS) gemm(GEMM_ARGS) {
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
		fromA = r * (BK * 2) + TURN(lane >> 4, r) * 16;
	} else {
		fromA = ((lane & 7) + (lane >> 4) * 8) * (BM * 2) + (((wm >> 3) + (lane >> 3 & 1)) ^ (lane & 7)) * 16;
	}
	if (B_IS_ROWS) {
		const int r = wn + (lane & 7) + (lane >> 4) * 8;
		fromB = BYTES_A + r * (BK * 2) + TURN(lane >> 3 & 1, r) * 16;
	} else {
		fromB = BYTES_A + (lane & 15) * (BN * 2) + (((wn >> 3) + (lane >> 4)) ^ (lane & 7)) * 16;
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
		for (int kk = 0; kk < BK / 16; kk++) {
			uint a[FRAGS_M][4], b[FRAGS_N / 2][4];
			UNROLL
			for (int i = 0; i < FRAGS_M; i++) {
				if (A_IS_ROWS) ldmatrix(a[i], at + ((fromA ^ (kk * 32)) + i * 16 * BK * 2));
				else ldmatrix_trans(a[i], at + ((fromA ^ (i * 32)) + kk * 16 * BM * 2));
			}
			UNROLL
			for (int j = 0; j < FRAGS_N / 2; j++) {
				if (B_IS_ROWS) ldmatrix(b[j], at + ((fromB ^ (kk * 32)) + j * 16 * BK * 2));
				else ldmatrix_trans(b[j], at + ((fromB ^ (j * 32)) + kk * 16 * BN * 2));
			}
			UNROLL
			for (int i = 0; i < FRAGS_M; i++) {
				UNROLL
				for (int j = 0; j < FRAGS_N; j++) mma(acc[i][j], a[i], &b[j / 2][j % 2 * 2]);
			}
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
	DESTINATION;
	const int pairs = ((whole ? ldc | base : an | base) & 1) == 0 && (MODE != 2 || !whole || kc == kv);
	UNROLL
	for (int i = 0; i < 2 * FRAGS_M; i++) {
		const int m = g.m0 + wm + i * 8 + (lane >> 2);
		if (m < g.m) {
			const int row = base + (whole ? row_at(&g, m) : m * an);
			UNROLL
			for (int j = 0; j < FRAGS_N; j++) {
				const int n = g.n0 + wn + j * 8 + (lane & 3) * 2;
				const float v = acc[i / 2][j][i % 2 * 2], w = acc[i / 2][j][i % 2 * 2 + 1];
				if (pairs && n + 1 < g.n) {
					put2(C, bias, out, factor, row + n, n, v, w);
				} else {
					const int c0 = whole ? col_at(&g, n) : n, c1 = whole ? col_at(&g, n + 1) : n + 1;
					if (n < g.n && c0 >= 0) put(C, bias, out, factor, row + c0, c0, v);
					if (n + 1 < g.n && c1 >= 0) put(C, bias, out, factor, row + c1, c1, w);
				}
			}
		}
	}
}

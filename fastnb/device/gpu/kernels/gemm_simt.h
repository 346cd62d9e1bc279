// Products with float arithmetic: tiles of BM x BN, TM x TN of them a thread, two buffers of depth BK in
// local memory; the next tile is loaded while one is multiplied.
#define PITCH_A (BM + 4)
#define PITCH_B (BN + 4)

#ifdef __OPENCL_VERSION__
#define LOCAL4(d, p) { const float4 v_ = vload4(0, (p)); (d)[0] = v_.x; (d)[1] = v_.y; (d)[2] = v_.z; (d)[3] = v_.w; }
#if defined(T_F16)
#define LOADV4(d, p) { const float4 v_ = vload_half4(0, (GLOBAL const half*)(p)); (d)[0] = v_.x; (d)[1] = v_.y; (d)[2] = v_.z; (d)[3] = v_.w; }
#elif defined(T_BF16)
#define LOADV4(d, p) { const ushort4 v_ = vload4(0, (p)); (d)[0] = b2f_(v_.x); (d)[1] = b2f_(v_.y); (d)[2] = b2f_(v_.z); (d)[3] = b2f_(v_.w); }
#else
#define LOADV4(d, p) { const float4 v_ = vload4(0, (p)); (d)[0] = v_.x; (d)[1] = v_.y; (d)[2] = v_.z; (d)[3] = v_.w; }
#endif
#else
#define LOCAL4(d, p) { const float4 v_ = *(const float4*)(p); (d)[0] = v_.x; (d)[1] = v_.y; (d)[2] = v_.z; (d)[3] = v_.w; }
#if defined(T_F16)
#define LOADV4(d, p) { const uint2 v_ = *(const uint2*)(p); (d)[0] = h2f_((h16)v_.x); (d)[1] = h2f_((h16)(v_.x >> 16)); (d)[2] = h2f_((h16)v_.y); (d)[3] = h2f_((h16)(v_.y >> 16)); }
#elif defined(T_BF16)
#define LOADV4(d, p) { const uint2 v_ = *(const uint2*)(p); (d)[0] = FLOAT(v_.x << 16); (d)[1] = FLOAT(v_.x & 0xffff0000u); (d)[2] = FLOAT(v_.y << 16); (d)[3] = FLOAT(v_.y & 0xffff0000u); }
#else
#define LOADV4(d, p) LOCAL4(d, p)
#endif
#endif

#if V == 4
#define LOADV(d, p, o) if ((o) < 0) { (d)[0] = (d)[1] = (d)[2] = (d)[3] = 0.0f; } else LOADV4(d, (p) + (o))
#else
#define LOADV(d, p, o) (d)[0] = (o) < 0 ? 0.0f : LD(p, o)
#endif

// Tiles lie in local memory with m or n contiguous.
#define KEEP(to, pitch, from, passes, rows, wide) \
	UNROLL \
	for (int i = 0; i < passes; i++) { \
		UNROLL \
		for (int j = 0; j < V; j++) { \
			if (rows) to[(tid % (BK / V) * V + j) * pitch + tid / (BK / V) + i * (THREADS / (BK / V))] = from[i * V + j]; \
			else to[(tid / (wide / V) + i * (THREADS / (wide / V))) * pitch + tid % (wide / V) * V + j] = from[i * V + j]; \
		} \
	}

KERNEL void gemm(GEMM_ARGS) {
	LOCAL float tileA[2 * BK * PITCH_A];
	LOCAL float tileB[2 * BK * PITCH_B];
	const int tid = LID;
	GEOMETRY;
	PlacesA pa;
	PlacesB pb;
	float nextA[PA * V], nextB[PB * V], acc[TM * TN];
	a_init(&pa, &g, tid);
	b_init(&pb, &g, tid);
	// Warps are 4 x 8 threads: few distinct reads of local memory.
	const int lane = tid % 32, warp = tid / 32, tx = warp % (BN / TN / 8) * 8 + lane % 8, ty = warp / (BN / TN / 8) * 4 + lane / 8;
	UNROLL
	for (int i = 0; i < TM * TN; i++) acc[i] = 0.0f;
	UNROLL
	for (int i = 0; i < PA; i++) { const int o = a_at(&pa, &g, i); LOADV(&nextA[i * V], A, o); }
	UNROLL
	for (int i = 0; i < PB; i++) { const int o = b_at(&pb, &g, i); LOADV(&nextB[i * V], B, o); }
	KEEP(tileA, PITCH_A, nextA, PA, A_IS_ROWS, BM);
	KEEP(tileB, PITCH_B, nextB, PB, B_IS_ROWS, BN);
	BARRIER;
	int now = 0;
	for (int k0 = g.kbeg; k0 < g.kend; k0 += BK) {
		a_step(&pa, &g);
		b_step(&pb, &g);
		UNROLL
		for (int i = 0; i < PA; i++) { const int o = a_at(&pa, &g, i); LOADV(&nextA[i * V], A, o); }
		UNROLL
		for (int i = 0; i < PB; i++) { const int o = b_at(&pb, &g, i); LOADV(&nextB[i * V], B, o); }
		LOCAL_PTR const float* ta = tileA + now * BK * PITCH_A;
		LOCAL_PTR const float* tb = tileB + now * BK * PITCH_B;
		UNROLL
		for (int k = 0; k < BK; k++) {
			float a[TM], b[TN];
			UNROLL
			for (int i = 0; i < TM; i += 4) LOCAL4(&a[i], ta + k * PITCH_A + i / 4 * (4 * BM / TM) + ty * 4);
			UNROLL
			for (int j = 0; j < TN; j += 4) LOCAL4(&b[j], tb + k * PITCH_B + j / 4 * (4 * BN / TN) + tx * 4);
			UNROLL
			for (int i = 0; i < TM; i++) {
				UNROLL
				for (int j = 0; j < TN; j++) acc[i * TN + j] = FMA(a[i], b[j], acc[i * TN + j]);
			}
		}
		now ^= 1;
		LOCAL_PTR float* na = tileA + now * BK * PITCH_A;
		LOCAL_PTR float* nb_ = tileB + now * BK * PITCH_B;
		KEEP(na, PITCH_A, nextA, PA, A_IS_ROWS, BM);
		KEEP(nb_, PITCH_B, nextB, PB, B_IS_ROWS, BN);
		BARRIER;
	}
	DESTINATION;
	UNROLL
	for (int i = 0; i < TM; i++) {
		const int m = g.m0 + i / 4 * (4 * BM / TM) + ty * 4 + i % 4;
		if (m < g.m) {
			const int row = base + (whole ? row_at(&g, m) : m * an);
			UNROLL
			for (int j = 0; j < TN; j++) {
				const int n = g.n0 + j / 4 * (4 * BN / TN) + tx * 4 + j % 4, col = whole ? col_at(&g, n) : n;
				if (n < g.n && col >= 0) put(C, bias, out, factor, row + col, col, acc[i * TN + j]);
			}
		}
	}
}

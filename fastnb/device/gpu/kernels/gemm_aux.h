// Around products: the sum over splits, and copies with rows of whole vectors.

// gemm_sum adds the splits of a product in their order and finishes as the product would have (gemm.h).
KERNEL void gemm_sum(GLOBAL const float*RESTRICT P, GLOBAL float*RESTRICT C, GLOBAL const float*RESTRICT bias, const int m, const int n,
	const int splits, const int offc, const int ldc, const int strc, const int flags, const int kc, const int kv, const float alpha) {
	const int i = GID, row = i / n, batch = GRP2, size = m * n;
	int col = i - row * n;
	if (i >= size) return;
	if (kc != kv) {
		const int t = col / kc, c = col - t * kc;
		if (c >= kv) return;
		col = t * kv + c;
	}
	float v = 0.0f;
	for (int s = 0; s < splits; s++) v += P[(batch * splits + s) * size + i];
	v *= alpha;
	const int at = offc + batch * strc + row * ldc + col;
	if (flags & 1) v += bias[batch * n + col];
	if (flags & 2) v = FMAXF(v, 0.0f);
	if (flags & 16) v = LD((GLOBAL const T*)bias, at) > 0.0f ? v : 0.0f;
	if (flags & 4) {
		if (flags & 8) v += C[at];
		C[at] = v;
	} else {
		GLOBAL T* c = (GLOBAL T*)C;
		ST(c, at, v);
	}
}

// gemm_pad copies rows of n elements, `from` apart, into rows of `to` of them, zeros behind; a thread writes eight.
KERNEL void gemm_pad(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int vectors, const int n, const int to, const int from, const int off) {
	const int v = GID, per = to / 8, r = v / per, c = (v - r * per) * 8;
	T e[8];
	if (v >= vectors) return;
	for (int i = 0; i < 8; i++) e[i] = c + i < n ? x[off + r * from + c + i] : (T)0;
#ifdef __OPENCL_VERSION__
	vstore8(vload8(0, e), v, y);
#elif defined(T_F16) || defined(T_BF16)
	uint4 u;
	u.x = e[0] | (uint)e[1] << 16; u.y = e[2] | (uint)e[3] << 16; u.z = e[4] | (uint)e[5] << 16; u.w = e[6] | (uint)e[7] << 16;
	((uint4*)y)[v] = u;
#else
	float4 a, b;
	a.x = e[0]; a.y = e[1]; a.z = e[2]; a.w = e[3];
	b.x = e[4]; b.y = e[5]; b.z = e[6]; b.w = e[7];
	((float4*)y)[2 * v] = a;
	((float4*)y)[2 * v + 1] = b;
#endif
}

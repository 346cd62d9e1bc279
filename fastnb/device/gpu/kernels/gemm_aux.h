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
	if (flags & 4) {
		if (flags & 8) v += C[at];
		C[at] = v;
	} else {
		GLOBAL T* c = (GLOBAL T*)C;
		ST(c, at, v);
	}
}

// gemm_pad copies rows of n elements into rows of `to` of them, zeros behind.
KERNEL void gemm_pad(GLOBAL const T*RESTRICT x, GLOBAL T*RESTRICT y, const int size, const int n, const int to, const int from, const int off) {
	for (int i = GID; i < size; i += GSIZE) {
		const int r = i / to, c = i - r * to;
		y[i] = c < n ? x[off + r * from + c] : (T)0;
	}
}

// Convolutions with as many groups as channels: w is [C, KH, KW], a thread has one channel of one pixel.
#define DEPTHWISE const int nb, const int h, const int w, const int c, const int oh, const int ow, const int kh, const int kw, \
	const int sy, const int sx, const int pt, const int pl

KERNEL void depthwise(GLOBAL const T*RESTRICT X, GLOBAL const float*RESTRICT W, GLOBAL T*RESTRICT Y, GLOBAL const float*RESTRICT bias, DEPTHWISE,
	const int flags) {
	const int i = GID;
	if (i >= nb * oh * ow * c) return;
	const int ch = i % c, p = i / c, ox = p % ow, oy = p / ow % oh, b = p / (ow * oh);
	float s = flags & 1 ? bias[ch] : 0.0f;
	for (int ky = 0; ky < kh; ky++) {
		const int y = oy * sy + ky - pt;
		for (int kx = 0; kx < kw; kx++) {
			const int x = ox * sx + kx - pl;
			if ((uint)y < (uint)h && (uint)x < (uint)w) s = FMA(LD(X, ((b * h + y) * w + x) * c + ch), W[(ch * kh + ky) * kw + kx], s);
		}
	}
	if (flags & 2) s = FMAXF(s, 0.0f);
	ST(Y, i, s);
}

KERNEL void depthwise_dx(GLOBAL const T*RESTRICT DY, GLOBAL const float*RESTRICT W, GLOBAL T*RESTRICT DX, DEPTHWISE) {
	const int i = GID;
	if (i >= nb * h * w * c) return;
	const int ch = i % c, p = i / c, x = p % w, y = p / w % h, b = p / (w * h);
	float s = 0.0f;
	for (int ky = (y + pt) % sy; ky < kh; ky += sy) {
		const int oy = (y + pt - ky) / sy;
		for (int kx = (x + pl) % sx; kx < kw; kx += sx) {
			const int ox = (x + pl - kx) / sx;
			if (y + pt >= ky && x + pl >= kx && oy < oh && ox < ow) s = FMA(LD(DY, ((b * oh + oy) * ow + ox) * c + ch), W[(ch * kh + ky) * kw + kx], s);
		}
	}
	ST(DX, i, s);
}

// depthwise_dw sums over the pixels of one of the parts; thread (tap, channel), channels side by side.
KERNEL void depthwise_dw(GLOBAL const T*RESTRICT X, GLOBAL const T*RESTRICT DY, GLOBAL float*RESTRICT P, DEPTHWISE, const int part) {
	const int i = GID, size = c * kh * kw, total = nb * oh * ow;
	if (i >= size) return;
	const int ch = i % c, t = i / c, ky = t / kw, kx = t - ky * kw, from = GRP1 * part, to = from + part < total ? from + part : total;
	float s = 0.0f;
	int ox = from % ow, oy = from / ow % oh, b = from / (ow * oh);
	for (int p = from; p < to; p++) {
		const int y = oy * sy + ky - pt, x = ox * sx + kx - pl;
		if ((uint)y < (uint)h && (uint)x < (uint)w) s = FMA(LD(DY, p * c + ch), LD(X, ((b * h + y) * w + x) * c + ch), s);
		if (++ox == ow) { ox = 0; if (++oy == oh) { oy = 0; b++; } }
	}
	P[GRP1 * size + i] = s;
}

// depthwise_sum adds the parts in their order: P [parts, taps, C] to DW [C, taps].
KERNEL void depthwise_sum(GLOBAL const float*RESTRICT P, GLOBAL float*RESTRICT DW, const int c, const int taps, const int parts) {
	const int i = GID;
	if (i >= c * taps) return;
	float s = 0.0f;
	for (int p = 0; p < parts; p++) s += P[p * c * taps + i];
	DW[i % c * taps + i / c] = s;
}

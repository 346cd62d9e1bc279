package device

// Attributes of the ops, by value in Step.Attrs. All activations are [N, H, W, C], all convolution
// weights [O, KH, KW, C] (PyTorch's [O, C, KH, KW] in channels-last memory), matrices row-major.
//
//	op            in                                   out                 attrs
//	picture       x [N,C,H,W] uint8 or float32         [N,H,W,C] float32   Normalize (bytes stand for v/255)
//	cast          x                                    the same numbers in the output's kind, rounded to nearest
//	conv2d        x, w [, bias[O]]                     y [N,OH,OW,O]       Conv
//	conv2d_dx     dy, w                                dx                  Conv
//	conv2d_dw     x, dy                                dw                  Conv
//	bn_stats      x [..., C]                           [2, C] mean, biased variance (accumulated in float64 or Welford)
//	bn_train      x, stats, gamma, beta [, res]        y = act(bn(x) + res)  BatchNorm
//	bn_eval       x, rmean, rvar, gamma, beta [, res]  y                   BatchNorm
//	bn_grads      dy, x, stats [, y]                   [2, C] dgamma, dbeta  BatchNorm (y given when ReLU: dy counts where y > 0)
//	bn_dx         dy, x, stats, gamma, grads [, y]     dx                  BatchNorm
//	bn_eval_grads dy, x, rmean, rvar [, y]             [2, C]              BatchNorm
//	bn_eval_dx    dy, rvar, gamma [, y]                dx                  BatchNorm
//	bn_update     rmean, rvar, stats                   rmean, rvar (in place)  BNUpdate
//	relu          x                                    y
//	relu_grad     dy, y                                dx = dy where y > 0
//	maxpool2d     x                                    y                   Pool
//	maxpool2d_dx  dy, x, y                             dx (the first maximum in row order takes it all) Pool
//	avgpool2d     x                                    y                   Pool (padding counts, as PyTorch's default)
//	avgpool2d_dx  dy                                   dx                  Pool
//	global_pool   x [N,H,W,C]                          [N, C] or [N, 2C]   GlobalPool
//	global_pool_dx dy, x, y                            dx                  GlobalPool
//	matmul        a, b [, bias]                        a' b' + bias        MatMul
//	colsum        x [..., C]                           [C]
//	row           x [R, C]                             [C]                 Row
//	reshape       x                                    the same elements in the output's shape
//	add           a, b (same shape)                    a + b
//	concat        x... [..., Ci]                       [..., sum of Ci]
//	channels      x [..., C]                           [..., k] channels From to From+k   Channels
//	resize_nearest x [N,H,W,C]                         [N,OH,OW,C] by NearestRow
//	resize_nearest_dx dy                               dx
//	pixel_shuffle x [N,H,W,C r r]                      [N,H r,W r,C]       Shuffle
//	pixel_shuffle_dx dy                                dx                  Shuffle
//	pad2d         x                                    y                   Pad
//	pad2d_dx      dy                                   dx                  Pad
//	act           x                                    y = Act.At(x)       Act
//	act_dx        dy, x                                dx = dy Act.Slopes(x)  Act
//	bmm           x [B,M,K], y                         [B,M,N]             MatMul (no bias, no ReLU)
//	softmax       x [..., C]                           y
//	softmax_dx    dy, y                                dx
//	scale         x, factor [1]                        factor x
//	dot           x, y                                 [1] sum of x y
//	weight_norm   v [O, ...], g (O elements)           v g / |v| per output
//	weight_norm_dv dw, v, g                            dv
//	weight_norm_dg dw, v                               dg
//	spectral_iterate w [O, ...], u [O], v [K]          [O+K] the next u and v
//	spectral_keep w, u, v                              [O+K] u and v
//	spectral_norm w, uv                                w / (u' w v)
//	spectral_norm_dx dy, w, uv                         dw
//	spectral_update u, v, uv                           u, v (in place)
//	dropout       x, rng int64 [2] (seed, step)        y                   Dropout
//	dropout_dx    dy, rng                              dx                  Dropout
//	sigmoid_range x                                    lo + (hi-lo) sigmoid(x)  Range
//	sigmoid_range_dx dy, y                             dx                  Range
//	bce_logits    x [N, C], y [N, C]                   scalar mean
//	bce_logits_dx x, y, dl scalar                      dx
//	softmax_xent  x [..., C], y int64 [...]            scalar mean
//	softmax_xent_dx x, y, dl                           dx
//	soft_xent     x [..., C], y int64 [...] or float32 [..., C]  scalar mean over rows  SoftXent
//	soft_xent_dx  x, y, dl                             dx                  SoftXent
//	mse           x, y                                 scalar mean
//	mse_dx        x, y, dl                             dx
//	map           x                                    y = Map.At(x)       Map
//	map_dx        dy, x                                dx = dy Map.Slope(x)  Map
//	sub, mul, div x, y (same shape)                    x-y, x y, x/y
//	sub_dy, div_dx, div_part                           -dz; dz/y; -x/y: parts of their gradients
//	mul_last      x [..., C]                           x times W along the last axis  Weights
//	one_hot       y int64 [...]                        [..., C] of 0 and 1
//	sum, mean     x                                    scalar
//	spread        dl scalar                            dl Factor everywhere  Spread
//	sum_last      x [..., C]                           [...]
//	sum_last_dx   dy [...]                             dx [..., C]
//	log_softmax   x [..., C]                           y
//	log_softmax_dx dy, y                               dx
//	adam          p, g, m, v, h float32 [n, 8]         p, m, v (in place)  Group    row of h: lr, beta1, beta2, eps, wd, 1-beta1^t, 1-beta2^t, grad scale; p *= 1-lr*wd first
//	adam_l2       the same, wd added to the gradient instead
//	sgd           p, g, m, h                           p, m (in place)     Group    h: lr, momentum, 0, 0, wd, first(1/0), 0, grad scale
//	sgd_l2        the same, wd added to the gradient instead
//	rmsprop, rmsprop_l2  p, g, v, m, h                 p, v, m (in place)  Group  h: lr, momentum, alpha, eps, wd, first, 0, grad scale
//	accumulate    acc, g, h float32 [2] (keep, weight) acc = keep acc + weight g (in place; keep 0 overwrites)
//	sqnorm        g...                                 scalar: sum of squares of all inputs (float64 inside)

// Normalize is (x - Mean) / Std of each channel; without them, x.
type Normalize struct{ Mean, Std []float32 }

// At is the normalised value of x in channel c.
func (n Normalize) At(c int, x float32) float32 {
	if n.Std == nil {
		return x
	}
	return (x - n.Mean[c]) / n.Std[c]
}

// Group is the row of hyper-parameters that an optimizer's step takes.
type Group struct{ Row int }

// Of are the row's numbers.
func (g Group) Of(h []float32) []float32 { return h[8*g.Row : 8*g.Row+8] }

// Conv is a two-dimensional convolution.
type Conv struct {
	Stride [2]int // rows, columns
	Pad    [4]int // top, left, bottom, right, zeros
	Groups int    // 0 means 1
	ReLU   bool   // conv2d only: y = max(0, y)
}

// BatchNorm normalises over all axes but the last.
type BatchNorm struct {
	Eps      float32 // 1e-5
	ReLU     bool    // y = max(0, ...)
	Residual bool    // add res before the ReLU
}

// BNUpdate moves running statistics: r = (1-Momentum) r + Momentum s, the variance unbiased by
// Count/(Count-1). A channel whose new statistics would be infinite or no number keeps the old ones.
type BNUpdate struct {
	Momentum float32 // 0.1
	Count    int     // values per channel of the batch
}

// Pool is a pooling window.
type Pool struct {
	Size, Stride [2]int
	Pad          [4]int
}

// GlobalPool pools over H and W.
type GlobalPool struct {
	Max, Avg bool // both: maxima first, then averages (fastai's AdaptiveConcatPool2d)
}

// MatMul multiplies matrices, transposed where said; Bias adds a row, ReLU clips at 0.
type MatMul struct{ TransA, TransB, Bias, ReLU bool }

// Row picks a row.
type Row struct{ Index int }

// Dropout zeroes with probability P and scales the rest by 1/(1-P). The mask is a function of
// (seed, step, ID, element index): Philox4x32-10, recomputed in the backward pass.
type Dropout struct {
	P  float32
	ID int // tells the dropout layers of a net apart
}

// SoftXent is cross-entropy with a weight for each class of a row: Eps of it is spread over all classes
// alike. Weights, one for each class or nil, multiply a row's weights after that, and the mean over rows
// is then one weighted by their sums: 0 where these are 0.
type SoftXent struct {
	Eps     float32
	Weights []float32
}

// Range is an interval.
type Range struct{ Lo, Hi float32 }

// Channels says where a run of channels begins.
type Channels struct{ From int }

// Shuffle is how many times as high and wide a pixel shuffle makes a map.
type Shuffle struct{ Scale int }

// NearestRow is the row (or column) of a map with n of them that row i of m shows when it is resized
// to the nearest pixel: floor(i n / m) in single precision, as PyTorch rounds.
func NearestRow(i, n, m int) int {
	return min(int(float32(i)*(float32(n)/float32(m))), n-1)
}

// PadMode says what a border consists of.
type PadMode uint8

// The kinds of border.
const (
	PadZeros     PadMode = iota
	PadReplicate         // the nearest pixel
	PadReflect           // mirrored at the border pixel, which is not repeated
)

// Pad is a border around a map.
type Pad struct {
	Pad  [4]int // top, left, bottom, right
	Mode PadMode
}

// Source is the row (or column) of a map with n of them that is seen at i, which may lie outside; -1
// is none, a zero.
func (p Pad) Source(i, n int) int {
	switch {
	case i >= 0 && i < n:
		return i
	case p.Mode == PadReplicate:
		return max(0, min(i, n-1))
	case p.Mode == PadReflect && i < 0:
		return -i
	case p.Mode == PadReflect:
		return 2*(n-1) - i
	}
	return -1
}

// Act is a ReLU that leaks below 0 and may have a ceiling.
type Act struct {
	Slope float32 // below 0
	Max   float32 // 0: none
}

// At is the activation of x.
func (a Act) At(x float32) float32 {
	switch {
	case x < 0:
		return a.Slope * x
	case a.Max > 0 && x > a.Max:
		return a.Max
	}
	return x
}

// Slopes is the derivative at x; at 0 and at the ceiling, the side beyond.
func (a Act) Slopes(x float32) float32 {
	switch {
	case x <= 0:
		return a.Slope
	case a.Max > 0 && x >= a.Max:
		return 0
	}
	return 1
}

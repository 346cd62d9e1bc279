// What a warp does together: moving registers between lanes, votes, and products of small matrices, whose
// elements lie in the lanes' registers as the tables of the PTX ISA (9.7.14, "Matrix Fragments") say.
#include <stdio.h>
#include "half.h"
#include "internal.h"

static int shuffle(Thr **lane, uint32_t members, int op) {
  for (uint32_t m = members; m; m &= m - 1) {
    Thr *t = lane[__builtin_ctz(m)];
    int l = t->lane, b = t->in[1] & 31, clamp = t->in[2] & 31, seg = t->in[2] >> 8 & 31;
    int low = l & seg, most = low | (clamp & ~seg), j = l, in = 1;
    if (op == OP_SHFL_UP) j = l - b, in = j >= most;
    if (op == OP_SHFL_DOWN) j = l + b, in = j <= most;
    if (op == OP_SHFL_BFLY) j = l ^ b, in = j <= most;
    if (op == OP_SHFL_IDX) j = low | (b & ~seg), in = j <= most;
    if (!in) j = l;
    if (!(members >> j & 1)) {
      char why[100];
      snprintf(why, sizeof why, "shfl.sync asks lane %d, which takes no part", j);
      stop(t, LAUNCH_FAILED, why, 0, 0);
      return -1;
    }
    t->out[0] = lane[j]->in[0];
    t->out[1] = (uint32_t)in;
  }
  return 0;
}

static void vote(Thr **lane, uint32_t members, int op) {
  uint32_t ballot = 0;
  for (uint32_t m = members; m; m &= m - 1)
    if (lane[__builtin_ctz(m)]->in[0]) ballot |= m & -m;
  uint32_t r = op == OP_VOTE_ALL ? ballot == members : op == OP_VOTE_ANY ? ballot != 0 : op == OP_VOTE_UNI ? ballot == members || ballot == 0 : ballot;
  for (uint32_t m = members; m; m &= m - 1) lane[__builtin_ctz(m)]->out[0] = op == OP_ACTIVEMASK ? members : r;
}

static void match(Thr **lane, uint32_t members) {
  for (uint32_t m = members; m; m &= m - 1) {
    Thr *t = lane[__builtin_ctz(m)];
    t->out[0] = 0;
    for (uint32_t o = members; o; o &= o - 1)
      if (lane[__builtin_ctz(o)]->in[0] == t->in[0]) t->out[0] |= o & -o;
  }
}

static void redux(Thr **lane, uint32_t members, int op) {
  uint32_t r = lane[__builtin_ctz(members)]->in[0];
  for (uint32_t m = members & (members - 1); m; m &= m - 1) {
    uint32_t v = lane[__builtin_ctz(m)]->in[0];
    switch (op) {
    case OP_REDUX_ADD: r += v; break;
    case OP_REDUX_MIN_S: r = (int32_t)v < (int32_t)r ? v : r; break;
    case OP_REDUX_MAX_S: r = (int32_t)v > (int32_t)r ? v : r; break;
    case OP_REDUX_MIN_U: r = v < r ? v : r; break;
    case OP_REDUX_MAX_U: r = v > r ? v : r; break;
    case OP_REDUX_AND: r &= v; break;
    case OP_REDUX_OR: r |= v; break;
    case OP_REDUX_XOR: r ^= v; break;
    }
  }
  for (uint32_t m = members; m; m &= m - 1) lane[__builtin_ctz(m)]->out[0] = r;
}

static float half(uint32_t pair, int i, int bf16) {
  uint16_t h = (uint16_t)(pair >> (16 * i));
  return bf16 ? b2f(h) : h2f(h);
}

// mma is C += A*B, A 16 by k, B k by 8. in: A's registers, B's, C's.
static void mma(Thr **lane, int k, int type, int half_sum) {
  float a[16][16], b[16][8], c[16][8];
  int na = type == 't' ? k / 2 : k / 4, nb = na / 2;
  for (int l = 0; l < 32; l++) {
    uint32_t *in = lane[l]->in;
    int g = l / 4, q = l % 4;
    for (int r = 0; r < na; r++) {
      int row = g + 8 * (r % 2);
      if (type == 't') a[row][q + 4 * (r / 2)] = bf(in[r] & 0xffffe000);
      else for (int h = 0; h < 2; h++) a[row][2 * q + h + 8 * (r / 2)] = half(in[r], h, type == 'b');
    }
    for (int r = 0; r < nb; r++) {
      if (type == 't') b[q + 4 * r][g] = bf(in[na + r] & 0xffffe000);
      else for (int h = 0; h < 2; h++) b[2 * q + h + 8 * r][g] = half(in[na + r], h, type == 'b');
    }
    for (int r = 0; r < 4; r++)
      c[g + 8 * (r / 2)][2 * q + r % 2] = half_sum ? half(in[na + nb + r / 2], r % 2, 0) : bf(in[na + nb + r]);
  }
  for (int i = 0; i < 16; i++)
    for (int p = 0; p < k; p++)
      for (int j = 0; j < 8; j++) c[i][j] += a[i][p] * b[p][j];
  for (int l = 0; l < 32; l++) {
    int g = l / 4, q = l % 4;
    for (int r = 0; r < 4; r++) {
      float v = c[g + 8 * (r / 2)][2 * q + r % 2];
      if (!half_sum) lane[l]->out[r] = fb(v);
      else if (r % 2 == 0) lane[l]->out[r / 2] = f2h(v);
      else lane[l]->out[r / 2] |= (uint32_t)f2h(v) << 16;
    }
  }
}

static uint16_t element(Thr **lane, uint32_t matrix, int row, int column) {
  return (uint16_t)(lane[8 * matrix + row]->in[column / 2] >> (16 * (column % 2)));
}

// ldmatrix: lanes 8i to 8i+7 have read the rows of matrix i, which go to register i of every lane.
static void load(Thr **lane, uint32_t count, int transposed) {
  for (int l = 0; l < 32; l++)
    for (uint32_t m = 0; m < count; m++) {
      int r = l / 4, c = l % 4 * 2;
      uint32_t lo = transposed ? element(lane, m, c, r) : element(lane, m, r, c);
      uint32_t hi = transposed ? element(lane, m, c + 1, r) : element(lane, m, r, c + 1);
      lane[l]->out[m] = lo | hi << 16;
    }
}

// stmatrix: the other way round; lane 8i+r gets row r of matrix i to store.
static void store(Thr **lane, uint32_t count, int transposed) {
  uint16_t m[4][8][8];
  for (int l = 0; l < 32; l++)
    for (uint32_t k = 0; k < count; k++)
      for (int h = 0; h < 2; h++) {
        int r = l / 4, c = l % 4 * 2 + h;
        uint16_t v = (uint16_t)(lane[l]->in[k] >> (16 * h));
        if (transposed) m[k][c][r] = v;
        else m[k][r][c] = v;
      }
  for (uint32_t l = 0; l < 8 * count; l++) memcpy(lane[l]->out, m[l / 8][l % 8], 16);
}

int warp_do(Thr **lane, uint32_t members, Thr *t) {
  int op = t->op;
  if (op <= OP_SHFL_BFLY) return shuffle(lane, members, op);
  if (op == OP_WARPSYNC) return 0;
  if (op <= OP_ACTIVEMASK) vote(lane, members, op);
  else if (op == OP_MATCH_ANY) match(lane, members);
  else if (op <= OP_REDUX_XOR) redux(lane, members, op);
  switch (op) {
  case OP_MMA_K8_F16: mma(lane, 8, 'h', 0); break;
  case OP_MMA_K16_F16: mma(lane, 16, 'h', 0); break;
  case OP_MMA_K8_BF16: mma(lane, 8, 'b', 0); break;
  case OP_MMA_K16_BF16: mma(lane, 16, 'b', 0); break;
  case OP_MMA_K4_TF32: mma(lane, 4, 't', 0); break;
  case OP_MMA_K8_TF32: mma(lane, 8, 't', 0); break;
  case OP_MMA_K8_F16_F16: mma(lane, 8, 'h', 1); break;
  case OP_MMA_K16_F16_F16: mma(lane, 16, 'h', 1); break;
  case OP_LDMATRIX: load(lane, t->count, 0); break;
  case OP_LDMATRIX_T: load(lane, t->count, 1); break;
  case OP_STMATRIX: store(lane, t->count, 0); break;
  case OP_STMATRIX_T: store(lane, t->count, 1); break;
  }
  return 0;
}

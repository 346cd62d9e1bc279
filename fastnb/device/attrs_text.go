package device

// Ops of language models. Sequences run time-major on devices: activations are [T, N, F], whereas batches
// of word numbers come as [N, T]. Masks are functions of (seed, step, ID, element) as Dropout's are; an op
// that covers several chunks of time draws a mask for each, that of chunk c beginning at element
// c*MaskStride(mask size).
//
//	op             in                                     out                           attrs
//	part           x                                      x[Offset:], a view            Part
//	piece          x                                      x[Offset:], a copy            Part
//	scaled_part    x, s scalar                            s*x[Offset:]                  Part
//	embedding      ids int64 [N,T], w [V,E] [, rng]       [To-From, N, E]               Embedding
//	embedding_dw   dy, ids [, rng]                        dw [V,E], 0 in row Pad        Embedding
//	locked_dropout x [T,N,F], rng                         y                             LockedDropout
//	lstm           x [T,N,I], wi [4H,I], wh [4H,H], bi, bh [, h0, c0] [, rng]  work     LSTM
//	lstm_dgates    work, dy [T,N,H], wh [, rng]           work with the gates' derivatives in place of the gates  LSTM
//	lstm_dx        work, wi                               dx [T,N,I]                    LSTM
//	lstm_dwi       work, x                                [4H,I]                        LSTM
//	lstm_dwh       work [, h0] [, rng]                    [4H,H]                        LSTM
//	lstm_db        work                                   [4H]                          LSTM
//	decoder        h [T,N,E], w [V,E] [, bias]            logits [N,T,V]                -
//	decoder_xent   h, w, y int64 [N,T] [, bias]           work                          Decoder
//	activity       y [T,N,H]                              scalar: AR + TAR              Activity
//	activity_dx    y, dl                                  dy                            Activity
//	masked_pool    y [T,N,E], ids                         [N,3E]: last, max, mean       MaskedPool
//	masked_pool_dx d, y, ids                              dy                            MaskedPool

// Part is a stretch of a flat array, as long as the output.
type Part struct{ Offset int }

// Embedding looks words From to To of each row up. With P, whole rows of the table are dropped.
type Embedding struct {
	From, To int
	Pad      int // the row that gets no gradient, or -1
	P        float32
	ID       int
	Chunk    int // words for which one mask holds; 0: all
}

// LockedDropout drops features: one mask [N, F] for all steps of a chunk.
type LockedDropout struct {
	P     float32
	ID    int
	Chunk int // steps for which one mask holds; 0: all
	First int // number of the first chunk
}

// LSTM is a layer over a whole sequence. Gates are in PyTorch's order: input, forget, cell, output. work
// holds y [T, N, H] first and the last cells at Cells(); the rest, there if Keep, is the device's own.
type LSTM struct {
	T, N, I, H int
	P          float32 // of wh's elements
	ID         int
	Chunk      int // steps after which gradients are cut and a new mask is drawn; 0: never
	First      int // number of the first chunk
	State      bool
	Keep       bool // a backward pass follows
}

// Units is H rounded up to whole blocks of 16.
func (a LSTM) Units() int { return roundUp(a.H, 16) }

// Cells is where work holds the cells [N, H] after the last step.
func (a LSTM) Cells() int { return roundUp(a.T*a.N*a.H, 16) }

// Gates is where work keeps the gates [T, N, 4*Units()].
func (a LSTM) Gates() int { return a.Cells() + roundUp(a.N*a.H, 16) }

// AllCells is where work keeps the cells [T+1, N, Units()], those before the first step included.
func (a LSTM) AllCells() int { return a.Gates() + a.T*a.N*4*a.Units() }

// Size is the number of elements of work.
func (a LSTM) Size() int {
	if !a.Keep {
		return a.Gates()
	}
	return a.AllCells() + (a.T+1)*a.N*a.Units()
}

// Spans cuts the steps into chunks, each from, to and its number.
func (a LSTM) Spans() [][3]int { return spans(a.T, a.Chunk, a.First) }

// Spans cuts t steps into chunks, each from, to and its number.
func (a LockedDropout) Spans(t int) [][3]int { return spans(t, a.Chunk, a.First) }

// ChunkOf is the number of the chunk that word t is in.
func (a Embedding) ChunkOf(t int) int {
	if a.Chunk == 0 {
		return 0
	}
	return t / a.Chunk
}

func spans(t, chunk, first int) [][3]int {
	if chunk == 0 {
		chunk = t
	}
	var out [][3]int
	for i := 0; i < t; i += chunk {
		out = append(out, [3]int{i, min(i+chunk, t), first + i/chunk})
	}
	return out
}

// MaskStride is how far apart the masks of n elements lie that an op draws for its chunks.
func MaskStride(n int) int { return roundUp(n, 4) }

func roundUp(n, k int) int { return (n + k - 1) / k * k }

// Decoder is a linear layer to the words of a vocabulary and the softmax cross-entropy behind it, in
// rows r = t*N + n. work holds the mean loss at 0, the likeliest word of each row at Best() and, with Grad,
// the derivatives of h, w and the bias.
type Decoder struct {
	R, E, V int
	Bias    bool
	Grad    bool
}

// Best is where work holds the likeliest words [R].
func (a Decoder) Best() int { return 16 }

// DH is where work holds the derivative of h [R, E].
func (a Decoder) DH() int { return a.Best() + roundUp(a.R, 16) }

// DW is where work holds the derivative of w [V, E].
func (a Decoder) DW() int { return a.DH() + roundUp(a.R*a.E, 16) }

// DB is where work holds the derivative of the bias [V].
func (a Decoder) DB() int { return a.DW() + roundUp(a.V*a.E, 16) }

// Size is the number of elements of work.
func (a Decoder) Size() int {
	if !a.Grad {
		return a.DH()
	}
	return a.DB() + roundUp(a.V, 16)
}

// Activity is Alpha times the mean of y² (activation regularisation) plus Beta times the mean of
// (y[t+1]-y[t])² (temporal activation regularisation; left out for batches of one row).
type Activity struct{ Alpha, Beta float32 }

// MaskedPool pools over the steps that are not padding. Step t of y belongs to word From+t.
type MaskedPool struct{ From, Pad int }

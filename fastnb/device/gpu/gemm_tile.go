package gpu

import (
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
)

// tile chooses the tile and the splits of a product.
func (c *compiler) tile(p *product) kernels.GemmTile {
	best, score := kernels.GemmTiles[0], 0.0
	for _, t := range kernels.GemmTiles {
		if s := c.rate(p, t); s > score {
			best, score = t, s
		}
	}
	p.split(best, c.processors())
	return best
}

// processors is the number of multiprocessors to fill; few tests would cut sums on the two cores of a processor.
func (c *compiler) processors() int { return max(c.dev.card.Units, 16) }

// able reports whether a tile's kernel can do p on this card.
func (c *compiler) able(p *product, t kernels.GemmTile) bool {
	if !t.Does(p.mode, suffix(p.kind)) || (t.V > 1 && !p.even(t.V)) {
		return false
	}
	return t.Compute == 0 || (c.dev.card.Driver == "cuda" && c.dev.card.Compute >= t.Compute && c.dev.card.Tensor)
}

// rate is a guess of how fast a tile is: what a block of it does in a multiprocessor's full time, times the
// parts of blocks and of multiprocessors that are busy; 0 if it cannot do p.
func (c *compiler) rate(p *product, t kernels.GemmTile) float64 {
	if !c.able(p, t) {
		return 0
	}
	mt, nt := ceil(p.m, t.BM), ceil(p.n, t.BN)
	used := float64(p.m) / float64(mt*t.BM) * float64(p.n) / float64(nt*t.BN)
	q := *p
	q.split(t, c.processors())
	blocks := mt * nt * p.batch * q.splits * p.classes()
	waves := float64(blocks) / float64(c.processors()*t.Resident())
	busy := min(1, waves)
	return used * busy * t.Peak()
}

// split cuts the depth of p so that there are blocks for all multiprocessors, where each keeps enough to do.
func (p *product) split(t kernels.GemmTile, units int) {
	p.splits, p.depth = 1, p.k
	if p.classes() > 1 {
		return
	}
	tiles := ceil(p.m, t.BM) * ceil(p.n, t.BN) * p.batch
	least := 8 // steps of a split
	n := min(units*t.Resident()/tiles, p.k/(least*t.BK), maxSplit/max(1, p.batch*p.m*p.n))
	if n < 2 {
		return
	}
	p.depth = ceil(ceil(p.k, n), t.BK) * t.BK
	p.splits = ceil(p.k, p.depth)
}

// maxSplit is how many elements the splits of a product may have together.
const maxSplit = 64 << 20

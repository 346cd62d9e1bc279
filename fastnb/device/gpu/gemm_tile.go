package gpu

import (
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
)

// choice is a way to do a product: its tile, and into how many parts its depth is cut.
type choice struct {
	tile   kernels.GemmTile
	splits int
}

// choose settles how p is done: as measured on this card, or by a guess.
func (c *compiler) choose(p *product) kernels.GemmTile {
	var best choice
	if c.force != nil {
		best = c.force(p) // it is being measured
	} else {
		best = c.guess(p)
		if t := c.dev.tuning(); t != nil && p.flops() >= t.from {
			if x, ok := t.choice(c, p); ok && c.able(p, x.tile) {
				best = x
			}
		}
	}
	p.cut(best.tile, best.splits)
	return best.tile
}

// guess is the choice without measurements.
func (c *compiler) guess(p *product) choice {
	best, score := choice{kernels.GemmTiles[0], p.wanted(kernels.GemmTiles[0], c.processors())}, 0.0
	for _, t := range c.tiles(p) {
		n := p.wanted(t, c.processors())
		if s := c.rate(p, t, n); s > score {
			best, score = choice{t, n}, s
		}
	}
	return best
}

// processors is the number of multiprocessors to fill; a few cores count as more, so that tests on a
// processor cut sums as cards do.
func (c *compiler) processors() int { return max(c.dev.card.Units, 16) }

// able reports whether a tile's kernel can do p on this card.
func (c *compiler) able(p *product, t kernels.GemmTile) bool {
	if !t.Does(p.mode, suffix(p.kind)) || (t.V > 1 && !p.even(t.V)) {
		return false
	}
	if t.Compute == 0 {
		return true
	}
	card := c.dev.card
	if t.Compute < 80 && card.Compute >= 80 {
		return false // Turing's is slower than any of theirs
	}
	return card.Driver == "cuda" && card.Tensor && card.Compute >= t.Compute && t.Shared <= mostShared(card.Compute)
}

// mostShared is how much shared memory a block may have, in bytes, by compute capability.
func mostShared(compute int) int {
	switch {
	case compute < 80:
		return 64 << 10
	case compute == 80 || compute == 87:
		return 163 << 10
	case compute == 90 || compute == 100:
		return 227 << 10
	}
	return 99 << 10
}

// rate is a guess of how fast a tile is: what it does when all is busy, times the parts of its blocks and of the
// multiprocessors that are.
func (c *compiler) rate(p *product, t kernels.GemmTile, splits int) float64 {
	mt, nt := over(p.m, t.BM), over(p.n, t.BN)
	used := float64(p.m) / float64(mt*t.BM) * float64(p.n) / float64(nt*t.BN)
	all := float64(mt * nt * p.batch * splits * p.classes())
	return used * min(1, all/float64(c.processors()*t.Resident)) * t.Peak()
}

// wanted is into how many parts to cut the depth of p so that there are blocks for all multiprocessors and each
// keeps enough to do.
func (p *product) wanted(t kernels.GemmTile, units int) int {
	if p.classes() > 1 {
		return 1
	}
	tiles := over(p.m, t.BM) * over(p.n, t.BN) * p.batch
	return max(1, min(units*t.Resident/tiles, p.k/(leastSteps*t.BK), maxSplit/max(1, p.batch*p.m*p.n)))
}

// leastSteps is how many tiles deep a part is at least.
const leastSteps = 8

// maxSplit is how many elements the parts of a product may have together.
const maxSplit = 64 << 20

// cut cuts the depth of p into about n parts, of whole tiles; classes of pixels are not cut: their depths differ.
func (p *product) cut(t kernels.GemmTile, n int) {
	p.splits, p.depth = 1, p.k
	if n > 1 && p.classes() == 1 {
		p.depth = over(over(p.k, n), t.BK) * t.BK
		p.splits = over(p.k, p.depth)
	}
}

// tiles are those for p: on tensor cores where such can do it.
func (c *compiler) tiles(p *product) []kernels.GemmTile {
	var all, tensor []kernels.GemmTile
	for _, t := range kernels.GemmTiles {
		if !c.able(p, t) {
			continue
		}
		if all = append(all, t); t.Compute > 0 {
			tensor = append(tensor, t)
		}
	}
	if len(tensor) > 0 {
		return tensor
	}
	return all
}

// choices are what is worth a measurement for p.
func (c *compiler) choices(p *product) []choice {
	var all []choice
	for _, t := range c.tiles(p) {
		seen := map[int]bool{}
		n := p.wanted(t, c.processors())
		for _, k := range []int{n, n / 2, 2 * n, 1} {
			q := *p
			if q.cut(t, k); k < 1 || seen[q.splits] || (k > 1 && (q.depth < t.BK*leastSteps/2 || k*p.batch*p.m*p.n > maxSplit)) {
				continue
			}
			seen[q.splits] = true
			all = append(all, choice{t, q.splits})
		}
	}
	return all
}

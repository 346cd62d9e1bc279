package cpu

// weightGrad computes dw [o, 3, 3, c] from x and dy and reports whether all of it is finite. At each point, dw is the
// sum over all tiles of products of an output channel's gradient with an input channel.
func (z *winoConv) weightGrad(x, dy, dw []float32) (finite bool) {
	work := z.works()
	if z.tiles >= winoTilesAtOnce/2 || z.points*roundUp(z.c, z.k.nr)*roundUp(z.o, z.k.mr) <= cacheFloats {
		z.gradByGroups(x, dy, dw, work)
	} else {
		z.gradByPanels(x, dy, dw, work)
	}
	return allFinite(work)
}

// back brings rows of the products' sums to the weights' gradient: rows o0 to o1, channels c0 to c0+n.
func (z *winoConv) back(du []float32, sp, ld, o0, o1, c0, n int, dw []float32, wk *winoWork) {
	v := z.k.width
	full := n / v
	for o := o0; o < o1; o++ {
		src, at := du[(o-o0)*ld:], o*9*z.c+c0
		fetch(dw, at+fetchAhead*9*z.c, z.c, 9, n)
		if full > 0 {
			z.t.dw(&src[0], sp, &dw[at], 3*z.c, z.c, 3, 3, full, &wk.tmp[0], &wk.bad[0])
		}
		if rest := n - full*v; rest > 0 {
			z.t.dw(&src[full*v], sp, &wk.edge[0], 3*v, v, 3, 3, 1, &wk.tmp[0], &wk.bad[0])
			for t := range 9 {
				copy(dw[at+t*z.c+full*v:at+t*z.c+n], wk.edge[t*v:])
			}
		}
	}
}

// winoGroups says how the work of a weight gradient is cut where there are many tiles. A worker takes a group of output
// channels and one of input channels, so that their sums stay in its cache from the first tile to the last, and brings
// those channels of the tiles to points itself: again for each group that meets them, which costs less than to write
// them all down and to read them back.
type winoGroups struct {
	*winoConv
	os, cs, ranges int // groups of output and input channels, ranges of tiles
	oMost, cMost   int // channels of the largest groups
	per            int // tiles brought to points at a time
	ldz, ldv, lds  int
	dz, dv, ds     int // what a point takes of the gradients, the inputs and the sums
}

func (z *winoConv) gradGroups() *winoGroups {
	k := z.k
	oBest, cBest := 64, 2*k.nr // sums of half a megabyte, or of a quarter with narrow vectors
	g := &winoGroups{winoConv: z, ranges: 1}
	g.os, g.cs = (z.o+oBest-1)/oBest, (z.c+cBest-1)/cBest
	g.oMost, g.cMost = (z.o+g.os-1)/g.os, roundUp((z.c+g.cs-1)/g.cs, k.nr)
	g.cs = (z.c + g.cMost - 1) / g.cMost
	g.ldz, g.ldv, g.lds = roundUp(g.oMost, k.nr)+winoPad, g.cMost+winoPad, g.cMost
	g.per = max(8, min(z.tiles, cacheFloats/(z.points*(g.ldz+g.ldv))/4*4))
	if blocks := (z.tiles + g.per - 1) / g.per; g.os*g.cs < 2*z.dev.team.n {
		g.ranges = max(1, min(blocks, (2*z.dev.team.n+g.os*g.cs-1)/(g.os*g.cs)))
	}
	g.dz, g.dv, g.ds = g.per*g.ldz+winoPad, g.per*g.ldv+winoPad, g.oMost*g.lds+winoPad
	return g
}

func (z *winoConv) gradByGroups(x, dy, dw []float32, work []*winoWork) {
	g := z.gradGroups()
	size, parts := g.points*g.ds, g.os*g.cs
	sums := z.dev.scratch(0, g.ranges*parts*size)
	for i := range work {
		z.dev.scratch(1+i, g.points*(g.dz+g.dv))
	}
	back := func(part int, sum []float32, wk *winoWork) {
		o0, on := g.outs(part / g.cs)
		c0 := part % g.cs * g.cMost
		z.back(sum, g.ds, g.lds, o0, o0+on, c0, min(g.cMost, g.c-c0), dw, wk)
	}
	z.dev.team.each(g.ranges*parts, func(w, i int) {
		sum := sums[i*size : (i+1)*size]
		g.add(x, dy, i/parts, i%parts/g.cs, i%g.cs, sum, z.dev.pack[1+w].f, work[w])
		if g.ranges == 1 {
			back(i, sum, work[w])
		}
	})
	if g.ranges == 1 {
		return
	}
	z.dev.team.each(parts, func(w, part int) {
		sum := sums[part*size : (part+1)*size]
		for r := 1; r < g.ranges; r++ {
			at := (r*parts + part) * size
			z.dev.isa.vec.add(sum, sum, sums[at:at+size])
		}
		back(part, sum, work[w])
	})
}

// outs are the first output channel of a group and how many it has.
func (g *winoGroups) outs(o int) (from, n int) {
	from = g.o * o / g.os
	return from, g.o*(o+1)/g.os - from
}

// add brings range r of the tiles to points and adds their products up, for groups o and c of the channels.
func (g *winoGroups) add(x, dy []float32, r, o, c int, sum, own []float32, wk *winoWork) {
	k := g.k
	o0, on := g.outs(o)
	c0 := c * g.cMost
	cn := min(g.cMost, g.c-c0)
	zs, vs := own[:g.points*g.dz], own[g.points*g.dz:]
	first, end := g.tiles*r/g.ranges, g.tiles*(r+1)/g.ranges
	steps := (on + k.mr - 1) / k.mr
	for q0 := first; q0 < end; q0 += g.per {
		n := min(g.per, end-q0)
		for i := range n {
			g.input(x, q0+i, c0, cn, vs[i*g.ldv:], g.dv, wk)
			g.grad(dy, q0+i, o0, on, zs[i*g.ldz:], g.dz, wk)
		}
		for p := range g.points {
			for j := 0; j < cn; j += k.nr {
				for s := range steps {
					i0, i1 := on*s/steps, on*(s+1)/steps
					k.tile(i1-i0, n, &zs[p*g.dz+i0], 1, g.ldz, &vs[p*g.dv+j], g.ldv, &sum[p*g.ds+i0*g.lds+j], g.lds, q0 > first)
				}
			}
		}
	}
}

// gradByPanels brings tiles to points first, as many as memory is given for, and then shares panels of input channels
// out; products go back to the weights' gradient while they are in the cache. Where there are more tiles, the sums are
// kept until the last have been added.
func (z *winoConv) gradByPanels(x, dy, dw []float32, work []*winoWork) {
	k, team := z.k, z.dev.team
	ldz := roundUp(z.o, k.nr) + winoPad
	most := max(winoTilesAtOnce, winoPointFloats/(z.points*(z.ldv+ldz)))
	chunks := (z.tiles + most - 1) / most
	per := (z.tiles + chunks - 1) / chunks
	dv, dz := per*z.ldv+winoPad, per*ldz+winoPad
	buf := z.dev.scratch(0, z.points*(dv+dz))
	v, g := buf[:z.points*dv], buf[z.points*dv:]
	rows := (z.o + 3*k.mr - 1) / (3 * k.mr) // groups of output channels
	rows = (z.o + rows - 1) / rows
	groups := (z.o + rows - 1) / rows
	ds := rows*k.nr + winoPad
	size := z.points * ds
	panels := (z.c + k.nr - 1) / k.nr
	own := size
	var kept []float32
	if chunks > 1 {
		kept, own = z.dev.scratch(1+team.n, panels*groups*size), 1
	}
	for w := range team.n {
		z.dev.scratch(1+w, own)
	}
	for from := 0; from < z.tiles; from += per {
		n := min(per, z.tiles-from)
		team.each((n+7)/8, func(w, part int) {
			for i := part * 8; i < min(part*8+8, n); i++ {
				z.input(x, from+i, 0, z.c, v[i*z.ldv:], dv, work[w])
				z.grad(dy, from+i, 0, z.o, g[i*ldz:], dz, work[w])
			}
		})
		team.each(panels, func(w, j int) {
			for r := range groups {
				o0 := r * rows
				o1 := min(o0+rows, z.o)
				sum := z.dev.pack[1+w].f
				if kept != nil {
					sum = kept[(j*groups+r)*size:]
				}
				for p := range z.points {
					steps := (o1 - o0 + k.mr - 1) / k.mr
					for s := range steps {
						i0, i1 := (o1-o0)*s/steps, (o1-o0)*(s+1)/steps
						k.tile(i1-i0, n, &g[p*dz+o0+i0], 1, ldz, &v[p*dv+j*k.nr], z.ldv, &sum[p*ds+i0*k.nr], k.nr, from > 0)
					}
				}
				if from+n == z.tiles {
					z.back(sum, ds, k.nr, o0, o1, j*k.nr, min(k.nr, z.c-j*k.nr), dw, work[w])
				}
			}
		})
	}
}

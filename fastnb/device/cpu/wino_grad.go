package cpu

// weightGrad computes dw [o, 3, 3, c] from x and dy and reports whether all of it is finite. At each point, dw is the
// sum over all tiles of products of an output channel's gradient with an input channel.
func (z *winoConv) weightGrad(x, dy, dw []float32) (finite bool) {
	work := make([]*winoWork, z.dev.team.n)
	for i := range work {
		work[i] = z.work()
	}
	if z.points*roundUp(z.c, z.k.nr)*roundUp(z.o, z.k.mr) <= cacheFloats {
		z.gradByTiles(x, dy, dw, work)
	} else {
		z.gradByPanels(x, dy, dw, work)
	}
	var s float32
	for _, v := range dw {
		s += v - v
	}
	return s == s
}

// back brings rows of the products' sums to the weights' gradient: rows o0 to o1, channels c0 to c0+n.
func (z *winoConv) back(du []float32, sp, ld, o0, o1, c0, n int, dw []float32, wk *winoWork) {
	v := z.k.width
	full := n / v
	for o := o0; o < o1; o++ {
		src, at := du[(o-o0)*ld:], o*9*z.c+c0
		if full > 0 {
			z.t.dw(&src[0], sp, &dw[at], 3*z.c, z.c, 3, 3, full, &wk.tmp[0])
		}
		if rest := n - full*v; rest > 0 {
			z.t.dw(&src[full*v], sp, &wk.edge[0], 3*v, v, 3, 3, 1, &wk.tmp[0])
			for t := range 9 {
				copy(dw[at+t*z.c+full*v:at+t*z.c+n], wk.edge[t*v:])
			}
		}
	}
}

// gradByTiles shares tiles out, each worker adding up products of its own: for small weights.
func (z *winoConv) gradByTiles(x, dy, dw []float32, work []*winoWork) {
	k, team := z.k, z.dev.team
	ldz := roundUp(z.o, k.nr) + winoPad
	per := max(8, min(z.tiles, cacheFloats/(z.points*(z.ldv+ldz))))
	dv, dz := per*z.ldv+winoPad, per*ldz+winoPad
	cp := roundUp(z.c, k.nr)
	ds := z.o*cp + winoPad
	for w := range team.n {
		z.dev.scratch(1+w, z.points*(dv+dz))
	}
	parts := min(2*team.n, (z.tiles+per-1)/per)
	steps := (z.o + k.mr - 1) / k.mr
	sums := z.dev.scratch(0, parts*z.points*ds)
	team.each(parts, func(w, part int) {
		buf, sum, wk := z.dev.pack[1+w].f, sums[part*z.points*ds:(part+1)*z.points*ds], work[w]
		v, g := buf[:z.points*dv], buf[z.points*dv:]
		first, end := z.tiles*part/parts, z.tiles*(part+1)/parts
		for q0 := first; q0 < end; q0 += per {
			n := min(per, end-q0)
			for i := range n {
				z.input(x, q0+i, v[i*z.ldv:], dv, wk)
				z.grad(dy, q0+i, g[i*ldz:], dz, wk)
			}
			for p := range z.points {
				for c0 := 0; c0 < z.c; c0 += k.nr {
					for s := range steps {
						o0, o1 := z.o*s/steps, z.o*(s+1)/steps
						k.tile(o1-o0, n, &g[p*dz+o0], 1, ldz, &v[p*dv+c0], z.ldv, &sum[p*ds+o0*cp+c0], cp, q0 > first)
					}
				}
			}
		}
	})
	team.each(z.o, func(w, o int) {
		for part := 1; part < parts; part++ {
			for p := range z.points {
				to := sums[p*ds+o*cp : p*ds+o*cp+z.c]
				z.dev.isa.vec.add(to, to, sums[(part*z.points+p)*ds+o*cp:(part*z.points+p)*ds+o*cp+z.c])
			}
		}
		z.back(sums[o*cp:], ds, cp, o, o+1, 0, z.c, dw, work[w])
	})
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
				z.input(x, from+i, v[i*z.ldv:], dv, work[w])
				z.grad(dy, from+i, g[i*ldz:], dz, work[w])
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

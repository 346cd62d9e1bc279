package cpu

import "math"

// Winograd's minimal filtering makes a 3x3 convolution of stride 1 of the m x m outputs of a tile at a time: both
// the tile's inputs and the weights are brought to (m+2)^2 points, at each point a product over the channels adds
// up what belongs together, and the sums are brought back. For m = 4 that is a quarter of the multiplications
// (Lavin and Gray 2015, arXiv:1509.09308). The gradient by the input is such a convolution with turned weights;
// that by the weights goes the same way backwards.

// winoConv is a 3x3 convolution of stride 1 of a map x [n, h, w, c] to y [n, oh, ow, o], (top, left) rows and
// columns of zeros before x.
type winoConv struct {
	dev        *Device
	k          *isa
	t          *winoTransforms
	n, h, w, c int
	oh, ow, o  int
	top, left  int
	th, tw     int // tiles down and across
	tiles      int
	points     int
	ldv, ldm   int // of a tile's channels at a point, in and out; not multiples of a page
	panels     int // of output channels
	zeros      []float32
}

// pad keeps rows of points from sharing cache lines.
const winoPad = 16

func (d *Device) newWino(t *winoTransforms, n, h, w, c, oh, ow, o, top, left int) *winoConv {
	k := d.isa
	z := &winoConv{dev: d, k: k, t: t, n: n, h: h, w: w, c: c, oh: oh, ow: ow, o: o, top: top, left: left}
	z.th, z.tw = (oh+t.m-1)/t.m, (ow+t.m-1)/t.m
	z.tiles = n * z.th * z.tw
	z.points = t.points()
	z.panels = (o + k.nr - 1) / k.nr
	z.ldv = roundUp(c, k.nr) + winoPad
	z.ldm = z.panels*k.nr + winoPad
	z.zeros = d.zeros((t.m + 2) * max(c, o))
	return z
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// zeros gives n zeros that nobody may write.
func (d *Device) zeros(n int) []float32 {
	if len(d.none) < n {
		d.none = make([]float32, n)
	}
	return d.none[:n]
}

// winoWork is a worker's own memory: what the kernels need, and the small maps through which channels go that do
// not fill a vector.
type winoWork struct {
	tmp, edge, bad []float32
	rows           [6]*float32
}

func newWinoWork(width int) *winoWork {
	buf := floats((36 + 36 + 1) * width)
	return &winoWork{tmp: buf[:36*width], edge: buf[36*width : 72*width], bad: buf[72*width:]}
}

// works gives each worker's memory, as if nothing bad had been seen.
func (z *winoConv) works() []*winoWork {
	d := z.dev
	for len(d.wino) < d.team.n || len(d.wino[0].bad) < z.k.width {
		d.wino = nil
		for range d.team.n {
			d.wino = append(d.wino, newWinoWork(z.k.width))
		}
	}
	for _, wk := range d.wino {
		clear(wk.bad)
	}
	return d.wino
}

// place is where tile q begins: its picture and its first output row and column.
func (z *winoConv) place(q int) (im, y, x int) {
	return q / (z.th * z.tw), q / z.tw % z.th * z.t.m, q % z.tw * z.t.m
}

// gather brings channels c0 to c0+n of the side x side places of a map f [_, h, w, c] from (y, x) on to points at
// dst, dp apart.
func (z *winoConv) gather(kernel func(rows **float32, ps, lo, hi int, dst *float32, dp, n int, tmp *float32),
	f []float32, h, w, c, side, im, y, x, c0, n int, dst []float32, dp int, wk *winoWork,
) {
	v := z.k.width
	lo, hi := max(0, -x), min(side, w-x)
	full := n / v
	if lo >= hi {
		lo, hi = 0, 0
	}
	for i := range side {
		wk.rows[i] = &z.zeros[0]
		if r := y + i; r >= 0 && r < h && lo < hi {
			wk.rows[i] = &f[((im*h+r)*w+x+lo)*c+c0]
		}
	}
	if full > 0 {
		kernel(&wk.rows[0], c, lo, hi, &dst[0], dp, full, &wk.tmp[0])
	}
	rest := n - full*v
	if rest == 0 {
		return
	}
	clear(wk.edge)
	for i := range side {
		r := y + i
		wk.rows[i] = &wk.edge[i*side*v]
		if r < 0 || r >= h {
			continue
		}
		for j := lo; j < hi; j++ {
			at := ((im*h+r)*w+x+j)*c + c0
			copy(wk.edge[(i*side+j)*v:(i*side+j)*v+rest], f[at+full*v:at+n])
		}
	}
	kernel(&wk.rows[0], v, 0, side, &dst[full*v], dp, 1, &wk.tmp[0])
}

// input brings channels c0 to c0+n of tile q of x to points.
func (z *winoConv) input(x []float32, q, c0, n int, dst []float32, dp int, wk *winoWork) {
	im, y, xx := z.place(q)
	z.gather(z.t.in, x, z.h, z.w, z.c, z.t.m+2, im, y-z.top, xx-z.left, c0, n, dst, dp, wk)
}

// grad brings channels o0 to o0+n of tile q of dy to points.
func (z *winoConv) grad(dy []float32, q, o0, n int, dst []float32, dp int, wk *winoWork) {
	im, y, x := z.place(q)
	z.gather(z.t.dy, dy, z.oh, z.ow, z.o, z.t.m, im, y, x, o0, n, dst, dp, wk)
}

// finish says what happens to outputs on their way: y = max(scale y + shift + res, floor). scale and shift have a value
// for each output channel and a vector more; res may be nil.
type finish struct {
	scale, shift []float32
	res          []float32
	floor        float32
}

// output brings channels c0 to c0+n of tile q from points at src, sp apart, to y.
func (z *winoConv) output(src []float32, sp, q, c0, n int, y []float32, fin *finish, wk *winoWork) {
	v := z.k.width
	im, oy, ox := z.place(q)
	rows, cols := min(z.t.m, z.oh-oy), min(z.t.m, z.ow-ox)
	at := ((im*z.oh+oy)*z.ow+ox)*z.o + c0
	full := n / v
	if full > 0 {
		var res *float32
		if fin.res != nil {
			res = &fin.res[at]
		}
		z.t.out(&src[0], sp, &y[at], z.ow*z.o, z.o, rows, cols, full, &wk.tmp[0], &fin.scale[c0], &fin.shift[c0], res, &fin.floor, &wk.bad[0])
	}
	if n == full*v {
		return
	}
	rest, c := n-full*v, c0+full*v
	z.t.out(&src[full*v], sp, &wk.edge[0], z.t.m*v, v, z.t.m, z.t.m, 1, &wk.tmp[0], &fin.scale[c], &fin.shift[c], nil, &minusInf, &wk.bad[0])
	for i := range rows {
		for j := range cols {
			to := at + (i*z.ow+j)*z.o + full*v
			for k, x := range wk.edge[(i*z.t.m+j)*v : (i*z.t.m+j)*v+rest] {
				if fin.res != nil {
					x += fin.res[to+k]
				}
				y[to+k] = max(x, fin.floor)
			}
		}
	}
}

var minusInf = float32(math.Inf(-1))

// plainFinish leaves outputs as they are.
func (d *Device) plainFinish(channels int) *finish {
	n := channels + d.isa.width
	if len(d.ones) < n {
		d.ones = make([]float32, n)
		for i := range d.ones {
			d.ones[i] = 1
		}
	}
	return &finish{scale: d.ones[:n], shift: d.zeros(n), floor: minusInf}
}

// winoWeights gives the weights w [o, 3, 3, c] of output channels n0 to n0+nr at steps k0 to k1 as points: step k of
// point p at dst[p*dp+(k-k0)*nr:]. Turned, the convolution is the gradient by the input: steps are w's output
// channels and columns its input channels.
type winoWeights struct {
	w      []float32
	o, c   int
	turned bool
}

func (z *winoConv) weights(u winoWeights, n0, k0, k1 int, dst []float32, dp int, wk *winoWork, tmp []float32) {
	if u.turned {
		z.turnedWeights(u, n0, k0, k1, dst, dp, wk, tmp)
		return
	}
	k := z.k
	var rows [3]*float32
	for ; k0 < k1; k0 += winoTurn {
		n := min(winoTurn, k1-k0)
		for t := range 9 { // columns beside each other
			part := tmp[t*winoTurn*k.nr:]
			for g := 0; g < k.nr; g += 16 {
				if g+16 < k.nr { // what is turned next
					fetch(u.w, ((n0+g+16)*9+t)*u.c+k0, 9*u.c, 16, n)
				} else {
					fetch(u.w, (n0*9+t+1)*u.c+k0, 9*u.c, 16, n)
				}
				z.dev.isa.seq.taps(part[g:], u, t, n0+g, k0, n, k.nr)
			}
		}
		for s := range n {
			for i := range rows {
				rows[i] = &tmp[(i*3*winoTurn+s)*k.nr]
			}
			z.t.w(&rows[0], winoTurn*k.nr, 0, 3, &dst[s*k.nr], dp, k.nr/k.width, &wk.tmp[0])
		}
		dst = dst[n*k.nr:]
	}
}

// turnedWeights are those of the gradient by the input: columns lie beside each other as they are.
func (z *winoConv) turnedWeights(u winoWeights, n0, k0, k1 int, dst []float32, dp int, wk *winoWork, tmp []float32) {
	k := z.k
	var rows [3]*float32
	full := min(k.nr, u.c-n0)
	for s := k0; s < k1; s++ {
		to := dst[(s-k0)*k.nr:]
		fetch(u.w, (s+fetchAhead)*9*u.c+n0, u.c, 9, full)
		if full == k.nr {
			for i := range rows {
				rows[i] = &u.w[((s*3+2-i)*3+2)*u.c+n0]
			}
			z.t.w(&rows[0], -u.c, 0, 3, &to[0], dp, k.nr/k.width, &wk.tmp[0])
			continue
		}
		for t := range 9 {
			copy(tmp[t*k.nr:], u.w[(s*9+8-t)*u.c+n0:(s*9+8-t)*u.c+n0+full])
			clear(tmp[t*k.nr+full : (t+1)*k.nr])
		}
		for i := range rows {
			rows[i] = &tmp[i*3*k.nr]
		}
		z.t.w(&rows[0], k.nr, 0, 3, &to[0], dp, k.nr/k.width, &wk.tmp[0])
	}
}

// fetchAhead is how many steps or rows before their turn weights are asked for: they lie far apart.
const fetchAhead = 4

// winoTurn is how many steps of the weights are turned at a time.
const winoTurn = 64

// taps packs 16 output channels' weights of one tap as columns, zeros beyond the last.
func (s *seqKernels) taps(dst []float32, u winoWeights, tap, n0, k0, k, stride int) {
	cols := min(16, u.o-n0)
	if cols == 16 {
		s.packT(dst, u.w[(n0*9+tap)*u.c+k0:], 9*u.c, k, stride)
		return
	}
	for kk := range k {
		to := dst[kk*stride:]
		for i := range 16 {
			to[i] = 0
			if i < cols {
				to[i] = u.w[((n0+i)*9+tap)*u.c+k0+kk]
			}
		}
	}
}

// product multiplies rows of points with a panel of weights.
func (z *winoConv) product(rows, k int, v []float32, u []float32, m []float32, ldm int, acc bool) {
	groups := (rows + z.k.mr - 1) / z.k.mr
	for g := range groups {
		from, to := rows*g/groups, rows*(g+1)/groups
		z.k.tile(to-from, k, &v[from*z.ldv], z.ldv, 1, &u[0], z.k.nr, &m[from*ldm], ldm, acc)
	}
}

// cacheFloats is how many floats a worker keeps close by.
const cacheFloats = 300 << 10

// winoTilesAtOnce is how many tiles are brought to points before the products, where weights do not fit the cache.
const winoTilesAtOnce = 256

// winoPointFloats is how much memory points may take at most where more than those tiles fit: 16 MB.
const winoPointFloats = 4 << 20

// forward computes y = x * w, and reports whether all of it is finite.
func (z *winoConv) forward(x []float32, u winoWeights, y []float32, fin *finish) (finite bool) {
	work := z.works()
	if z.points*z.c*z.o <= 2*cacheFloats || z.tiles >= 4*winoTilesAtOnce {
		z.byTiles(x, u, y, fin, work)
	} else {
		z.byPanels(x, u, y, fin, work)
	}
	return allFinite(work)
}

// allFinite reports whether no worker has seen anything that is not finite.
func allFinite(work []*winoWork) bool {
	for _, wk := range work {
		for _, v := range wk.bad {
			if v != v {
				return false
			}
		}
	}
	return true
}

// byTiles shares tiles out among the workers, each of which takes them all the way; the weights' points lie ready.
func (z *winoConv) byTiles(x []float32, u winoWeights, y []float32, fin *finish, work []*winoWork) {
	k, team := z.k, z.dev.team
	du := z.c*k.nr + winoPad
	per := cacheFloats / (z.points * (z.ldv + z.ldm))
	per = max(k.mr, min(per, (z.tiles+team.n-1)/team.n)/k.mr*k.mr)
	dv, dm := per*z.ldv+winoPad, per*z.ldm+winoPad
	all := z.dev.scratch(0, z.panels*z.points*du)
	for w := range team.n {
		z.dev.scratch(1+w, max(z.points*(dv+dm), 9*winoTurn*k.nr))
	}
	steps := (z.c + winoTurn - 1) / winoTurn
	team.each(z.panels*steps, func(w, part int) {
		j, k0 := part/steps, part%steps*winoTurn
		z.weights(u, j*k.nr, k0, min(k0+winoTurn, z.c), all[j*z.points*du+k0*k.nr:], du, work[w], z.dev.pack[1+w].f)
	})
	team.each((z.tiles+per-1)/per, func(w, part int) {
		q0, wk := part*per, work[w]
		n := min(per, z.tiles-q0)
		buf := z.dev.pack[1+w].f
		v, m := buf[:z.points*dv], buf[z.points*dv:]
		for i := range n {
			z.input(x, q0+i, 0, z.c, v[i*z.ldv:], dv, wk)
		}
		for p := range z.points {
			for j := range z.panels {
				z.product(n, z.c, v[p*dv:], all[(j*z.points+p)*du:], m[p*dm+j*k.nr:], z.ldm, false)
			}
		}
		for i := range n {
			z.output(m[i*z.ldm:], dm, q0+i, 0, z.o, y, fin, wk)
		}
	})
}

// byPanels brings all tiles to points first and then shares panels of output channels out, whose weights are brought
// to points in pieces that stay in the cache: for large weights and few tiles.
func (z *winoConv) byPanels(x []float32, u winoWeights, y []float32, fin *finish, work []*winoWork) {
	k, team := z.k, z.dev.team
	for from := 0; from < z.tiles; from += winoTilesAtOnce {
		n := min(winoTilesAtOnce, z.tiles-from)
		dv := n*z.ldv + winoPad
		v := z.dev.scratch(0, z.points*dv)
		team.each((n+7)/8, func(w, part int) {
			for i := part * 8; i < min(part*8+8, n); i++ {
				z.input(x, from+i, 0, z.c, v[i*z.ldv:], dv, work[w])
			}
		})
		step := roundUp(max(winoTurn, cacheFloats/2/(z.points*k.nr)), winoTurn)
		step = min(step, z.c)
		du, ldm := step*k.nr+winoPad, k.nr
		dm := n*ldm + winoPad
		for w := range team.n {
			z.dev.scratch(1+w, z.points*(du+dm)+9*winoTurn*k.nr)
		}
		team.each(z.panels, func(w, j int) {
			buf := z.dev.pack[1+w].f
			pts, m, tmp := buf[:z.points*du], buf[z.points*du:z.points*(du+dm)], buf[z.points*(du+dm):]
			for k0 := 0; k0 < z.c; k0 += step {
				k1 := min(k0+step, z.c)
				z.weights(u, j*k.nr, k0, k1, pts, du, work[w], tmp)
				for p := range z.points {
					z.product(n, k1-k0, v[p*dv+k0:], pts[p*du:], m[p*dm:], ldm, k0 > 0)
				}
			}
			for i := range n {
				z.output(m[i*ldm:], dm, from+i, j*k.nr, min(k.nr, z.o-j*k.nr), y, fin, work[w])
			}
		})
	}
}

package jpeg

import "errors"

// zigzag is the place in a block, row by row, of the k-th coefficient of the file.
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// scanHeader is what a scan says of itself: its components, and of a progressive file the band of
// coefficients and their bits.
type scanHeader struct {
	comps            []*component
	from, to, ah, al int
}

func (d *decoder) scan(seg []byte) error {
	if len(d.comps) == 0 {
		return errors.New("a scan before the frame")
	}
	if len(seg) < 1 || int(seg[0]) < 1 || int(seg[0]) > 4 || len(seg) < 4+2*int(seg[0]) {
		return errors.New("broken scan header")
	}
	n := int(seg[0])
	var s scanHeader
	for k := range n {
		var c *component
		for j := range d.comps {
			if d.comps[j].id == seg[1+2*k] {
				c = &d.comps[j]
			}
		}
		t := seg[2+2*k]
		if c == nil || t>>4 > 3 || t&15 > 3 {
			return errors.New("broken scan header")
		}
		for _, o := range s.comps {
			if o == c {
				return errors.New("broken scan header: a component twice")
			}
		}
		c.dc, c.ac, c.pred = int(t>>4), int(t&15), 0
		s.comps = append(s.comps, c)
	}
	e := seg[1+2*n:]
	s.from, s.to, s.ah, s.al = int(e[0]), int(e[1]), int(e[2]>>4), int(e[2]&15)
	d.start()
	if d.progressive {
		return d.progressiveScan(&s)
	}
	if n != len(d.comps) {
		return ErrUnsupported // planes in scans of their own
	}
	for _, c := range s.comps {
		if !d.huff[c.dc].ok || !d.huff[4+c.ac].ok {
			return errors.New("a table of codes is missing")
		}
	}
	return d.sequential(&s)
}

// sequential decodes all blocks, MCU by MCU, straight into pixels.
func (d *decoder) sequential(s *scanHeader) error {
	d.left = d.interval
	for my := range d.my {
		for mx := range d.mx {
			if err := d.nextMCU(s); err != nil {
				return err
			}
			if err := d.readMCU(s, mx, my); err != nil {
				return d.why(err)
			}
		}
		if d.spent() {
			return ErrTruncated
		}
	}
	return nil
}

// readMCU reads the blocks of all components at one place.
func (d *decoder) readMCU(s *scanHeader, mx, my int) error {
	for _, c := range s.comps {
		for v := range c.v {
			for h := range c.h {
				at := (my*c.v+v)*8*c.stride + (mx*c.h+h)*8
				last, err := d.readBlock(c)
				if err != nil {
					return err
				}
				d.pixels(last, c.pix[at:], c.stride)
			}
		}
	}
	return nil
}

// nextMCU reads the restart mark where one is due.
func (d *decoder) nextMCU(s *scanHeader) error {
	if d.interval > 0 && d.left == 0 {
		if err := d.restart(s); err != nil {
			return err
		}
		d.left = d.interval
	}
	d.left--
	return nil
}

// why tells broken data from data that ended.
func (d *decoder) why(err error) error {
	if d.spent() {
		return ErrTruncated
	}
	return err
}

// restart reads the mark after an interval; predictions begin anew.
func (d *decoder) restart(s *scanHeader) error {
	if d.spent() {
		return ErrTruncated
	}
	// Bits ahead never go beyond a marker, so p stands at it or at padding before it.
	m, err := d.marker()
	if err != nil {
		return err
	}
	if m < rst0 || m > rst0+7 {
		return errors.New("broken data: a restart mark is missing")
	}
	d.start()
	for _, c := range s.comps {
		c.pred = 0
	}
	d.eobrun = 0
	return nil
}

// readBlock reads one block into d.block, dequantised, and says which is its last coefficient in zigzag
// order that may differ from 0.
func (d *decoder) readBlock(c *component) (int, error) {
	size, err := d.symbol(&d.huff[c.dc])
	if err != nil || size > 15 {
		return 0, errCode
	}
	c.pred += d.receive(uint(size))
	q := &d.quant[c.quant]
	blk := &d.block
	blk[0] = c.pred * q[0]
	h := &d.huff[4+c.ac]
	acc, n := d.acc, d.n
	last := 0
	for k := 1; k < 64; k++ {
		if n < 32 {
			d.acc, d.n = acc, n
			d.fill()
			acc, n = d.acc, d.n
		}
		if e := h.fast[acc>>(64-lookBits)]; e != 0 {
			acc <<= e & 63
			n -= uint(e & 63)
			k += int(e >> 8 & 0xff)
			if k > 63 {
				break // the end of the block
			}
			blk[zigzag[k]] = int32(e) >> 16 * q[k]
			last = k
			continue
		}
		d.acc, d.n = acc, n
		sym, err := d.symbol(h)
		if err != nil {
			return 0, err
		}
		run, size := int(sym>>4), uint(sym&15)
		if size == 0 && run != 15 {
			acc, n = d.acc, d.n
			break
		}
		v := d.receive(size)
		acc, n = d.acc, d.n
		if k += run; k > 63 {
			return 0, errCode
		}
		blk[zigzag[k]] = v * q[k]
		last = k
	}
	d.acc, d.n = acc, n
	return last, nil
}

// pixels turns d.block into eight rows of eight pixels and clears it.
func (d *decoder) pixels(last int, dst []uint8, stride int) {
	if last == 0 {
		flat(d.block[0], dst, stride)
		d.block[0] = 0
		return
	}
	idct(&d.block, dst, stride)
	d.block = [64]int32{}
}

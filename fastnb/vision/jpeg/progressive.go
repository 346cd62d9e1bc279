package jpeg

import "errors"

// progressiveScan reads one pass over the coefficients (ITU T.81, annex G): a band of them, first their
// upper bits, in later passes one bit more.
func (d *decoder) progressiveScan(s *scanHeader) error {
	if err := d.checkBand(s); err != nil {
		return err
	}
	d.eobrun, d.left = 0, d.interval
	read := d.dcFirst
	switch {
	case s.from == 0 && s.ah > 0:
		read = d.dcRefine
	case s.from > 0 && s.ah == 0:
		read = d.acFirst
	case s.from > 0:
		read = d.acRefine
	}
	walk := d.interleaved
	if len(s.comps) == 1 {
		walk = d.alone
	}
	if err := walk(s, read); err != nil {
		return err
	}
	if d.spent() {
		return ErrTruncated
	}
	return nil
}

// checkBand looks for what the standard does not allow.
func (d *decoder) checkBand(s *scanHeader) error {
	dc := s.from == 0
	if s.from > s.to || s.to > 63 || dc && s.to != 0 || !dc && len(s.comps) != 1 || s.al > 13 || s.ah > 0 && s.ah != s.al+1 {
		return errors.New("broken scan header")
	}
	for _, c := range s.comps {
		if !dc && !d.huff[4+c.ac].ok || dc && s.ah == 0 && !d.huff[c.dc].ok {
			return errors.New("a table of codes is missing")
		}
	}
	return nil
}

// blockReader reads a pass's bits of one block.
type blockReader func(*component, *scanHeader, []int32) error

// alone walks through a scan of one component: only the blocks that hold pixels of the picture.
func (d *decoder) alone(s *scanHeader, read blockReader) error {
	c := s.comps[0]
	for by := range (c.h2 + 7) / 8 {
		for bx := range (c.w + 7) / 8 {
			if err := d.nextMCU(s); err != nil {
				return err
			}
			if err := read(c, s, c.block(bx, by)); err != nil {
				return d.why(err)
			}
		}
	}
	return nil
}

// interleaved walks through a scan of several components, MCU by MCU.
func (d *decoder) interleaved(s *scanHeader, read blockReader) error {
	for my := range d.my {
		for mx := range d.mx {
			if err := d.nextMCU(s); err != nil {
				return err
			}
			for _, c := range s.comps {
				for k := range c.h * c.v {
					if err := read(c, s, c.block(mx*c.h+k%c.h, my*c.v+k/c.h)); err != nil {
						return d.why(err)
					}
				}
			}
		}
	}
	return nil
}

// block is the coefficients of one block.
func (c *component) block(bx, by int) []int32 {
	k := 64 * (by*c.bw + bx)
	return c.coefs[k : k+64 : k+64]
}

func (d *decoder) dcFirst(c *component, s *scanHeader, blk []int32) error {
	size, err := d.symbol(&d.huff[c.dc])
	if err != nil || size > 15 {
		return errCode
	}
	c.pred += d.receive(uint(size))
	blk[0] = c.pred << s.al
	return nil
}

func (d *decoder) dcRefine(_ *component, s *scanHeader, blk []int32) error {
	if d.take(1) != 0 {
		blk[0] |= 1 << s.al
	}
	return nil
}

func (d *decoder) acFirst(c *component, s *scanHeader, blk []int32) error {
	if d.eobrun > 0 {
		d.eobrun--
		return nil
	}
	for k := s.from; k <= s.to; k++ {
		sym, err := d.symbol(&d.huff[4+c.ac])
		if err != nil {
			return err
		}
		run, size := int(sym>>4), uint(sym&15)
		if size == 0 && run < 15 {
			d.eobrun = 1<<run - 1 + int(d.take(uint(run)))
			return nil
		}
		v := d.receive(size)
		if k += run; k > s.to {
			if size == 0 {
				return nil
			}
			return errCode
		}
		blk[zigzag[k]] = v << s.al
	}
	return nil
}

// acRefine adds a bit to the coefficients of a band that are not 0 and puts new ones of ±1 among them.
func (d *decoder) acRefine(c *component, s *scanHeader, blk []int32) error {
	bit := int32(1) << s.al
	k := s.from
	if d.eobrun == 0 {
		for k <= s.to {
			sym, err := d.symbol(&d.huff[4+c.ac])
			if err != nil {
				return err
			}
			run, size := int(sym>>4), uint(sym&15)
			if size == 0 && run < 15 {
				d.eobrun = 1<<run + int(d.take(uint(run)))
				break
			}
			var v int32
			if size > 0 { // always 1
				v = bit
				if d.take(1) == 0 {
					v = -bit
				}
			}
			k = d.refine(blk, k, s.to, run, bit)
			if v != 0 {
				if k > s.to {
					return errCode
				}
				blk[zigzag[k]] = v
			}
			k++
		}
	}
	if d.eobrun > 0 {
		d.refine(blk, k, s.to, 64, bit)
		d.eobrun--
	}
	return nil
}

// refine reads a bit for each coefficient from k on that is not 0, until it has passed run zeros and
// meets another; it gives that one's place.
func (d *decoder) refine(blk []int32, k, to, run int, bit int32) int {
	for ; k <= to; k++ {
		p := &blk[zigzag[k]]
		switch {
		case *p == 0:
			if run == 0 {
				return k
			}
			run--
		case d.take(1) == 0:
		case *p > 0:
			*p += bit
		default:
			*p -= bit
		}
	}
	return k
}

// finishProgressive turns all coefficients into pixels.
func (d *decoder) finishProgressive() {
	for i := range d.comps {
		c := &d.comps[i]
		q := &d.quant[c.quant]
		for by := range c.bh {
			for bx := range c.bw {
				blk := c.block(bx, by)
				last := 0
				for k, z := range zigzag {
					if v := blk[z]; v != 0 {
						d.block[z] = v * q[k]
						last = k
					}
				}
				d.pixels(last, c.pix[by*8*c.stride+bx*8:], c.stride)
			}
		}
	}
}

package gpu

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fastnb/go/fastnb/tensor"
)

// named is a product that nets of the lessons make, and how often a step of training does.
type named struct {
	name  string
	times int
	p     product
}

// net is the network it is of.
func (x named) net() string { return strings.Fields(x.name)[0] }

// conv2d names the three products of a convolution of [n,h,w,c] with o outputs and a k x k kernel, padded to keep
// its size.
func conv2d(net string, times, n, h, w, c, o, k, stride int, first bool, kind tensor.DType) []named {
	pad := k / 2
	v := conv{n: n, h: h, w: w, c: c, o: o, kh: k, kw: k, groups: 1, stride: [2]int{stride, stride}, pad: [2]int{pad, pad}}
	v.oh, v.ow = (h+2*pad-k)/stride+1, (w+2*pad-k)/stride+1
	wide := func(c int) int { return over(c, gemmVector) * gemmVector }
	cw, ow := wide(c), wide(o)
	x := ref{kind: kind, n: n * h * w * cw}
	y := ref{kind: kind, n: n * v.oh * v.ow * ow}
	wt := ref{kind: kind, n: o * v.taps() * cw}
	dw := ref{kind: tensor.Float32, n: o * v.taps() * c}
	size := fmt.Sprintf("%s %dx%dx%dx%d o%d k%d s%d ", net, n, h, w, c, o, k, stride)
	out := []named{{size + "fwd", times, v.forward(kind, x, wt, y, cw, cw)}, {size + "dw", times, v.dw(kind, x, y, dw, cw, ow)}}
	if !first {
		out = append(out, named{size + "dx", times, v.dx(kind, y, wt, x, ow, cw)})
	}
	return out
}

// resnet names the products of a ResNet of basic blocks or bottlenecks over square pictures.
func resnet(net string, n, size int, blocks [4]int, deep bool, kind tensor.DType) []named {
	all := conv2d(net, 1, n, size, size, 3, 64, 7, 2, true, kind)
	at, c := size/4, 64
	for stage, times := range blocks {
		o, stride := 64<<stage, 1
		if stage > 0 {
			stride = 2
		}
		if !deep {
			if stage > 0 {
				all = append(all, conv2d(net, 1, n, at, at, c, o, 1, stride, false, kind)...)
				all = append(all, conv2d(net, 1, n, at, at, c, o, 3, stride, false, kind)...)
				at = (at + 1) / 2
				all = append(all, conv2d(net, 2*times-1, n, at, at, o, o, 3, 1, false, kind)...)
			} else {
				all = append(all, conv2d(net, 2*times, n, at, at, o, o, 3, 1, false, kind)...)
			}
			c = o
			continue
		}
		all = append(all, conv2d(net, 1, n, at, at, c, 4*o, 1, stride, false, kind)...)
		all = append(all, conv2d(net, 1, n, at, at, c, o, 1, 1, false, kind)...)
		all = append(all, conv2d(net, 1, n, at, at, o, o, 3, stride, false, kind)...)
		at = (at + stride - 1) / stride
		all = append(all, conv2d(net, times, n, at, at, o, 4*o, 1, 1, false, kind)...)
		all = append(all, conv2d(net, times-1, n, at, at, 4*o, o, 1, 1, false, kind)...)
		all = append(all, conv2d(net, times-1, n, at, at, o, o, 3, 1, false, kind)...)
		c = 4 * o
	}
	return all
}

// unet names the products of the way up of a U-Net on ResNet34 over 180x240 pictures.
func unet(n int, kind tensor.DType) []named {
	var all []named
	for _, s := range [][6]int{ // h, w, c, o, k, times
		{6, 8, 512, 1024, 3, 1},
		{6, 8, 1024, 512, 3, 1},
		{6, 8, 512, 1024, 1, 1},
		{12, 15, 512, 512, 3, 2},
		{12, 15, 512, 1024, 1, 1},
		{23, 30, 384, 384, 3, 2},
		{23, 30, 384, 768, 1, 1},
		{45, 60, 256, 256, 3, 2},
		{45, 60, 256, 512, 1, 1},
		{90, 120, 192, 96, 3, 1},
		{90, 120, 96, 96, 3, 1},
		{90, 120, 96, 384, 1, 1},
		{180, 240, 99, 99, 3, 2},
		{180, 240, 99, 12, 1, 1},
	} {
		all = append(all, conv2d("unet", s[5], n, s[0], s[1], s[2], s[3], s[4], 1, false, kind)...)
	}
	return all
}

// matrices names the products of a linear layer x [m,k] w' [n,k].
func matrices(net string, times, m, n, k int, kind tensor.DType) []named {
	x, w, y := ref{kind: kind, n: m * k}, ref{kind: kind, n: n * k}, ref{kind: kind, n: m * n}
	dw := ref{kind: tensor.Float32, n: n * k}
	size := fmt.Sprintf("%s %dx%dx%d ", net, m, n, k)
	c := &compiler{}
	return []named{
		{size + "fwd", times, c.spec(gemmSpec{A: x, B: w, C: y, M: m, N: n, K: k, TransB: true})},
		{size + "dx", times, c.spec(gemmSpec{A: y, B: w, C: x, M: m, N: k, K: n})},
		{size + "dw", times, c.spec(gemmSpec{A: y, B: x, C: dw, M: n, N: k, K: m, TransA: true})},
	}
}

// lessons are the products of the lessons' nets.
func lessons(kind tensor.DType) []named {
	all := matrices("square", 1, 4096, 4096, 4096, kind)
	all = append(all, resnet("resnet34", 64, 128, [4]int{3, 4, 6, 3}, false, kind)...)
	all = append(all, unet(8, kind)...)
	all = append(all, resnet("resnet50", 64, 64, [4]int{3, 4, 6, 3}, true, kind)...)
	for _, s := range [][4]int{{64, 4608, 1152, 70}, {4480, 4608, 1152, 1}, {4480, 4608, 400, 1}, {4480, 1600, 1152, 1}, {1120, 60000, 400, 4}} {
		all = append(all, matrices("awd-lstm", s[3], s[0], s[1], s[2], kind)...)
	}
	return all
}

// BenchProducts times the products of the lessons' nets as each tile does them, with their operands stored as
// kind says, and writes a table of TFLOP/s: the best first, then all. Nets of which only is a part alone, all
// where it is "". budget is what one measurement may take, in seconds.
func BenchProducts(d *Device, kind tensor.DType, only string, budget float64, w io.Writer) error {
	b, err := newBench(d)
	if err != nil {
		return err
	}
	defer b.close() //nolint:errcheck // what was measured is measured
	c := &compiler{dev: d}
	sum, net := 0.0, ""
	total := func() {
		if net != "" {
			fmt.Fprintf(w, "%s: products of a step take %.3f ms\n", net, sum*1e3)
		}
	}
	all := lessons(kind)
	if only == "tiny" { // to see it work where there is no card
		all = slices.Concat(matrices("tiny", 1, 24, 40, 32, kind), conv2d("tiny", 1, 2, 9, 8, 16, 24, 3, 2, false, kind))
	}
	if only != "" {
		all = slices.DeleteFunc(all, func(x named) bool { return x.net() != only })
		if len(all) == 0 {
			return fmt.Errorf("fastnb: gpu products: no network %q (try square, resnet34, unet, resnet50 or awd-lstm)", only)
		}
	}
	for _, x := range all {
		name := x.net()
		if name != net {
			total()
			net, sum = name, 0
		}
		best, by := 0.0, choice{}
		line, guess := "", c.guess(&x.p)
		for _, o := range c.choices(&x.p) {
			s, err := b.seconds(x.p, o, budget)
			if err != nil {
				line += fmt.Sprintf("  %s/%d: %v", o.tile.Name, o.splits, err)
				continue
			}
			mark := ""
			if o.tile.Name == guess.tile.Name && o.splits == guess.splits {
				mark = "*" // the guess
			}
			line += fmt.Sprintf("  %s%s/%d %.1f", mark, o.tile.Name, o.splits, x.p.flops()/s/1e12)
			if best == 0 || s < best {
				best, by = s, o
			}
		}
		sum += float64(x.times) * best
		fmt.Fprintf(w, "%-44s x%-2d %8.1f us %6.1f TFLOP/s %s/%d |%s\n", x.name, x.times, best*1e6, x.p.flops()/best/1e12, by.tile.Name, by.splits, line)
	}
	total()
	if only == "" || only == "awd-lstm" {
		return b.recurrent(kind, budget, w)
	}
	return nil
}

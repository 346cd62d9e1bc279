package devicetest

import (
	"fmt"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/graph"
)

// mapCases are the ops of segmentation nets: maps that grow, join and get borders.
func mapCases(add func(name string, f func(b *pb) *graph.Node)) {
	add("concat", func(b *pb) *graph.Node {
		x := b.param(2, 5, 7, 3)
		return b.Concat(x, b.param(2, 5, 7, 17), b.ReLU(x))
	})
	for _, s := range [][4]int{{5, 7, 9, 12}, {24, 30, 23, 30}, {46, 60, 45, 60}, {3, 4, 3, 9}, {9, 8, 4, 3}} {
		add(fmt.Sprint("resize ", s), func(b *pb) *graph.Node { return b.ResizeNearest(b.param(2, s[0], s[1], 5), s[2], s[3]) })
	}
	for _, r := range []int{1, 2, 3} {
		add(fmt.Sprint("pixel shuffle ", r), func(b *pb) *graph.Node { return b.PixelShuffle(b.param(3, 4, 5, 7*r*r), r) })
	}
	for _, m := range []device.PadMode{device.PadZeros, device.PadReplicate, device.PadReflect} {
		add(fmt.Sprint("pad ", m), func(b *pb) *graph.Node {
			return b.Pad2D(b.param(2, 4, 5, 6), device.Pad{Pad: [4]int{1, 2, 3, 0}, Mode: m})
		})
	}
	add("leaky relu", func(b *pb) *graph.Node { return b.LeakyReLU(b.param(3, 37), 0.1) })
	add("relu6", func(b *pb) *graph.Node {
		x := b.param(3, 370)
		return b.ReLU6(b.Add(b.Add(x, x), b.Add(x, x)))
	})
	add("batched product", func(b *pb) *graph.Node {
		return b.BatchMatMul(b.BatchMatMul(b.param(3, 17, 9), b.param(3, 20, 9), true), b.param(3, 20, 33), false)
	})
	add("softmax", func(b *pb) *graph.Node { return b.Softmax(b.param(7, 5, 19)) })
	add("scale", func(b *pb) *graph.Node { return b.Scale(b.param(7, 50), b.param(1)) })
	add("weight norm", func(b *pb) *graph.Node { return b.WeightNorm(b.param(6, 3, 3, 5), b.param(6)) })
	add("spectral norm", func(b *pb) *graph.Node {
		return b.SpectralNorm(b.param(6, 3, 3, 5), b.Param("u", 6), b.Param("v", 45))
	})
	for _, s := range [][6]int{{2, 9, 8, 5, 3, 1}, {3, 8, 11, 24, 5, 2}, {1, 4, 4, 48, 3, 2}, {2, 3, 3, 7, 5, 1}} {
		a := device.Conv{Stride: [2]int{s[5], s[5]}, Pad: [4]int{s[4] / 2, s[4] / 2, s[4] / 2, s[4] / 2}, Groups: s[3]}
		add(fmt.Sprint("depthwise ", s), func(b *pb) *graph.Node {
			return b.Conv2D(b.param(s[0], s[1], s[2], s[3]), b.param(s[3], s[4], s[4], 1), nil, a)
		})
	}
	add("depthwise bias relu", func(b *pb) *graph.Node {
		return b.Conv2D(b.param(2, 6, 7, 19), b.param(19, 3, 3, 1), b.param(19), device.Conv{Stride: [2]int{2, 1}, Pad: [4]int{0, 1, 1, 2}, Groups: 19, ReLU: true})
	})
}

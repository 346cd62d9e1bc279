package cpu

import (
	"fmt"
	"testing"

	"github.com/fastnb/go/fastnb/device"
)

// BenchmarkPointwise is a ResNet50's convolutions of 1x1 at 128 pixels, batches of 16, and those of stride 2.
func BenchmarkPointwise(b *testing.B) {
	for _, s := range []struct{ side, c, o, k, stride int }{
		{32, 64, 64, 1, 1},
		{32, 64, 256, 1, 1},
		{32, 256, 64, 1, 1},
		{32, 256, 128, 1, 1},
		{16, 128, 512, 1, 1},
		{16, 512, 128, 1, 1},
		{16, 512, 256, 1, 1},
		{8, 256, 1024, 1, 1},
		{8, 1024, 256, 1, 1},
		{8, 1024, 512, 1, 1},
		{4, 512, 2048, 1, 1},
		{4, 2048, 512, 1, 1},
		{32, 256, 512, 1, 2},
		{16, 512, 1024, 1, 2},
		{8, 1024, 2048, 1, 2},
		{32, 128, 128, 3, 2},
		{16, 256, 256, 3, 2},
		{8, 512, 512, 3, 2},
		{128, 3, 64, 7, 2},
	} {
		for _, isa := range available[:max(1, len(available)-1)] {
			d := New(1)
			d.isa = isa
			a := device.Conv{Stride: [2]int{s.stride, s.stride}, Pad: [4]int{s.k / 2, s.k / 2, s.k / 2, s.k / 2}}
			out := (s.side-1)/s.stride + 1
			v := func(shape ...int) val {
				return val{shape: shape, f: randoms(shape[0] * shape[1] * shape[2] * shape[3])}
			}
			x, w, y := v(16, s.side, s.side, s.c), v(s.o, s.k, s.k, s.c), v(16, out, out, s.o)
			for what, run := range map[string]func() error{
				"forward": func() error { return convForward(a, &call{dev: d, in: []val{x, w}, out: []val{y}}) },
				"dx":      func() error { return convDX(a, &call{dev: d, in: []val{y, w}, out: []val{x}}) },
				"dw":      func() error { return convDW(a, &call{dev: d, in: []val{x, y}, out: []val{w}}) },
			} {
				b.Run(fmt.Sprintf("%d-%d-%d-k%d-s%d/%s/%s", s.side, s.c, s.o, s.k, s.stride, what, isa.name), func(b *testing.B) {
					used := processorTime()
					for b.Loop() {
						if err := run(); err != nil {
							b.Fatal(err)
						}
					}
					used = processorTime() - used
					b.ReportMetric(used.Seconds()/float64(b.N)*1e3, "cpu-ms/op")
					b.ReportMetric(2*float64(16*out*out*s.o*s.c*s.k*s.k)*float64(b.N)/used.Seconds()/1e9, "GFLOP/cpu-s")
				})
			}
		}
	}
}

//go:build !noasm

package cpu

import (
	"testing"
	"time"
)

// BenchmarkPeak is the roof: multiply-adds on registers alone, one core.
func BenchmarkPeak(b *testing.B) {
	for _, i := range available[:len(available)-1] {
		b.Run(i.name, func(b *testing.B) {
			f, lanes := peak256, 8
			if i.width == 16 {
				f, lanes = peak512, 16
			}
			for b.Loop() {
				f(10000)
			}
			b.ReportMetric(float64(12*lanes*2*10000)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}

// peakRate is the operations a second of a short run of multiply-adds on registers.
func peakRate(i *isa) float64 {
	const n = 20000
	f, lanes := peak256, 8
	if i.width == 16 {
		f, lanes = peak512, 16
	}
	t := time.Now()
	f(n)
	return float64(12*lanes*2*n) / time.Since(t).Seconds()
}

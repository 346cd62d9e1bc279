package engine

import (
	"context"
	"fmt"
	"testing"

	"github.com/fastnb/go/fastnb/device/cpu"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// BenchmarkLanguageModel is a whole training step of a language model, 48 rows of 70 words.
func BenchmarkLanguageModel(b *testing.B) {
	for _, c := range []struct{ words, emb, hid int }{{3000, 200, 400}, {30000, 400, 1152}} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%d words %d-%d threads %d", c.words, c.emb, c.hid, threads), func(b *testing.B) {
				cfg := models.LMConfig()
				cfg.EmbSz, cfg.NHid = c.emb, c.hid
				m, err := models.NewLanguageModel(c.words, cfg, nn.NewRNG(1))
				if err != nil {
					b.Fatal(err)
				}
				e, err := New(cpu.New(threads), m, nn.CrossEntropyFlat, nil, optim.Config{Kind: "adam", TrueWD: true, BNWD: true})
				if err != nil {
					b.Fatal(err)
				}
				x, y := tensor.New(tensor.Int64, 48, 70), tensor.New(tensor.Int64, 48, 70)
				for i := range x.Int64s() {
					x.Int64s()[i], y.Int64s()[i] = int64(i*31%c.words), int64(i*17%c.words)
				}
				step := func() {
					if _, _, err := e.TrainBatch(context.Background(), []*tensor.Tensor{x}, []*tensor.Tensor{y}); err != nil {
						b.Fatal(err)
					}
					if err := e.Step([]Hyper{{LR: 1e-3, Mom: .9, Beta2: .99, WD: .01}}); err != nil {
						b.Fatal(err)
					}
				}
				step()
				b.ResetTimer()
				for range b.N {
					step()
				}
				b.ReportMetric(float64(b.N*48*70)/b.Elapsed().Seconds(), "words/s")
			})
		}
	}
}

package vision

import (
	"context"
	"testing"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/data"
)

// Batches are the same whether those before them were given back or not.
func TestRecycledBatches(t *testing.T) {
	dir := datasets.NewPath(t.TempDir(), "tiles")
	if err := datasets.SampleData("planet", dir, 12); err != nil {
		t.Fatal(err)
	}
	for what, tfms := range map[string]data.Augmenter{"float32": GetTransforms(), "bytes": nil} {
		list := ImageListFromFolder(dir.Join("train-jpg")).SplitNone().LabelFromFunc(func(datasets.Path) int { return 0 })
		if tfms != nil {
			list = list.Transform(tfms, data.Size(48))
		}
		d, err := list.DataBunch(data.BS(4))
		if err != nil {
			t.Fatal(err)
		}
		l, err := d.TrainLoader()
		if err != nil {
			t.Fatal(err)
		}
		epoch := func(recycle bool) (sums []float64) {
			it := l.Raw().Iter(context.Background(), 3)
			defer it.Close()
			for it.Next() {
				b, s := it.Batch(), 0.0
				x := b.X[0].Float()
				for k, v := range x.Float32s() {
					s += float64(v) * float64(k%977)
				}
				sums = append(sums, s)
				if recycle {
					b.Recycle()
				}
			}
			if it.Err() != nil {
				t.Fatal(it.Err())
			}
			return sums
		}
		want := epoch(false)
		for range 3 {
			got := epoch(true)
			for k := range want {
				if got[k] != want[k] {
					t.Errorf("%s: batch %d of %d differs after others were given back", what, k, len(got))
				}
			}
		}
	}
}

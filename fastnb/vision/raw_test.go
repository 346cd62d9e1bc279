package vision

import (
	"context"
	"slices"
	"testing"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/models"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestRawBatches: a raw loader gives bytes where no transform has computed with pictures, float32 where one has, and
// normalised on the host they are the very numbers of the loader that normalises.
func TestRawBatches(t *testing.T) {
	for _, c := range []struct {
		name string
		tfms []Transform
		size int
		kind tensor.DType
	}{
		{"as they are", nil, 0, tensor.Uint8},
		{"mirrored", []Transform{FlipLR()}, 0, tensor.Uint8},
		{"another size", nil, 9, tensor.Float32},
		{"lit", []Transform{Brightness(Uniform(.3, .7))}, 0, tensor.Float32},
	} {
		t.Run(c.name, func(t *testing.T) {
			data.Seed(42)
			src := planetLabels(writeTiles(t, 20, 24))
			if c.tfms != nil || c.size > 0 {
				var o []data.TransformOption
				if c.size > 0 {
					o = append(o, data.Size(c.size))
				}
				src = src.Transform(NewTransforms(c.tfms, nil), o...)
			}
			d, err := src.Normalize(ImageNetStats).DataBunch(data.BS(4))
			if err != nil {
				t.Fatal(err)
			}
			loader, err := d.Loader(data.Train)
			if err != nil {
				t.Fatal(err)
			}
			raw, plain := batches(t, loader.Raw()), batches(t, loader)
			if len(raw) != len(plain) || len(raw) < 2 {
				t.Fatal(len(raw), len(plain))
			}
			for k, b := range raw {
				if b.X[0].DType() != c.kind || b.Norm == nil {
					t.Fatalf("batch %d is %v, normalised by %v", k, b.X[0].DType(), b.Norm)
				}
				n, err := b.Normalised()
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(n.X[0].Shape(), plain[k].X[0].Shape()) || !slices.Equal(n.X[0].Float32s(), plain[k].X[0].Float32s()) || n.Norm != nil {
					t.Errorf("batch %d has other numbers", k)
				}
				if !slices.Equal(b.Y[0].Float64s(), plain[k].Y[0].Float64s()) || !slices.Equal(b.Index, plain[k].Index) {
					t.Errorf("batch %d has other items", k)
				}
				if again, _ := n.Normalised(); again != n {
					t.Error("normalised twice")
				}
			}
		})
	}
}

func batches(t *testing.T, l *data.Loader) []*data.Batch {
	t.Helper()
	it := l.Iter(context.Background(), 3)
	defer it.Close()
	var out []*data.Batch
	for it.Next() {
		out = append(out, it.Batch())
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return out
}

// TestRawMasks: masks of a raw loader are bytes, the same classes; a fit that looks at them sees them as whole numbers,
// and learns the same.
func TestRawMasks(t *testing.T) {
	data.Seed(42)
	d, err := SegmentationListFromFolder(scenes(t, 12).Join("images")).SplitByIdx([]int{0, 1, 2}).LabelFromFunc(maskOf, data.Classes("ground", "square")).
		Transform(GetTransforms(), data.Size(16), data.TfmY(true)).Normalize(ImageNetStats).DataBunch(data.BS(4))
	if err != nil {
		t.Fatal(err)
	}
	loader, err := d.Loader(data.Train)
	if err != nil {
		t.Fatal(err)
	}
	raw, plain := batches(t, loader.Raw()), batches(t, loader)
	for k, b := range raw {
		if b.Y[0].DType() != tensor.Uint8 || plain[k].Y[0].DType() != tensor.Int64 || !slices.Equal(b.Y[0].Shape(), plain[k].Y[0].Shape()) {
			t.Fatalf("targets %v %v, plain %v", b.Y[0].DType(), b.Y[0].Shape(), plain[k].Y[0].DType())
		}
		n, err := b.Normalised()
		if err != nil {
			t.Fatal(err)
		}
		for name, y := range map[string]*tensor.Tensor{"Normalised": n.Y[0], "Targets": b.Targets()[0]} {
			if !slices.Equal(y.Int64s(), plain[k].Y[0].Int64s()) || len(y.Int64s()) == 0 {
				t.Errorf("batch %d: %s has other classes", k, name)
			}
		}
	}
	run := func(o ...fastnb.FitOption) (losses, metrics []float64) {
		data.Seed(42)
		l, err := UnetLearner(d, models.ResNet18, fastnb.Pretrained(false), fastnb.Silent(true), fastnb.Metrics(fastnb.ForegroundAcc(0)))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Destroy()
		if err := l.Fit(1, fastnb.LR(1e-3), o...); err != nil {
			t.Fatal(err)
		}
		return append(l.Recorder.BatchLosses, l.Recorder.ValLosses...), l.Recorder.Metrics[0]
	}
	kind := tensor.Uint8
	look := fastnb.Callback{AfterLoss: func(l *fastnb.Learner) error { kind = l.Target[0].DType(); return nil }}
	losses, metrics := run()
	seen, same := run(fastnb.Callbacks(look))
	if !slices.Equal(losses, seen) || !slices.Equal(metrics, same) || kind != tensor.Int64 {
		t.Errorf("%v %v; with a callback that sees %v: %v %v", losses, metrics, kind, seen, same)
	}
}

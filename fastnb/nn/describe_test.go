package nn

import "testing"

func TestDescribe(t *testing.T) {
	m := NewSequential(
		NewConv2D(3, 8, 7, Stride(2), Pad(3), NoBias()), NewBatchNorm(8), NewReLU(), NewMaxPool2D(3, 2, 1),
		NewSequentialEx(NewConv2D(8, 8, 3, SamePad(), Groups(4)), NewMergeLayer(false)),
		NewGlobalPool(true, true), NewDropout(.25), NewLinear(16, 2), NewEmbedding(5, 3, 1, 0),
	)
	const want = `Sequential(
  (0): Conv2D(3, 8, kernel=7, stride=2, pad=3, bias=false)
  (1): BatchNorm(8)
  (2): ReLU()
  (3): Pool(max=true, size=3, stride=2, pad=1)
  (4): SequentialEx(
    (layers.0): Conv2D(8, 8, kernel=3, stride=1, pad=same, groups=4)
    (layers.1): MergeLayer(dense=false)
  )
  (5): GlobalPool(max=true, avg=true)
  (6): Dropout(p=0.25)
  (7): Linear(16, 2)
  (8): Embedding(weight [5 3])
)`
	if got := m.String(); got != want {
		t.Errorf("described as\n%s\nwant\n%s", got, want)
	}
}

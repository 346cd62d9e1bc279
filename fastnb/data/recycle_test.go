package data

import (
	"testing"

	"github.com/fastnb/go/fastnb/tensor"
)

// A batch's memory is given back once, by the batch that the loader made and not by its normalised copy.
func TestBatchRecycle(t *testing.T) {
	freed := 0
	b := &Batch{X: []*tensor.Tensor{tensor.FromUint8([]uint8{0, 255}, 1, 2)}, N: 1, free: func() { freed++ }}
	n, err := b.Normalised()
	if err != nil {
		t.Fatal(err)
	}
	if n.Recycle(); freed != 0 {
		t.Error("a copy gave the memory of the batch back")
	}
	b.Recycle()
	if b.Recycle(); freed != 1 {
		t.Errorf("given back %d times", freed)
	}
	(&Batch{}).Recycle()
}

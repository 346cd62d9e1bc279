package gpu

import (
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/tensor"
)

// inner is the queue behind what a user has.
func (t *tester) inner() *queue { return t.q.(*userQueue).queue }

// A large array goes up beside the work that is queued, and that work sees it or not as it was queued.
func TestUploadsBesideTheWork(t *testing.T) {
	for _, set := range []string{"", "0"} {
		t.Run("FASTNB_GPU_OVERLAP="+set, func(t *testing.T) {
			t.Setenv("FASTNB_GPU_OVERLAP", set)
			te := newTester(t, 1<<30)
			const n = 100_000
			p := te.chain(n, 1) // doubles
			in, next, out, out2 := te.alloc(n), te.alloc(n), te.alloc(n), te.alloc(n)
			down := func(b device.Buffer) *tensor.Tensor {
				to := tensor.New(tensor.Float32, n)
				te.q.Read(to, b)
				return to
			}
			for i := range 20 {
				v := float64(10 * i)
				te.q.Write(in, full(v+1, n))
				te.q.Run(background, p, in, out)
				te.q.Write(next, full(v+2, n)) // nothing that is queued needs it
				te.q.Write(in, full(v+3, n))   // the run before is to see what was there
				if s := te.inner().ups.stream; (s != nil) != (set == "") {
					t.Fatal("a stream for uploads: ", s != nil)
				} else if s != nil && i%2 == 0 {
					te.must(s.Wait()) // the uploads are as early as they can be
				} else {
					te.must(te.inner().stream.Wait()) // or as late
				}
				a := down(out)
				te.q.Run(background, p, in, out)
				te.q.Run(background, p, next, out2)
				te.must(te.inner().stream.Wait())
				b, c := down(out), down(out2)
				te.q.Copy(next, 5, in, 0, 1)
				d := down(next)
				te.must(te.q.Wait(background))
				for _, w := range []struct {
					what string
					got  *tensor.Tensor
					want float64
				}{{"the run before a write", a, 2 * (v + 1)}, {"the run behind it", b, 2 * (v + 3)}, {"a run on what was written ahead", c, 2 * (v + 2)}, {"a copy", d, v + 2}} {
					if g := w.got.Float32s()[n-1]; float64(g) != w.want {
						t.Errorf("round %d: %s: %g, want %g", i, w.what, g, w.want)
					}
				}
				if g := d.Float32s()[5]; float64(g) != v+3 {
					t.Errorf("round %d: copied %g, want %g", i, g, v+3)
				}
			}
			if te.s.ahead > 0 != (set == "") {
				t.Errorf("%d uploads were queued beside work", te.s.ahead)
			}
		})
	}
}

// A write's event is done when the array is there, and a freed array is not used again before.
func TestUploadsAreWaitedFor(t *testing.T) {
	te := newTester(t, 1<<30)
	const n = 100_000
	for i := range 20 {
		b := te.alloc(n)
		e := te.q.Write(b, full(float64(i), n))
		if i%2 == 0 {
			te.must(e.Wait(background))
			if got := te.s.floats(b.(*buffer).at())[n-1]; got != float32(i) {
				t.Fatalf("round %d: %g", i, got)
			}
		}
		te.d.Free(b)
		c := te.alloc(n) // zeroed; the upload may be on its way
		to := tensor.New(tensor.Float32, n)
		te.must(te.q.Read(to, c).Wait(background))
		if got := to.Float32s()[n-1]; got != 0 {
			t.Fatalf("round %d: %g in fresh memory", i, got)
		}
		te.d.Free(c)
	}
}

// The next batch is on the card before the step that is under way has ended, and who waits for that step's loss
// does not wait for the batch.
func TestNextBatchGoesUpDuringTheStep(t *testing.T) {
	te := newTester(t, 1<<30)
	const n = 100_000
	p := te.chain(n, 1) // doubles
	in, next, out := te.alloc(n), te.alloc(n), te.alloc(n)
	te.q.Write(in, full(1, n))
	te.must(te.q.Wait(background))
	beside := 0
	for i := range 20 {
		v := float64(i + 1)
		te.q.Run(background, p, in, out)
		loss := tensor.New(tensor.Float32, n)
		asked := te.q.Read(loss, out)
		up := te.q.Write(next, full(v+1, n))
		q := te.inner()
		if i%2 == 0 { // the copy ends first
			te.must(q.ups.stream.Wait())
			if got := te.s.floats(next.(*buffer).at())[n-1]; float64(got) != v+1 {
				t.Fatalf("step %d: %g on the card, want %g", i, got, v+1)
			}
			if float64(te.s.floats(out.(*buffer).at())[n-1]) != 2*v { // asking for marks may let the step go on
				beside++
			}
		}
		te.must(asked.Wait(background))
		if got := loss.Float32s()[n-1]; float64(got) != 2*v {
			t.Errorf("step %d: %g, want %g", i, got, 2*v)
		}
		te.must(up.Wait(background))
		in, next = next, in
	}
	if beside == 0 || te.s.ahead == 0 {
		t.Errorf("%d copies ended before the step that was under way, %d were queued beside it", beside, te.s.ahead)
	}
}

package fastnb

import (
	"runtime"
	"testing"
	"time"

	"github.com/fastnb/go/fastnb/tensor"
)

// settled is the number of goroutines once those that are about to end have ended, at most want if it gets so
// low in a while.
func settled(want int) int {
	n := runtime.NumGoroutine()
	for start := time.Now(); n > want && (want > 0 && time.Since(start) < 30*time.Second || time.Since(start) < time.Second); {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
		n = runtime.NumGoroutine()
	}
	return n
}

// TestMemFreeLeavesNothing: asking for the free memory opens nothing that stays.
func TestMemFreeLeavesNothing(t *testing.T) {
	before := settled(0)
	for range 1000 {
		if deviceFree() <= 0 {
			t.Fatal("no free memory")
		}
	}
	if n := settled(before); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

// TestLearnersLeaveNothing: learners that were destroyed, and such as nobody holds any more, leave neither
// threads of their devices nor memory.
func TestLearnersLeaveNothing(t *testing.T) {
	t.Setenv("FASTNB_THREADS", "4")
	ts := goldenTensors(t, "trajectories.safetensors")
	x := tensor.New(tensor.Float32, 4, 3, 16, 16)
	use := func(destroy bool) {
		l := trajectoryLearner(t, "cpu", ts, 2)
		l.Silent = true
		if _, err := l.Outputs(x); err != nil {
			t.Fatal(err)
		}
		if err := l.Fit(1, LR(1e-3)); err != nil {
			t.Fatal(err)
		}
		if destroy {
			l.Destroy()
		}
	}
	use(true)
	before := settled(0)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	held := heap()
	for k := range 50 {
		use(k%2 == 0)
	}
	if n := settled(before); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	// A learner that was kept would be seen: its programs and graphs alone are hundreds of KB.
	if now := heap(); now > held+1<<20 {
		t.Errorf("%d KB on the heap, %d before", now>>10, held>>10)
	}
}

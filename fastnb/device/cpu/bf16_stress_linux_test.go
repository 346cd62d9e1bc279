//go:build amd64 && !noasm

package cpu

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestTilesUndisturbed: products on AMX's tiles give the same bits while collections, the scheduler's preemption and
// the system's signals interrupt them on all threads, while goroutines move from thread to thread, and while the
// process starts others.
func TestTilesUndisturbed(t *testing.T) {
	var h *halfKernels
	for _, k := range halves() {
		if k == tiles {
			h = k
		}
	}
	if h == nil {
		t.Skip("no tiles on this machine")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1, syscall.SIGPROF)
	defer signal.Stop(got)
	const rows, steps = 256, 36
	r := rand.New(rand.NewPCG(9, 10))
	p := halfPanel{rows: rows, a: make([]uint16, rows*steps*halfStep), lda: steps * halfStep, offs: stepOffsets(steps), b: make([]uint16, steps*stepB), ldc: halfCols, tile: make([]float32, halfRows*halfCols)}
	h.round(p.a, noise(r, len(p.a)))
	h.round(p.b, noise(r, len(p.b)))
	want := make([]float32, rows*halfCols)
	p.c = want
	h.panel(p)
	var stop atomic.Bool
	var count, signals atomic.Int64
	var wg sync.WaitGroup
	for range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mine, own := p, make([]float32, len(want))
			mine.c, mine.tile = own, make([]float32, halfRows*halfCols)
			for !stop.Load() {
				clear(own)
				h.panel(mine)
				for i, v := range want {
					if own[i] != v {
						t.Errorf("place %d: %v, want %v", i, own[i], v)
						return
					}
				}
				count.Add(1)
				runtime.Gosched()
			}
		}()
	}
	go func() {
		for range got {
			signals.Add(1)
		}
	}()
	pid, end := os.Getpid(), time.Now().Add(800*time.Millisecond)
	var keep []byte
	for k := 0; time.Now().Before(end); k++ {
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			tid := 0
			for _, c := range task.Name() {
				tid = tid*10 + int(c-'0')
			}
			syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(pid), uintptr(tid), uintptr([]syscall.Signal{syscall.SIGUSR1, syscall.SIGURG, syscall.SIGPROF}[k%3]))
		}
		keep = make([]byte, 1<<16)
		if k%50 == 0 {
			runtime.GC()
			if err := exec.Command("true").Run(); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop.Store(true)
	wg.Wait()
	runtime.KeepAlive(keep)
	if count.Load() < 10 || signals.Load() == 0 {
		t.Errorf("%d products and %d signals only", count.Load(), signals.Load())
	}
	t.Logf("%d products, %d signals handled", count.Load(), signals.Load())
}

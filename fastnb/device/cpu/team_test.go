package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Every part is computed once, whether helpers come in time, late or not at all.
func TestTeamComputesEveryPartOnce(t *testing.T) {
	for _, n := range []int{1, 2, 3, runtime.GOMAXPROCS(0) + 2} {
		team := newTeam(n)
		for call := range 300 {
			parts := call % 9
			done := make([]atomic.Int32, parts)
			team.each(parts, func(w, p int) {
				if w < 0 || w >= n {
					t.Errorf("worker %d of %d", w, n)
				}
				done[p].Add(1)
			})
			for p := range done {
				if k := done[p].Load(); k != 1 {
					t.Fatalf("%d workers, call %d: part %d computed %d times", n, call, p, k)
				}
			}
			if call%100 == 50 {
				time.Sleep(2 * lookForJob) // helpers go to sleep
			}
		}
		team.end()
	}
}

// A helper that sleeps through a job does not keep its caller.
func TestTeamGoesOnWithoutLateHelpers(t *testing.T) {
	team := newTeam(2)
	defer team.end()
	c := team.others()[0]
	c <- &job{} // the helper's place is taken, and it finds nothing to do there
	late := &job{parts: 1, fn: func(int, int) { t.Error("a closed job was entered") }}
	if !late.shut() {
		t.Fatal("a job that nobody is in could not be closed")
	}
	if late.enter() {
		t.Error("a closed job was entered")
	}
	var sum atomic.Int64
	for range 1000 {
		team.each(4, func(_, p int) { sum.Add(int64(p)) })
	}
	if sum.Load() != 6000 {
		t.Errorf("the parts' sum is %d, not 6000", sum.Load())
	}
}

// A helper at work when the caller has done its share is waited for, asleep if it takes long.
func TestTeamWaitsForTheLast(t *testing.T) {
	team := newTeam(2)
	defer team.end()
	for range 5 {
		var helped, ended atomic.Bool
		both := make(chan struct{})
		team.share(2, func(w, _ int) {
			if w == 0 { // the caller: its part is done when the helper has begun
				<-both
				return
			}
			close(both)
			helped.Store(true)
			time.Sleep(20 * lookForLast)
			ended.Store(true)
		}, true)
		if !helped.Load() || !ended.Load() {
			t.Fatalf("the helper came: %v, had ended: %v", helped.Load(), ended.Load())
		}
	}
}

// Phases keep order, for callers that are locked to their thread too, and a panic in one gets out.
func TestTeamPhases(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, n := range []int{2, 3} {
		team := newTeam(n)
		at := make([]int, n)
		team.together(func(w int, wait func()) {
			for k := range 200 {
				for o := range n {
					if at[o] < k {
						t.Errorf("worker %d is in phase %d, %d still in %d", w, k, o, at[o])
					}
				}
				wait()
				at[w] = k + 1
				wait()
			}
		})
		func() {
			defer func() {
				if r := recover(); r != "out" {
					t.Errorf("recovered %v", r)
				}
			}()
			team.together(func(w int, wait func()) {
				wait()
				if w == n-1 {
					panic("out")
				}
				wait()
			})
		}()
		team.end()
	}
}

// Teams used by several callers at once compute all parts of each.
func TestTeamOfSeveralCallers(t *testing.T) {
	team := newTeam(3)
	defer team.end()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				var sum atomic.Int64
				team.each(5, func(_, p int) { sum.Add(int64(p)) })
				if sum.Load() != 10 {
					t.Errorf("sum %d", sum.Load())
				}
			}
		})
	}
	wg.Wait()
}

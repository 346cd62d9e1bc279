package main

import (
	"runtime"
	"testing"
)

// TestAllocations: after warm-up, a step of any lesson's kind of model allocates less than a megabyte. A U-Net's
// outputs alone are 11 MB: they must not come down unless somebody asks for them.
func TestAllocations(t *testing.T) {
	t.Setenv("FASTNB_DEVICE", "cpu")
	works := stepWorks()
	for _, name := range []string{"narrow-planet", "narrow-camvid", "tiny-unet", "narrow-imdb"} {
		w, ok := works[name]
		if !ok {
			t.Fatalf("no work %s", name)
		}
		s, err := newStepper(w, "", false, false)
		if err != nil {
			t.Fatal(err)
		}
		if w.perMap { // pictures large enough for their outputs to count
			s.x, s.y = w.batch(16)
		}
		step := func() {
			if _, err := s.once(s.x, s.y); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			step()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const steps = 4
		for range steps {
			step()
		}
		runtime.ReadMemStats(&after)
		if each := (after.TotalAlloc - before.TotalAlloc) / steps; each > 1<<20 {
			t.Errorf("%s: a step allocates %d bytes", name, each)
		} else {
			t.Logf("%s: a step allocates %d bytes", name, each)
		}
	}
}

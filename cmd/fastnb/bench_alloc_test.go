package main

import (
	"path/filepath"
	"runtime"
	"testing"
)

// TestAllocations: after warm-up, a step of any lesson's kind of model allocates less than a megabyte. A U-Net's
// outputs alone are 11 MB: they must not come down unless somebody asks for them.
func TestAllocations(t *testing.T) {
	t.Setenv("FASTNB_DEVICE", "cpu")
	works := stepWorks()
	// From JPEGs: what a step of it allocates beside is the files' bytes and each item's random stream.
	files := works["narrow-planet"]
	files.kind, files.size = "epoch", [2]int{128, 128}
	works["files"] = files
	for _, k := range []struct {
		name string
		half bool
	}{{"narrow-planet", false}, {"narrow-camvid", false}, {"tiny-unet", false}, {"narrow-imdb", false}, {"narrow-planet", true}, {"narrow-imdb", true}, {"files", false}} {
		name := k.name
		w, ok := works[name]
		if !ok {
			t.Fatalf("no work %s", name)
		}
		s, err := newStepper(w, filepath.Join(t.TempDir(), "weights.safetensors"), k.half, false)
		if err != nil {
			t.Fatal(err)
		}
		if w.perMap { // pictures large enough for their outputs to count
			s.x, s.y = w.batch(16)
		}
		per := uint64(1) // steps a call
		step := func() {
			if w.kind == "epoch" {
				per = epochTiles / uint64(w.bs)
				if err := s.epoch(); err != nil {
					t.Fatal(err)
				}
				return
			}
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
		if each := (after.TotalAlloc - before.TotalAlloc) / steps / per; each > 1<<20 {
			t.Errorf("%s (bfloat16: %v): a step allocates %d bytes", name, k.half, each)
		} else {
			t.Logf("%s (bfloat16: %v): a step allocates %d bytes", name, k.half, each)
		}
	}
}

package fastnb

import (
	"strings"
	"testing"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/device"
)

// TestProfile: the profile of a fit knows every layer of the summary that computes, in both passes and the update,
// counts each batch, and its times do not come to more than the whole.
func TestProfile(t *testing.T) {
	learn := quickLearner(t, datasets.NewPath(t.TempDir()))
	p, err := StartProfile()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartProfile(); err == nil || !strings.Contains(err.Error(), "try") {
		t.Error("a second profile at the same time:", err)
	}
	if err := learn.Fit(1, LR(1e-3)); err != nil {
		t.Fatal(err)
	}
	got := p.Stop()
	if len(got.m.Devices) != 1 {
		t.Fatalf("%d devices", len(got.m.Devices))
	}
	s, err := learn.Summary()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]map[device.Pass]bool{}
	var sum time.Duration
	for _, st := range got.m.Devices[0].Times.All() {
		if have[st.Layer] == nil {
			have[st.Layer] = map[device.Pass]bool{}
		}
		have[st.Layer][st.Pass] = true
		sum += st.Time
	}
	for _, l := range s.Layers {
		if l.Params == 0 || !l.Trainable {
			continue
		}
		for _, pass := range []device.Pass{device.Forward, device.Backward, device.Update} {
			if !have[l.Path][pass] {
				t.Errorf("layer %s %s has no %v", l.Path, l.Type, pass)
			}
		}
	}
	if sum+got.m.Waited > got.m.Wall {
		t.Errorf("%v computing and %v waiting of %v", sum, got.m.Waited, got.m.Wall)
	}
	text := got.String()
	for _, want := range []string{"computing on cpu", "waiting for batches", "backward ms", "all else"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if html := got.Render().Data["text/html"]; !strings.Contains(html.(string), "<table") {
		t.Error("no table")
	}
	if p, err := StartProfile(); err != nil {
		t.Error("after Stop:", err)
	} else if again := p.Stop(); len(again.m.Devices) != 0 {
		t.Error("a device that did nothing in the second profile")
	}
}

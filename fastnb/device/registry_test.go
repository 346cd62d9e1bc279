package device

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// dummy is a device that is opened and closed.
type dummy struct {
	Device
	card   int
	closed *int
}

func (d dummy) Close() error { *d.closed++; return nil }

// withDrivers replaces the drivers for a test.
func withDrivers(t *testing.T) {
	t.Helper()
	was := drivers
	drivers = nil
	t.Cleanup(func() { drivers = was })
}

func TestOpenCards(t *testing.T) {
	withDrivers(t)
	closed, opened := 0, []Choice{}
	var broken error
	RegisterCards("card", 20, func(c Choice) (Device, error) {
		opened = append(opened, c)
		if broken != nil {
			return nil, broken
		}
		return dummy{card: c.Card, closed: &closed}, nil
	})
	Register("cpu", 0, func() (Device, error) { return dummy{card: -1, closed: &closed}, nil })
	Register("hidden", -1, func() (Device, error) { return nil, errors.New("not to be asked") })
	card := func(name string) (*share, error) {
		d, err := Open(name)
		if err != nil {
			return nil, err
		}
		return d.(*share), nil
	}

	t.Setenv("FASTNB_DEVICE", "")
	auto, err := card("")
	if err != nil || Base(auto).(dummy).card != 0 || Why(auto) != "the best one found" {
		t.Fatal(auto, err)
	}
	same, err := card("card:0")
	if err != nil || same.shared != auto.shared || Why(same) != "asked for by name" {
		t.Fatal("card:0 is not the open one", err)
	}
	second, err := card("card:1")
	if err != nil || Base(second).(dummy).card != 1 {
		t.Fatal(second, err)
	}
	if want := []Choice{{0, true}, {1, false}}; !slices.Equal(opened, want) {
		t.Errorf("opened %v, want %v", opened, want)
	}
	for _, d := range []*share{auto, auto, second} {
		_ = d.Close()
	}
	if closed != 1 {
		t.Errorf("%d devices closed, want the second card's", closed)
	}
	_ = same.Close()
	if closed != 2 {
		t.Errorf("%d devices closed", closed)
	}

	t.Setenv("FASTNB_DEVICE", "card:1")
	env, err := card("")
	if err != nil || Base(env).(dummy).card != 1 || Why(env) != "FASTNB_DEVICE=card:1" {
		t.Fatal(env, err)
	}
	for _, bad := range []string{"card:x", "card:-1", "card:", "cpu:0", "tpu"} {
		if _, err := Open(bad); err == nil || !strings.Contains(err.Error(), "(try ") {
			t.Errorf("%s: %v", bad, err)
		}
	}

	// What is not there and what is broken is passed over by auto, and told; by name it is an error.
	for _, broken = range []error{fmt.Errorf("no libcard.so: %w", ErrNotFound), errors.New("driver too old")} {
		d, err := card("auto")
		want := "card cannot be used: driver too old"
		if errors.Is(broken, ErrNotFound) {
			want = "no card card was found"
		}
		if err != nil || Base(d).(dummy).card != -1 || Why(d) != want {
			t.Errorf("%v: %v, why %q", broken, err, Why(d))
		}
		if _, err := Open("card"); !errors.Is(err, broken) {
			t.Error(err)
		}
	}
}

// TestAutoFindsNoWorse: what was opened by name and is no better than the processor is not what "auto" gives.
func TestAutoFindsNoWorse(t *testing.T) {
	withDrivers(t)
	closed, worse := 0, true
	RegisterCards("card", 20, func(c Choice) (Device, error) {
		if c.Auto && worse {
			return nil, fmt.Errorf("a processor: %w", ErrNotFound)
		}
		return dummy{card: c.Card, closed: &closed}, nil
	})
	Register("cpu", 0, func() (Device, error) { return dummy{card: -1, closed: &closed}, nil })
	t.Setenv("FASTNB_DEVICE", "")
	named, err := Open("card")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{-1, 0, 0} {
		worse = i == 0
		d, err := Open("")
		if err != nil || Base(d).(dummy).card != want {
			t.Errorf("%d: auto gives %v, %v, want card %d", i, d, err, want)
		}
		_ = d.Close()
	}
	if closed != 2 {
		t.Errorf("%d devices closed, want the processor and the one that auto looked at", closed)
	}
	_ = named.Close()
	if closed != 3 {
		t.Errorf("%d devices closed", closed)
	}
}

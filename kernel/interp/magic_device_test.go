package interp

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// %device lists what there is, chooses, and leaves what was chosen where the new one cannot be had.
func TestDeviceMagic(t *testing.T) {
	t.Setenv(deviceVariable, "")
	s := session(t)
	out := func(cell string) (string, error) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		was := os.Stdout
		os.Stdout = w
		res := s.Run(context.Background(), cell, RunOptions{}, &recorder{})
		os.Stdout = was
		_ = w.Close()
		text, err := io.ReadAll(r)
		if res.Err != nil {
			err = errors.New(res.Err.Value)
		}
		return string(text), err
	}
	if got, err := out("%device"); err != nil || !strings.Contains(got, "cpu") || !strings.Contains(got, "Learners made from now on compute on ") {
		t.Errorf("%q", got)
	}
	if got, err := out("%device cpu"); err != nil || !strings.Contains(got, "the processor (FASTNB_DEVICE=cpu)") || os.Getenv(deviceVariable) != "cpu" {
		t.Errorf("%q, %s", got, os.Getenv(deviceVariable))
	}
	for _, bad := range []string{"%device tpu", "%device cpu cuda", "%device cuda:x"} {
		if _, err := out(bad); err == nil || !strings.Contains(err.Error(), "try ") || os.Getenv(deviceVariable) != "cpu" {
			t.Errorf("%s: %v, %s", bad, err, os.Getenv(deviceVariable))
		}
	}
}

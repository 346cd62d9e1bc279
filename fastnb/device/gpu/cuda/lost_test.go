package cuda_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/kernels"
	"github.com/fastnb/go/fastnb/tensor"
)

// A kernel that goes astray is an error of all that follows, says so, and the process lives. The double's driver
// is lost for its process then, as a card's is: the test runs in one of its own.
func TestLostCard(t *testing.T) {
	if os.Getenv("FASTNB_TEST_CARD") != "" {
		t.Skip("a real card is not led astray")
	}
	if os.Getenv("FASTNB_TEST_CHILD") == "" {
		open(t, tensor.Float32) // builds the double
		cmd := exec.Command(os.Args[0], "-test.run=^TestLostCard$", "-test.v")
		cmd.Env = append(os.Environ(), "FASTNB_TEST_CHILD=1", "FASTNB_DOUBLE_QUIET=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestLostCard") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	dev := open(t, tensor.Float32)
	t.Cleanup(func() { os.Exit(exitCode(t)) }) // closing a lost card gives errors, and that is all right
	spec := device.Spec{DType: tensor.Float32, Shape: []int{1000}}
	b, err := dev.Alloc(spec)
	if err != nil {
		t.Fatal(err)
	}
	stray(t, dev.Driver())
	ctx, q := context.Background(), dev.NewQueue()
	if err := q.Read(tensor.New(tensor.Float32, 1000), b).Wait(ctx); !errors.Is(err, device.ErrLost) || !strings.Contains(err.Error(), "try") {
		t.Errorf("a read: %v", err)
	}
	if _, err := dev.Alloc(spec); !errors.Is(err, device.ErrLost) {
		t.Errorf("an allocation: %v", err)
	}
	if err := q.Write(b, tensor.New(tensor.Float32, 1000)).Wait(ctx); !errors.Is(err, device.ErrLost) {
		t.Errorf("a write: %v", err)
	}
}

func exitCode(t *testing.T) int {
	if t.Failed() {
		return 1
	}
	os.Stdout.WriteString("--- PASS: TestLostCard\n")
	return 0
}

// stray lets a kernel write where there is no memory.
func stray(t *testing.T, d gpu.Driver) {
	t.Helper()
	u, _ := kernels.Find("convert")
	k, err := d.Load(u, "convert_f32_f16")
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	nowhere := gpu.Arg{Addr: true, Ptr: gpu.Ptr{Mem: 4096, Len: 64}, Size: 8}
	if err := s.Launch(k, [3]int{1, 1, 1}, 256, 0, []gpu.Arg{nowhere, nowhere, {Bits: 16, Size: 4}}); err == nil {
		_ = s.Wait() // told again below
	}
	if err := s.Wait(); !errors.Is(err, gpu.ErrLost) {
		t.Errorf("a kernel astray: %v", err)
	}
}

//go:build linux

package double_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fastnb/go/fastnb/device/devicetest"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/device/gpu/cuda"
	"github.com/fastnb/go/fastnb/device/gpu/cuda/double"
	"github.com/fastnb/go/fastnb/tensor"
)

// TestSuite is the suite of devices in a process of its own, which TestSeededFaults starts.
func TestSuite(t *testing.T) {
	if os.Getenv("FASTNB_DOUBLE_SUITE") == "" {
		t.Skip("for TestSeededFaults")
	}
	drv, err := cuda.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := gpu.New(drv, tensor.Float16)
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Run(t, dev)
}

// Mistakes in our own kernels, and in the driver, made on the way to the double: the suite sees each.
func TestSeededFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles a dozen kernels anew")
	}
	lib := double.Build(t)
	suite := func(t *testing.T, cases string, with ...string) (string, error) {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestSuite$/"+cases)
		cmd.Env = append(append(os.Environ(), "FASTNB_DOUBLE_SUITE=1", "FASTNB_LIBCUDA="+lib, "FASTNB_GPU_TUNE=0"), with...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	const barrier = "bar.sync \t0;"
	for _, f := range []struct {
		name, cases, edit string
		words             string // of the double's error; "" where numbers tell
	}{
		{"a barrier before a tile is read", "linear_.200_40_100", "gemm: " + barrier + " => ; #1", "shared memory"},
		{"waiting for a copy too few", "conv_.n:16_h:12_.*train=false", "gemm: cp.async.wait_group  => cp.async.wait_group 9; // ", "cp.async has yet to fill"},
		{"fragments of the transposed matrix", "linear_.200_40_100", "gemm: ldmatrix.sync.aligned.m8n8.x4.shared => ldmatrix.sync.aligned.m8n8.x4.trans.shared", ""},
		{"a barrier of a row's sum", "losses", "softmax_xent: " + barrier + " => ;", "shared memory"},
		{"a barrier of batch norm", "bn_50", "bn_stats_part: " + barrier + " => ;", "shared memory"},
		{"a barrier of batch norm's second half", "bn_50", "bn_stats_join: " + barrier + " => ;", "shared memory"},
		{"a barrier of a recurrent step", "lstm_.t:5_n:3.*p=0_train=true", "lstm_step: " + barrier + " => ; #1", "shared memory"},
		{"a barrier of a recurrent step on tensor cores", "lstm_.t:3_n:8.*p=0_train=true", "lstm_step_1: " + barrier + " => ; #1", "shared memory"},
		{"a barrier of the places of words", "embedding_train=true", "embedding_list: " + barrier + " => ;", "shared memory"},
		{"a barrier of a gradient's length", "sum_of_squares", "sqnorm: " + barrier + " => ;", "shared memory"},
		{"one store too many", "activations", "each_act: setp.lt.s32 => setp.le.s32", "outside of what is allocated"},
		{"gradients that stay scaled", "adam_true", "adam: +28] => +0]", ""},
	} {
		t.Run(f.name, func(t *testing.T) {
			out, err := suite(t, f.cases, "FASTNB_DOUBLE_EDIT="+f.edit)
			if !strings.Contains(out, "CUDA double: edited ") {
				t.Fatalf("the mistake is not made: %s\n%s", f.edit, tail(out))
			}
			if err == nil || !strings.Contains(out, f.words) {
				t.Errorf("it is not seen (%v, want %q): %s", err, f.words, tail(out))
			}
		})
	}
	t.Run("a wait for an event that is missing", func(t *testing.T) {
		if out, err := suite(t, "copies", "FASTNB_DOUBLE_DEAF=1"); err == nil {
			t.Errorf("it is not seen: %s", tail(out))
		}
	})
	if out, err := suite(t, "linear_.200_40_100"); err != nil {
		t.Errorf("without a mistake: %v\n%s", err, tail(out))
	}
}

func tail(s string) string { return s[max(0, len(s)-1500):] }

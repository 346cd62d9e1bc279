package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestJupyterKernelTest runs Jupyter's own tests of kernels, all optional parts switched on, where there is a
// Python that has them: that of the virtual environment which `make lab` makes, or the one on the PATH.
func TestJupyterKernelTest(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the program built and ten seconds")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	python := ""
	for _, p := range []string{os.Getenv("VENV") + "/bin/python", filepath.Join(root, ".venv/bin/python"), "python3"} {
		if exec.Command(p, "-c", "import jupyter_kernel_test").Run() == nil {
			python = p
			break
		}
	}
	if python == "" {
		t.Skip("no Python with jupyter_kernel_test here (make lab brings one)")
	}
	tmp := t.TempDir()
	program := filepath.Join(tmp, "fastnb")
	run := func(name string, args ...string) {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir = root
		c.Env = append(os.Environ(), "FASTNB_OFFLINE=1", "FASTNB_HOME="+filepath.Join(tmp, "home"), "JUPYTER_PREFER_ENV_PATH=0",
			"JUPYTER_DATA_DIR="+filepath.Join(tmp, "data"), "JUPYTER_CONFIG_DIR="+filepath.Join(tmp, "config"), "JUPYTER_RUNTIME_DIR="+filepath.Join(tmp, "run"))
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	run("go", "build", "-o", program, "./cmd/fastnb")
	run(program, "kernel", "install", "--user")
	run(python, filepath.Join("test", "jupyter", "kernel_test.py"))
}

package kernel

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Spec is a kernelspec of this kernel that Jupyter finds.
type Spec struct {
	Dir     string // folder that holds kernel.json
	Program string // what Jupyter starts
	Err     error  // why it cannot work, or nil
}

// FindSpecs looks for this kernel where the Jupyter on the PATH does, in Jupyter's order: the first
// is the one that counts.
func FindSpecs() []Spec {
	var found []Spec
	seen := map[string]bool{}
	for _, base := range dataDirs() {
		dir := filepath.Join(base, "kernels", Name)
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if b, err := os.ReadFile(filepath.Join(dir, "kernel.json")); err == nil {
			s := Spec{Dir: dir}
			s.Program, s.Err = specProgram(b)
			found = append(found, s)
		}
	}
	return found
}

// specProgram is the program of a kernel.json, with an error if it cannot be started.
func specProgram(b []byte) (string, error) {
	var spec struct{ Argv []string }
	if err := json.Unmarshal(b, &spec); err != nil {
		return "", fmt.Errorf("kernel.json: %w", err)
	}
	if len(spec.Argv) == 0 {
		return "", fmt.Errorf("kernel.json: no argv")
	}
	if _, err := exec.LookPath(spec.Argv[0]); err != nil {
		return spec.Argv[0], err
	}
	return spec.Argv[0], nil
}

// dataDirs are the data folders of Jupyter.
func dataDirs() (dirs []string) {
	dirs = append(dirs, filepath.SplitList(os.Getenv("JUPYTER_PATH"))...)
	if d, err := kernelsDir(InstallOptions{User: true}); err == nil {
		dirs = append(dirs, filepath.Dir(d))
	}
	for _, v := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if p := os.Getenv(v); p != "" {
			dirs = append(dirs, filepath.Join(p, "share", "jupyter"))
		}
	}
	if j, err := exec.LookPath("jupyter"); err == nil {
		dirs = append(dirs, filepath.Join(filepath.Dir(filepath.Dir(j)), "share", "jupyter"))
	}
	if runtime.GOOS == "windows" {
		return append(dirs, filepath.Join(os.Getenv("PROGRAMDATA"), "jupyter"))
	}
	return append(dirs, "/usr/local/share/jupyter", "/usr/share/jupyter")
}

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// The versions are part of what is generated. NVRTC 12 and newer write PTX for newer drivers only; ptxas is
// newer, since it has to know the newest cards.
const (
	nvrtcVersion = "11.8.89"
	nvrtcPackage = "nvidia-cuda-nvrtc-cu11==" + nvrtcVersion
	nvrtcLibrary = "nvidia/cuda_nvrtc/lib/libnvrtc.so.11.2"
	ptxasVersion = "12.9.86"
	ptxasPackage = "nvidia-cuda-nvcc-cu12==" + ptxasVersion
	ptxasProgram = "nvidia/cuda_nvcc/bin/ptxas"
)

// nvrtcPath is the library: FASTNB_NVRTC, or the one in our virtual environment.
func nvrtcPath() (string, error) { return tool("FASTNB_NVRTC", nvrtcLibrary, nvrtcPackage) }

// ptxasPath is the assembler: FASTNB_PTXAS, or the one in our virtual environment.
func ptxasPath() (string, error) { return tool("FASTNB_PTXAS", ptxasProgram, ptxasPackage) }

var toolMu sync.Mutex

// tool finds a file of a Python package, which it installs when it is not there.
func tool(env, file, pkg string) (string, error) {
	if p := os.Getenv(env); p != "" {
		if _, err := os.Stat(p); err != nil {
			return "", fmt.Errorf("genptx: %s: %w", env, err)
		}
		return p, nil
	}
	toolMu.Lock()
	defer toolMu.Unlock()
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("genptx: %w", err)
	}
	venv := filepath.Join(cache, "fastnb", "genptx-venv")
	find := func() string {
		found, _ := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages", filepath.FromSlash(file)))
		if len(found) == 0 {
			return ""
		}
		return found[0]
	}
	if p := find(); p != "" {
		return p, nil
	}
	fmt.Fprintf(os.Stderr, "genptx: installing %s into %s\n", pkg, venv)
	pip := filepath.Join(venv, "bin", "pip")
	if _, err := os.Stat(pip); errors.Is(err, os.ErrNotExist) {
		if out, err := exec.Command("python3", "-m", "venv", venv).CombinedOutput(); err != nil {
			return "", fmt.Errorf("genptx: python3 -m venv: %w\n%s(try %s=the file, from elsewhere)", err, out, env)
		}
	}
	if out, err := exec.Command(pip, "install", "-q", "--no-deps", "--disable-pip-version-check", pkg).CombinedOutput(); err != nil {
		return "", fmt.Errorf("genptx: pip install %s: %w\n%s(try %s=the file, from elsewhere)", pkg, err, out, env)
	}
	if p := find(); p != "" {
		return p, nil
	}
	return "", fmt.Errorf("genptx: %s holds no %s (try %s=the file, from elsewhere)", pkg, file, env)
}

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/cpu"
	"github.com/fastnb/go/kernel"
	"github.com/fastnb/go/kernel/interp"
	"github.com/fastnb/go/plotting"
)

// finding is one line of the doctor's report. grade is "ok", "note" (something is missing that one can
// do without) or "BAD".
type finding struct{ grade, what, found, advice string }

func doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check what the notebooks need on this machine, and say what to do",
		Long: `Check the whole chain from the program to the notebook: kernel, Jupyter, folders, memory, processor,
GPU libraries. The exit status is 1 if something is there that keeps notebooks from working.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return doctor(cmd.OutOrStdout()) },
	}
}

func doctor(w io.Writer) error {
	bad := 0
	for _, check := range []func() finding{
		checkProgram, checkSession, checkJupyter, checkSpec, checkHome, checkDisk, checkMemory, checkCPU, checkGPU, checkSources, checkCharts,
	} {
		f := check()
		fmt.Fprintf(w, "%-4s  %-9s %s\n", f.grade, f.what, f.found)
		if f.advice != "" {
			fmt.Fprintf(w, "%16s-> %s\n", "", f.advice)
		}
		if f.grade == "BAD" {
			bad++
		}
	}
	if bad > 0 {
		fmt.Fprintf(w, "%d of these keep notebooks from working.\n", bad)
		return errSilent
	}
	return nil
}

func checkProgram() finding {
	f := finding{"ok", "program", fmt.Sprintf("fastnb %s, %s, %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH), ""}
	self, err := os.Executable()
	if err != nil {
		f.grade, f.advice = "note", err.Error()
		return f
	}
	f.found += ", " + self
	if strings.HasPrefix(self, os.TempDir()+string(filepath.Separator)) {
		f.grade, f.advice = "note", "it lies in a temporary folder: move it before `fastnb kernel install`"
	}
	return f
}

// checkSession starts an interpreter and runs a cell.
func checkSession() finding {
	s, err := interp.New(interp.Options{})
	if err != nil {
		return finding{"BAD", "cells", err.Error(), "this should not happen: please report it"}
	}
	defer s.Close()
	return finding{"ok", "cells", "the interpreter starts", ""}
}

func checkJupyter() finding {
	path, err := exec.LookPath("jupyter")
	if err != nil {
		return finding{"note", "jupyter", "no jupyter on the PATH", "pip install jupyterlab, or `make lab`; notebooks also run without: fastnb nb run"}
	}
	out, err := exec.Command(path, "lab", "--version").Output()
	if err != nil {
		return finding{"note", "jupyter", path + ", without JupyterLab", "pip install jupyterlab"}
	}
	return finding{"ok", "jupyter", fmt.Sprintf("%s, JupyterLab %s", path, strings.TrimSpace(string(out))), ""}
}

func checkSpec() finding {
	specs := kernel.FindSpecs()
	if len(specs) == 0 {
		return finding{"note", "kernel", "Jupyter does not know it", "fastnb kernel install"}
	}
	s := specs[0]
	if s.Err != nil {
		return finding{"BAD", "kernel", fmt.Sprintf("%s: %v", s.Dir, s.Err), "fastnb kernel install (with --prefix, if it was installed so)"}
	}
	f := finding{"ok", "kernel", s.Dir, ""}
	if self, err := os.Executable(); err == nil && !sameFile(self, s.Program) {
		f.grade, f.advice = "note", "it starts another program, "+s.Program+": fastnb kernel install makes it this one"
	}
	return f
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func checkHome() finding {
	home := datasets.Home().String()
	err := os.MkdirAll(home, 0o777)
	if err == nil {
		var t *os.File
		if t, err = os.CreateTemp(home, ".doctor-*"); err == nil {
			_ = t.Close()
			err = os.Remove(t.Name())
		}
	}
	if err != nil {
		return finding{"BAD", "home", err.Error(), "name a folder that you may write to with FASTNB_HOME"}
	}
	return finding{"ok", "home", home + " (data and weights)", ""}
}

func checkDisk() finding {
	free, ok := freeDisk(datasets.Home().String())
	if !ok {
		return finding{"note", "disk", "free space is not known on this system", ""}
	}
	f := finding{"ok", "disk", gib(free) + " free for data", ""}
	if free < 2<<30 {
		f.grade, f.advice = "note", "the lesson's real data sets take up to 10 GB: FASTNB_HOME may name another disk"
	}
	return f
}

func checkMemory() finding {
	total, free, ok := memory()
	if !ok {
		return finding{"note", "memory", "not known on this system", ""}
	}
	f := finding{"ok", "memory", fmt.Sprintf("%s, %s of it free", gib(total), gib(free)), ""}
	if free < 2<<30 {
		f.grade, f.advice = "note", "choose small batches and sizes (the parameters cell of each notebook)"
	}
	return f
}

func gib(n uint64) string { return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30)) }

func checkCPU() finding {
	isas := cpu.ISAs()
	f := finding{"ok", "processor", fmt.Sprintf("%s, %d threads, kernels: %s", strings.TrimSpace(cpuid.CPU.BrandName), runtime.GOMAXPROCS(0), isas[0]), ""}
	if want := os.Getenv("FASTNB_ISA"); want != "" {
		f.found += fmt.Sprintf(" (FASTNB_ISA=%s)", want)
	}
	if err := cpu.CheckEnv(); err != nil {
		f.grade, f.advice = "BAD", err.Error()
		return f
	}
	if isas[0] == "generic" {
		f.grade, f.advice = "note", "training is slow here: fast kernels want AVX2 or AVX-512"
	}
	return f
}

// checkGPU opens the cards.
func checkGPU() finding {
	var cards, broken []string
	for _, f := range device.List() {
		switch {
		case f.Err == nil && f.Info.Kind == device.GPU:
			cards = append(cards, f.Info.Name+" "+f.Info.Card)
		case f.Err != nil && !errors.Is(f.Err, device.ErrNotFound):
			broken = append(broken, f.String())
		}
	}
	dev, err := device.Open("")
	if err != nil {
		return finding{"BAD", "gpu", err.Error(), "FASTNB_DEVICE may be auto, cpu, cuda or opencl; fastnb gpu info tells more"}
	}
	defer func() { _ = dev.Close() }()
	f := finding{"ok", "gpu", "learners compute on " + device.Describe(dev), ""}
	if len(broken) > 0 {
		f.grade, f.advice = "note", strings.Join(broken, "; ")
	}
	if len(cards) > 0 && dev.Info().Kind == device.GPU {
		f.advice = "fastnb gpu selftest holds it beside the processor"
	}
	return f
}

func checkSources() finding {
	f := finding{"ok", "sources", "data sets come from their own addresses", ""}
	mirror := os.Getenv("FASTNB_MIRROR")
	if mirror != "" {
		f.found = "data sets come from FASTNB_MIRROR=" + mirror + " first"
		if st, err := os.Stat(mirror); !strings.Contains(mirror, "://") && (err != nil || !st.IsDir()) {
			f.grade, f.advice = "BAD", "FASTNB_MIRROR must be an address or a folder that is there"
		}
	}
	if datasets.Offline() {
		f.found += "; FASTNB_OFFLINE is set: nothing is fetched, missing sets are drawn as twins"
	}
	return f
}

func checkCharts() finding {
	if plotting.ScriptBuiltIn() {
		return finding{"ok", "charts", "interactive, also offline", ""}
	}
	return finding{"note", "charts", "pictures where the page is offline: this build holds no chart script", "make assets build (needs npm)"}
}

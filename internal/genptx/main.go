// Command genptx compiles the GPU's kernels to PTX, ahead of time, so that users need neither NVRTC nor a
// CUDA toolkit: a unit of package kernels becomes fastnb/device/gpu/cuda/ptx/NAME.ptx.gz.
//
// The compiler is NVRTC 11.8, whose PTX drivers from 520 on take. It and ptxas, which checks what was made,
// come from PyPI into a virtual environment of their own when they are first needed (tools.go).
//
//	go run ./internal/genptx                    write what is not current
//	go run ./internal/genptx -check             compile everything again and compare
//	go run ./internal/genptx -ptxas             besides, assemble for every card each unit is for
//	go run ./internal/genptx -unit gemm_f16     only this unit (or all whose name begins so, with a * behind it),
//	                                            compiled even where it is current
//	go run ./internal/genptx -file x.cu -arch compute_80 -o x.ptx    any file, with the same options
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/fastnb/go/fastnb/device/gpu/kernels"
)

func main() {
	var j job
	flag.BoolVar(&j.check, "check", false, "write nothing: compile again and compare with what is there")
	flag.BoolVar(&j.ptxas, "ptxas", false, "assemble with ptxas for every card: no spills, at most 255 registers")
	flag.BoolVar(&j.dry, "n", false, "write nothing")
	flag.StringVar(&j.unit, "unit", "", "only the unit of this name; NAME* for all that begin with it")
	flag.StringVar(&j.out, "out", "", "folder to write to (default: the driver's)")
	flag.IntVar(&j.workers, "j", min(2, runtime.NumCPU()), "compilations at the same time")
	file := flag.String("file", "", "compile this file and no unit")
	arch := flag.String("arch", "compute_75", "architecture for -file")
	to := flag.String("o", "", "where the PTX of -file goes (default: nowhere)")
	flag.Parse()
	var err error
	if *file != "" {
		err = j.one(*file, *arch, *to)
	} else {
		err = j.all()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// job is what one run of the program does.
type job struct {
	check, ptxas, dry bool
	unit, out         string
	workers           int

	mu     sync.Mutex // guards what follows, and the output
	failed int
	made   int
	loads  int // that differ in what alike allows
}

// one compiles a file that belongs to no unit.
func (j *job) one(file, arch, to string) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("genptx: %w", err)
	}
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	text, err := compile(name, string(src), arch)
	if err != nil {
		return err
	}
	if to != "" {
		if err := write(to, []byte(header(name, string(src), arch)+text)); err != nil {
			return err
		}
	}
	if j.ptxas {
		return j.assemble(name, arch, text)
	}
	return nil
}

// all goes through the units.
func (j *job) all() error {
	dir := j.out
	if dir == "" {
		root, err := moduleRoot()
		if err != nil {
			return err
		}
		dir = filepath.Join(root, filepath.FromSlash(folder))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("genptx: %w", err)
	}
	units := j.chosen()
	if len(units) == 0 {
		return fmt.Errorf("genptx: no unit is called %q", j.unit)
	}
	work := make(chan kernels.Unit)
	var team sync.WaitGroup
	for range max(1, j.workers) {
		team.Add(1)
		go func() {
			defer team.Done()
			for u := range work {
				if err := j.do(dir, u); err != nil {
					j.say("%v", err)
					j.fail()
				}
			}
		}()
	}
	for _, u := range units {
		work <- u
	}
	close(work)
	team.Wait()
	if j.unit == "" && !j.dry {
		j.strays(dir)
	}
	if j.failed > 0 {
		return fmt.Errorf("genptx: %d of %d units are not right", j.failed, len(units))
	}
	j.say("genptx: %d units, %d compiled, %d of them as in the tree but for joined loads", len(units), j.made, j.loads)
	return nil
}

// chosen are the units to go through.
func (j *job) chosen() []kernels.Unit {
	prefix, many := strings.CutSuffix(j.unit, "*")
	var chosen []kernels.Unit
	for _, u := range kernels.Units() {
		if j.unit == "" || u.Name == j.unit || many && strings.HasPrefix(u.Name, prefix) {
			chosen = append(chosen, u)
		}
	}
	return chosen
}

// do brings one unit's file up to date, or says that it is not.
func (j *job) do(dir string, u kernels.Unit) error {
	file := filepath.Join(dir, u.Name+".ptx.gz")
	head := header(u.Name, u.Source(), u.Arch)
	old, err := read(file)
	current := err == nil && strings.HasPrefix(old, head)
	text := strings.TrimPrefix(old, head)
	if !current || j.check || j.unit != "" {
		fresh, err := compile(u.Name, u.Source(), u.Arch)
		if err != nil {
			return err
		}
		same := current && alike(fresh, text)
		j.mu.Lock()
		j.made++
		if same && fresh != text {
			j.loads++
		}
		j.mu.Unlock()
		if !same {
			text = fresh
		}
		switch {
		case same:
		case j.check:
			return fmt.Errorf("genptx: %s: the PTX in the tree is not what its source compiles to (try make generate-ptx)", u.Name)
		case !j.dry:
			if err := write(file, pack(head+text)); err != nil {
				return err
			}
		}
	}
	if j.ptxas {
		return j.assemble(u.Name, u.Arch, text)
	}
	return nil
}

// strays removes the PTX of units that are no more; when only looking, they are a failure.
func (j *job) strays(dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.ptx.gz"))
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".ptx.gz")
		if _, ok := kernels.Find(name); ok {
			continue
		}
		if j.check {
			j.say("genptx: %s: PTX of a unit that is no more (try make generate-ptx)", name)
			j.fail()
		} else if err := os.Remove(f); err != nil {
			j.say("genptx: %v", err)
			j.fail()
		}
	}
}

func (j *job) fail() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed++
}

func (j *job) say(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Printf(format+"\n", args...)
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/fastnb/data"
	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/cpu"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/nn"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/safetensors"
	"github.com/fastnb/go/fastnb/tensor"
)

func benchStepCommand() *cobra.Command {
	var weights string
	var profile, bf16 bool
	works := stepWorks()
	c := &cobra.Command{
		Use: "step NAME", Args: cobra.ExactArgs(1),
		Short: "Do one piece of work again and again, as standard input asks (bench/beside.py holds PyTorch's beside): " + strings.Join(workNames(), ", "),
		Long: "Reads commands, a line each, and answers each with a line of JSON: \"run K\" does the work K times and gives the milliseconds, " +
			"\"losses K N\" trains K steps on N items and gives the losses, \"profile\" tells where the time since the last such command went, end of input ends it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			w, ok := works[args[0]]
			if !ok {
				return fmt.Errorf("fastnb: bench: no work %q (there are %s)", args[0], strings.Join(workNames(), ", "))
			}
			s, err := newStepper(w, weights, profile, bf16)
			if err != nil {
				return err
			}
			return s.serve(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	c.Flags().StringVar(&weights, "weights", "", "write the start values to this file in the safetensors format")
	c.Flags().BoolVar(&bf16, "bf16", false, "products in bfloat16, as ToFP16() has them on processors with the instructions")
	c.Flags().BoolVar(&profile, "profile", false, "measure each op, for the command profile")
	return c
}

// stepper does a stepWork.
type stepper struct {
	stepWork
	dev device.Device
	e   *engine.Engine
	x   []*tensor.Tensor
	y   []*tensor.Tensor
	lr  float64

	tiles  *data.Loader // of a work that reads files
	epochs int64
}

func newStepper(w stepWork, weights string, profile, bf16 bool) (*stepper, error) {
	net, err := w.net()
	if err != nil {
		return nil, err
	}
	dev, err := device.Open("cpu")
	if err != nil {
		return nil, err
	}
	s := &stepper{stepWork: w, dev: dev, lr: 1e-3}
	if profile {
		s.profiler().Profile(true)
	}
	var groups [][]*nn.Param
	s.e, err = engine.New(s.dev, net, w.lossOf(), groups, optim.Config{Kind: "adam", TrueWD: true, BNWD: true})
	if err != nil {
		return nil, err
	}
	if bf16 {
		if err := s.e.SetActivations(tensor.BFloat16); err != nil {
			return nil, err
		}
	}
	if weights != "" {
		state, err := s.e.State()
		if err != nil {
			return nil, err
		}
		if err := safetensors.Write(weights, state, nil); err != nil {
			return nil, err
		}
	}
	s.x, s.y = w.batch(w.bs)
	if w.kind == "epoch" {
		s.tiles, err = w.tilesBeside(weights)
	}
	return s, err
}

// profiler is the processor's.
func (s *stepper) profiler() *cpu.Device { return device.Base(s.dev).(*cpu.Device) }

func (s *stepper) serve(in io.Reader, out io.Writer) error {
	answer := func(v map[string]any) error {
		b, err := json.Marshal(v)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n", b)
		}
		return err
	}
	if err := answer(map[string]any{"ready": "fastnb " + version, "isa": s.profiler().ISA(), "threads": s.profiler().Threads()}); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		v, err := s.command(strings.Fields(lines.Text()))
		if err != nil {
			return err
		}
		if err := answer(v); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (s *stepper) command(words []string) (map[string]any, error) {
	var n []int
	for _, w := range words[min(1, len(words)):] {
		k, err := strconv.Atoi(w)
		if err != nil {
			return nil, fmt.Errorf("fastnb: bench: command %q: %w", strings.Join(words, " "), err)
		}
		n = append(n, k)
	}
	switch {
	case len(words) == 2 && words[0] == "run":
		return s.run(n[0])
	case len(words) == 3 && words[0] == "losses":
		return s.losses(n[0], n[1])
	case len(words) == 1 && words[0] == "profile":
		table := s.profiler().ProfileTable()
		s.profiler().Profile(table != "")
		return map[string]any{"profile": table}, nil
	}
	return nil, fmt.Errorf("fastnb: bench: command %q is none of run K, losses K N, profile", strings.Join(words, " "))
}

// run does the work n times.
func (s *stepper) run(n int) (map[string]any, error) {
	var ms []float64
	used := usedCPU()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		t := time.Now()
		var err error
		if s.tiles != nil {
			err = s.epoch()
		} else {
			_, err = s.once(s.x, s.y)
		}
		if err != nil {
			return nil, err
		}
		ms = append(ms, float64(time.Since(t).Microseconds())/1e3)
	}
	runtime.ReadMemStats(&after)
	return map[string]any{
		"ms": ms, "cpu_ms": (usedCPU() - used) / float64(n) * 1e3, "peak_mb": peakMB(),
		"alloc_mb": float64(after.TotalAlloc-before.TotalAlloc) / float64(n) / 1e6,
	}, nil
}

// generated is how many words a "generate" makes.
const generated = 40

func (s *stepper) once(x, y []*tensor.Tensor) (float32, error) {
	ctx := context.Background()
	switch s.kind {
	case "infer":
		_, _, err := s.e.Eval(ctx, x, nil)
		return 0, err
	case "generate":
		word := int64(2)
		for range generated {
			_, scores, err := s.e.Eval(ctx, []*tensor.Tensor{tensor.FromInt64([]int64{word}, 1, 1)}, nil)
			if err != nil {
				return 0, err
			}
			best := float32(0)
			for i, v := range scores.Float32s() {
				if i == 0 || v > best {
					best, word = v, int64(i)
				}
			}
		}
		return float32(word), nil
	}
	r, err := s.e.Train(ctx, engine.Batch{X: x, Y: y})
	if err != nil {
		return 0, err
	}
	loss, err := r.Loss(ctx) // the loss alone comes down, as in PyTorch's loop
	if err != nil {
		return 0, err
	}
	return loss, s.e.Step([]engine.Hyper{{LR: s.lr, Mom: .9, Beta2: .99, WD: .01}})
}

// losses trains k steps on n items; of inference it gives the sum of a pass's outputs, of words the last.
func (s *stepper) losses(k, n int) (map[string]any, error) {
	x, y := s.batch(n)
	var out []float64
	// Adam's first step is the gradient's sign: where that is rounding's, a large step would tell the sides apart.
	s.lr = 2e-5
	defer func() { s.lr = 1e-3 }()
	for range k {
		if s.kind == "infer" {
			_, scores, err := s.e.Eval(context.Background(), x, nil)
			if err != nil {
				return nil, err
			}
			sum := 0.0
			for i, v := range scores.Float32s() {
				sum += float64(v) * float64(i%7)
			}
			out = append(out, sum)
			continue
		}
		loss, err := s.once(x, y)
		if err != nil {
			return nil, err
		}
		out = append(out, float64(loss))
	}
	return map[string]any{"losses": out}, nil
}

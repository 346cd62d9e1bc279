package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/gpu"
	"github.com/fastnb/go/fastnb/engine"
	"github.com/fastnb/go/fastnb/optim"
	"github.com/fastnb/go/fastnb/tensor"
)

// precisions are the kinds of activations by the names of the command line.
var precisions = map[string]tensor.DType{"f32": tensor.Float32, "f16": tensor.Float16, "bf16": tensor.BFloat16}

func precisionOf(name string) (tensor.DType, error) {
	d, ok := precisions[name]
	if !ok {
		return d, fmt.Errorf("fastnb: bench: no precision %q (there are f32, f16, bf16)", name)
	}
	return d, nil
}

// deviceBench are the options of `bench device`.
type deviceBench struct {
	device     string
	precisions []string
	steps      int
	seconds    float64
	profile    bool
	json       bool
}

// deviceFigures are what one work took.
type deviceFigures struct {
	Name      string  `json:"name"`
	Precision string  `json:"precision"`
	Device    string  `json:"device"`
	Card      string  `json:"card,omitempty"`
	Processor bool    `json:"processor,omitempty"` // the device is one, by OpenCL
	Steps     int     `json:"steps"`
	Step      float64 `json:"step_ms"` // median of steps that each wait for their loss, as a learner's do
	Least     float64 `json:"least_ms"`
	Free      float64 `json:"free_ms"` // median of groups of ten steps that wait at the end, over ten
	Compile   float64 `json:"compile_s"`
	First     float64 `json:"first_loss"`
	Last      float64 `json:"last_loss"`
	Skipped   int     `json:"skipped"` // steps whose gradients overflowed
	Programs  float64 `json:"programs_mb"`
	Params    float64 `json:"params_mb"`
	Card0     float64 `json:"card_mb"` // what the card had less of at the end than at the beginning
	Up        int64   `json:"up_bytes"`
	Down      int64   `json:"down_bytes"`
	Profile   string  `json:"profile,omitempty"`
	Error     string  `json:"error,omitempty"`
}

func benchDeviceCommand() *cobra.Command {
	b := deviceBench{}
	c := &cobra.Command{
		Use: "device NAME...", Args: cobra.MinimumNArgs(1),
		Short: "Time whole steps on a device, as a learner makes them; test/gpu holds PyTorch's beside: " + strings.Join(workNames(), ", "),
		Long: `Each work is done in each precision: upload of the batch, forward, backward and the optimizer, at first until it is
compiled and warm, then step by step with the loss read each time, then ten at a time without waiting between.
The exit status is 1 if one of them failed; the others are done all the same.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			works := stepWorks()
			for _, n := range args {
				if _, ok := works[n]; !ok {
					return fmt.Errorf("fastnb: bench: no work %q (there are %s)", n, strings.Join(workNames(), ", "))
				}
			}
			bad := false
			for _, n := range args {
				for _, p := range b.precisions {
					f := b.measure(cmd.Context(), n, works[n], p)
					bad = bad || f.Error != ""
					if err := b.show(cmd.OutOrStdout(), f); err != nil {
						return err
					}
				}
			}
			if bad {
				return errSilent
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&b.device, "device", "", "device: cpu, cuda, cuda:1, opencl (default: FASTNB_DEVICE, or the best one)")
	f.StringSliceVar(&b.precisions, "precision", []string{"f32"}, "precisions: f32, f16, bf16")
	f.IntVar(&b.steps, "steps", 20, "steps to time, and as many again without waiting between")
	f.Float64Var(&b.seconds, "seconds", 20, "longest time for each of the two")
	f.BoolVar(&b.profile, "profile", false, "tell where the time goes, by op")
	f.BoolVar(&b.json, "json", false, "a JSON line for each")
	return c
}

func (b deviceBench) show(w io.Writer, f deviceFigures) error {
	if b.json {
		js, err := json.Marshal(f)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s\n", js)
		}
		return err
	}
	var err error
	if f.Error != "" {
		_, err = fmt.Fprintf(w, "%-26s %-4s FAILED %s\n", f.Name, f.Precision, f.Error)
	} else {
		_, err = fmt.Fprintf(w, "%-26s %-4s %9.2f ms a step, %9.2f without waiting (%d steps; compiled in %.1f s; %.0f MB between layers, %.0f MB weights; loss %.4f to %.4f) on %s\n%s",
			f.Name, f.Precision, f.Step, f.Free, f.Steps, f.Compile, f.Programs, f.Params, f.First, f.Last, f.Device, f.Profile)
	}
	return err
}

func (b deviceBench) measure(ctx context.Context, name string, w stepWork, precision string) deviceFigures {
	f := deviceFigures{Name: name, Precision: precision}
	if err := b.fill(ctx, w, &f); err != nil {
		f.Error = err.Error()
	}
	return f
}

func (b deviceBench) fill(ctx context.Context, w stepWork, f *deviceFigures) error {
	kind, err := precisionOf(f.Precision)
	if err != nil {
		return err
	}
	dev, err := device.Open(b.device)
	if err != nil {
		return err
	}
	i, free := dev.Info(), dev.FreeMemory()
	f.Device, f.Card = i.Name, i.Card
	if card, ok := device.Base(dev).(*gpu.Device); ok {
		f.Processor = card.Card().Processor
		if kind == tensor.Float32 && card.TF32() {
			f.Precision = "tf32" // as the tables of test/gpu name it
		}
	}
	s, err := newDeviceStepper(dev, w, kind)
	if err != nil {
		_ = dev.Close()
		return err
	}
	defer s.e.Close()
	start := time.Now()
	if f.First, err = s.step(ctx, true); err != nil {
		return err
	}
	f.Compile = time.Since(start).Seconds()
	for range 4 {
		if _, err := s.step(ctx, true); err != nil {
			return err
		}
	}
	before, steps := s.e.Stats(), s.n
	if err := b.times(ctx, s, f); err != nil {
		return err
	}
	moved := s.e.Stats().Sub(before)
	f.Up, f.Down, f.Skipped = moved.Up/int64(s.n-steps), moved.Down/int64(s.n-steps), s.skipped
	if f.Last, err = s.step(ctx, true); err != nil {
		return err
	}
	programs, params := s.e.Memory()
	f.Programs, f.Params, f.Card0 = float64(programs)/1e6, float64(params)/1e6, float64(free-dev.FreeMemory())/1e6
	if b.profile {
		f.Profile, err = s.profile(ctx, dev)
	}
	if math.IsNaN(f.Last) || math.IsInf(f.Last, 0) {
		return fmt.Errorf("the loss is %v after %d steps", f.Last, s.n)
	}
	return err
}

// times measures steps that wait and steps that do not.
func (b deviceBench) times(ctx context.Context, s *deviceStepper, f *deviceFigures) error {
	const group = 10
	var each, free []float64
	for start := time.Now(); len(each) < b.steps && (len(each) < 3 || time.Since(start).Seconds() < b.seconds); {
		t := time.Now()
		if _, err := s.step(ctx, true); err != nil {
			return err
		}
		each = append(each, time.Since(t).Seconds()*1e3)
	}
	for start := time.Now(); len(free)*group < max(b.steps, 3*group) && (len(free) == 0 || time.Since(start).Seconds() < b.seconds); {
		t := time.Now()
		for range group {
			if _, err := s.step(ctx, false); err != nil {
				return err
			}
		}
		if err := s.e.Wait(ctx); err != nil {
			return err
		}
		free = append(free, time.Since(t).Seconds()*1e3/group)
	}
	f.Steps, f.Step, f.Least, f.Free = len(each), median(each), slices.Min(each), median(free)
	return nil
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[len(s)/2] + s[(len(s)-1)/2]) / 2
}

// deviceStepper makes steps as a learner does.
type deviceStepper struct {
	stepWork
	e       *engine.Engine
	b       engine.Batch
	kind    tensor.DType
	lr      float64
	scale   float64
	n       int
	skipped int
}

// firstScale is the first loss scale of float16: far below the learner's, so that few steps are lost.
const firstScale = 1024

func newDeviceStepper(dev device.Device, w stepWork, kind tensor.DType) (*deviceStepper, error) {
	net, err := w.net()
	if err != nil {
		return nil, err
	}
	s := &deviceStepper{stepWork: w, kind: kind, lr: 1e-4, scale: firstScale}
	if s.e, err = engine.New(dev, net, w.lossOf(), nil, optim.Config{Kind: "adam", TrueWD: true, BNWD: true}); err != nil {
		return nil, err
	}
	if err := s.e.SetActivations(kind); err != nil {
		s.e.Close()
		return nil, err
	}
	if kind == tensor.Float16 {
		if err := s.e.SetLossScale(firstScale); err != nil {
			s.e.Close()
			return nil, err
		}
	}
	s.b.X, s.b.Y = w.batch(w.bs)
	s.b.Norm = w.normal()
	return s, nil
}

// step is one step of training, or of inference without targets, whose output comes down. Where it does not wait,
// there is no loss.
func (s *deviceStepper) step(ctx context.Context, wait bool) (float64, error) {
	s.n++
	if s.stepWork.kind == "infer" {
		r, err := s.e.Forward(ctx, engine.Batch{X: s.b.X, Norm: s.b.Norm})
		if err != nil || !wait {
			return 0, err
		}
		_, err = r.Output(ctx)
		return 0, err
	}
	r, err := s.e.Train(ctx, s.b)
	if err != nil {
		return 0, err
	}
	loss := float32(0)
	if wait {
		if loss, err = r.Loss(ctx); err != nil {
			return 0, err
		}
	}
	if s.kind == tensor.Float16 && s.e.Activations() == s.kind {
		bad, err := s.e.GradsOverflow()
		if err != nil {
			return 0, err
		}
		if bad { // as a learner's dynamic scale
			s.skipped++
			s.scale /= 2
			return float64(loss), s.e.SetLossScale(s.scale)
		}
	}
	return float64(loss), s.e.Step([]engine.Hyper{{LR: s.lr, Mom: .9, Beta2: .99, WD: .01}})
}

// profile is where the time of some steps goes, where the device can tell.
func (s *deviceStepper) profile(ctx context.Context, dev device.Device) (string, error) {
	p, ok := device.Base(dev).(device.Profiler)
	if !ok {
		return "", nil
	}
	p.Profile(true)
	defer p.Profile(false)
	for range 5 {
		if _, err := s.step(ctx, true); err != nil {
			return "", err
		}
	}
	return p.ProfileTable(), nil
}

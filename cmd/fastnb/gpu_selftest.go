package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/fastnb/device"
	"github.com/fastnb/go/fastnb/device/devicetest"
	"github.com/fastnb/go/fastnb/tensor"
)

// selftestPart is one thing that the self-test looks at.
type selftestPart struct {
	Name    string         `json:"name"`
	OK      bool           `json:"ok"`
	Left    bool           `json:"left_out,omitempty"` // the time was up
	Seconds float64        `json:"seconds"`
	Text    string         `json:"text"`
	Figures map[string]any `json:"figures,omitempty"`
	Errors  []string       `json:"errors,omitempty"`
}

// selftestReport is the whole of it.
type selftestReport struct {
	Fastnb  string         `json:"fastnb"`
	System  string         `json:"system"`
	Device  string         `json:"device"`
	Card    string         `json:"card"`
	Memory  int64          `json:"memory"`
	OK      bool           `json:"ok"`
	Seconds float64        `json:"seconds"`
	Parts   []selftestPart `json:"parts"`
}

// selftest is a run of the self-test.
type selftest struct {
	device  string
	only    []string
	seconds float64
	json    bool

	ctx    context.Context
	out    io.Writer
	told   io.Writer // where lines go while JSON is awaited
	start  time.Time
	dev    device.Device
	kinds  []string // the precisions the device has
	rate   float64  // multiply-adds a second in single precision; 0: not measured
	report selftestReport
}

func selftestCommand() *cobra.Command {
	s := selftest{}
	c := &cobra.Command{
		Use: "selftest", Args: cobra.NoArgs,
		Short: "Test the card: every kernel beside the reference in each precision, memory, products, training steps, losses beside the processor's",
		Long: `Run every operation on the device beside its definition in double precision, in each precision that the device has;
measure memory and products; time steps of a ResNet34 and an AWD-LSTM (small ones on slow devices); train three
narrow networks for 30 steps and hold their losses beside the processor's.

--json prints one object instead of the table, which goes to the standard error output: an issue about a card wants
it. What an interrupt cuts short is left out. The exit status is 1 where something
is wrong.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.ctx, s.out, s.told = cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return s.run()
		},
	}
	f := c.Flags()
	f.StringVar(&s.device, "device", "", "device: cuda, cuda:1, opencl (default: FASTNB_DEVICE, or the best one)")
	f.StringSliceVar(&s.only, "only", nil, "parts to run: kernels, memory, products, steps, losses")
	f.Float64Var(&s.seconds, "seconds", 600, "begin nothing after so many seconds")
	f.BoolVar(&s.json, "json", false, "print one JSON object")
	return c
}

// verdict is the part's word in the table: what was left out is not ok.
func (p selftestPart) verdict() string {
	switch {
	case p.Left:
		return "left"
	case p.OK:
		return "ok"
	}
	return "BAD"
}

// verdict is the last line's word.
func (r selftestReport) verdict() string {
	if !r.OK {
		return "SOMETHING IS WRONG"
	}
	left := 0
	for _, p := range r.Parts {
		if p.Left {
			left++
		}
	}
	if left > 0 {
		return fmt.Sprintf("nothing wrong was found, %d of %d parts were left out,", left, len(r.Parts))
	}
	return "all is well"
}

func (s *selftest) run() error {
	s.start = time.Now()
	dev, err := device.Open(s.device)
	if err != nil {
		return err
	}
	s.dev = dev
	defer func() { _ = dev.Close() }()
	i := dev.Info()
	s.report = selftestReport{Fastnb: version, System: runtime.GOOS + "/" + runtime.GOARCH, Device: i.Name, Card: i.Card, Memory: i.Memory, OK: true}
	for _, p := range []string{"f32", "f16", "bf16"} {
		if i.CanMix(precisions[p]) {
			s.kinds = append(s.kinds, p)
		}
	}
	if !s.json {
		fmt.Fprintf(s.out, "%s: %s\n(%s)\n", i.Name, deviceLine(dev), device.Why(dev))
	}
	parts := []struct {
		name string
		run  func() []selftestPart
	}{{"memory", s.memory}, {"products", s.products}, {"kernels", s.kernels}, {"losses", s.losses}, {"steps", s.steps}}
	for _, p := range parts {
		if len(s.only) > 0 && !contains(s.only, p.name) {
			continue
		}
		p.run()
	}
	s.report.Seconds = time.Since(s.start).Seconds()
	if s.json {
		js, err := json.MarshalIndent(s.report, "", " ")
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s\n", js)
	} else {
		fmt.Fprintf(s.out, "%s in %.0f s\n", s.report.verdict(), s.report.Seconds)
	}
	if !s.report.OK {
		return errSilent
	}
	return nil
}

func contains(list []string, v string) bool {
	for _, l := range list {
		if l == v {
			return true
		}
	}
	return false
}

// part runs a part and keeps what it found; f gives a line and figures.
func (s *selftest) part(name string, f func() (text string, figures map[string]any, bad []string, err error)) selftestPart {
	p := selftestPart{Name: name}
	start := time.Now()
	switch {
	case s.ctx.Err() != nil:
		p.OK, p.Left, p.Text = true, true, "interrupted"
	case time.Since(s.start).Seconds() > s.seconds:
		p.OK, p.Left, p.Text = true, true, "the time was up"
	default:
		var err error
		p.Text, p.Figures, p.Errors, err = guarded(f)
		switch {
		case s.ctx.Err() != nil && len(p.Errors) == 0:
			p.Left, p.Text = true, strings.TrimPrefix(p.Text+"; interrupted", "; ")
		case err != nil:
			p.Errors = append(p.Errors, err.Error())
		}
		p.OK = len(p.Errors) == 0
	}
	p.Seconds = time.Since(start).Seconds()
	s.report.Parts = append(s.report.Parts, p)
	s.report.OK = s.report.OK && p.OK
	out := s.out
	if s.json { // whose report comes at the end, if it comes
		out = s.told
	}
	fmt.Fprintf(out, "%-4s %-24s %5.1f s  %s\n", p.verdict(), name, p.Seconds, p.Text)
	for _, e := range p.Errors {
		fmt.Fprintf(out, "       %s\n", strings.ReplaceAll(e, "\n", "\n       "))
	}
	return p
}

// guarded makes an error of a panic: the other parts go on.
func guarded(f func() (string, map[string]any, []string, error)) (text string, figures map[string]any, bad []string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}

// as is the device with activations of a precision.
func (s *selftest) as(precision string) device.Device {
	if k := precisions[precision]; k.Half() && s.dev.Info().Activations != k {
		return device.Mixed(s.dev, k)
	}
	return s.dev
}

// mostBad is how many cases that fail are told.
const mostBad = 20

// kernels runs the suite of all operations.
func (s *selftest) kernels() (parts []selftestPart) {
	for _, kind := range s.kinds {
		parts = append(parts, s.part("kernels "+kind, func() (string, map[string]any, []string, error) {
			cases, bad := 0, 0
			var tell, failed []string
			devicetest.Check(s.as(kind), func(r devicetest.Result) bool {
				cases++
				if len(r.Errors) > 0 {
					bad++
					failed = append(failed, r.Name)
					if len(tell) < mostBad {
						tell = append(tell, r.Name+": "+strings.Join(r.Errors, "; "))
					}
				}
				return s.ctx.Err() == nil && time.Since(s.start).Seconds() < s.seconds
			})
			text := fmt.Sprintf("%d cases, %d bad", cases, bad)
			if time.Since(s.start).Seconds() >= s.seconds {
				text += "; the time was up, the others were left out"
			}
			return text, map[string]any{"cases": cases, "bad": failed}, tell, s.ctx.Err()
		}))
	}
	return parts
}

// copyBytes is how much memory the copies move: half of the free memory at most.
const copyBytes = 512 << 20

// memory measures copies on the device, up and down.
func (s *selftest) memory() []selftestPart { return []selftestPart{s.part("memory", s.copies)} }

// copies measures copies within the card, to it and from it.
func (s *selftest) copies() (string, map[string]any, []string, error) {
	n := int(min(int64(copyBytes), s.dev.FreeMemory()/8)) / 4
	a, err := s.dev.Alloc(device.Spec{DType: tensor.Float32, Shape: []int{n}})
	if err != nil {
		return "", nil, nil, err
	}
	defer s.dev.Free(a)
	b, err := s.dev.Alloc(device.Spec{DType: tensor.Float32, Shape: []int{n}})
	if err != nil {
		return "", nil, nil, err
	}
	defer s.dev.Free(b)
	q := s.dev.NewQueue()
	defer func() { _ = q.Close() }()
	const up = 16 << 20
	host, back := tensor.New(tensor.Float32, up/4), tensor.New(tensor.Float32, up/4)
	for i := range host.Float32s() {
		host.Float32s()[i] = float32(i % 1000)
	}
	c, err := s.dev.Alloc(device.SpecOf(host))
	if err != nil {
		return "", nil, nil, err
	}
	defer s.dev.Free(c)
	times := 20
	t := time.Now()
	q.Copy(b, 0, a, 0, n)
	if err := q.Wait(s.ctx); err != nil {
		return "", nil, nil, err
	}
	if time.Since(t) > 50*time.Millisecond {
		times = 2
	}
	rates := map[string]any{}
	var line []string
	for _, m := range []struct {
		name  string
		bytes int
		do    func() error
	}{
		{"copy", 2 * 4 * n * times, func() error {
			for range times / 2 {
				q.Copy(b, 0, a, 0, n)
				q.Copy(a, 0, b, 0, n)
			}
			return q.Wait(s.ctx)
		}},
		{"up", up * times, func() error {
			for range times {
				q.Write(c, host)
			}
			return q.Wait(s.ctx)
		}},
		{"down", up * times, func() error {
			for range times {
				q.Read(back, c)
			}
			return q.Wait(s.ctx)
		}},
	} {
		best := math.Inf(1)
		for range 3 {
			t := time.Now()
			if err := m.do(); err != nil {
				return "", nil, nil, err
			}
			best = min(best, time.Since(t).Seconds())
		}
		rates[m.name+"_gb_s"] = float64(m.bytes) / best / 1e9
		line = append(line, fmt.Sprintf("%s %.1f GB/s", m.name, float64(m.bytes)/best/1e9))
	}
	for i, v := range back.Float32s() {
		if v != host.Float32s()[i] {
			return "", nil, nil, fmt.Errorf("element %d came back as %g, want %g", i, v, host.Float32s()[i])
		}
	}
	return strings.Join(line, ", ") + " (reads and writes of a copy count both)", rates, nil, nil
}

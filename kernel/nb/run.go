package nb

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fastnb/go/kernel/interp"
)

// Options of a headless run.
type Options struct {
	Timeout     time.Duration     // for each cell; 0 is none
	AllowErrors bool              // go on after a failed cell
	Static      bool              // leave scripts out of the outputs
	Params      map[string]string // override variables of the cell tagged "parameters"
	Progress    io.Writer         // a line per cell; nil for silence
	Dir         string            // where cells run; "" is the current folder

	// Save keeps the notebook as it is meanwhile, in the form of its file: it is called after a cell, when the
	// last call is SaveEvery ago (10 s), and when a run that was interrupted does not come to its end. Its
	// errors are told to Progress.
	Save      func(content []byte) error
	SaveEvery time.Duration
}

// saveEvery is how much of a run's time may be lost.
const saveEvery = 10 * time.Second

// stuck is how long an interrupted run may take to come to its end before what there is is saved.
const stuck = 5 * time.Second

// Summary counts what a run did.
type Summary struct {
	OK, Failed, Skipped int
	Answered, Originals int // cells of the original notebook answered without failure, and in all
}

// String is the closing line of a run.
func (s Summary) String() string {
	return fmt.Sprintf("%d code cells: %d ok, %d failed, %d skipped; originals %d/%d",
		s.OK+s.Failed+s.Skipped, s.OK, s.Failed, s.Skipped, s.Answered, s.Originals)
}

// RunFile runs the notebook at path in its own folder and gives it back with its outputs.
func RunFile(ctx context.Context, path string, o Options) (*Notebook, Summary, error) {
	n, err := Read(path)
	if err != nil {
		return nil, Summary{}, err
	}
	if o.Dir == "" {
		o.Dir = filepath.Dir(path)
	}
	sum, err := Run(ctx, n, o)
	return n, sum, err
}

// Run runs the code cells in order in a fresh session and stores their outputs in n. Failed cells
// are counted in the summary; the error is for what kept the run itself from happening.
func Run(ctx context.Context, n *Notebook, o Options) (Summary, error) {
	if err := Override(n, o.Params); err != nil {
		return Summary{}, err
	}
	back, err := enterDir(o.Dir)
	if err != nil {
		return Summary{}, err
	}
	defer back()
	s, err := interp.New(interp.Options{Capture: true})
	if err != nil {
		return Summary{}, fmt.Errorf("notebook: starting the interpreter: %w", err)
	}
	defer s.Close()
	r := &runner{n: n, o: o, s: s, out: newCollector(o.Static), failedAt: map[int]bool{}}
	r.sum.Originals = n.Originals()
	for _, c := range n.Cells {
		if c.Type == "code" {
			r.total++
		}
	}
	r.saved = time.Now()
	finished := make(chan struct{})
	defer close(finished)
	go r.saveWhenStuck(ctx, finished)
	answered := map[int]bool{}
	for _, c := range n.Cells {
		ok := true
		if c.Type == "code" {
			if ctx.Err() != nil {
				r.stop = true // what was interrupted is not gone on with
			}
			ok = r.cell(ctx, c)
			r.saveNow(false)
		}
		if orig, has := c.Original(); has {
			if !ok {
				r.failedAt[orig] = true
			}
			answered[orig] = true
		}
	}
	for orig := range answered {
		if !r.failedAt[orig] {
			r.sum.Answered++
		}
	}
	n.Metadata = orEmpty(n.Metadata)
	return r.sum, nil
}

// enterDir changes the working folder, as Jupyter does for a notebook, and returns the way back.
func enterDir(dir string) (back func(), err error) {
	if dir == "" {
		return func() {}, nil
	}
	old, err := os.Getwd()
	if err == nil {
		err = os.Chdir(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("notebook: entering its folder: %w", err)
	}
	return func() { _ = os.Chdir(old) }, nil
}

// Override sets variables of the cell tagged "parameters" to other values, as `-p NAME=VALUE` gives them. It
// changes n, and is an error for a name that the cell does not set.
func Override(n *Notebook, params map[string]string) error {
	if len(params) == 0 {
		return nil
	}
	for _, c := range n.Cells {
		if c.Type != "code" || !c.Tagged("parameters") {
			continue
		}
		src, used, err := interp.OverrideVars(c.Source, params)
		if err != nil {
			return fmt.Errorf("notebook: parameters: %w", err)
		}
		seen := map[string]bool{}
		for _, u := range used {
			seen[u] = true
		}
		for p := range params {
			if !seen[p] {
				return fmt.Errorf("notebook: parameters: the cell tagged parameters sets no variable %q", p)
			}
		}
		c.Source = src
		return nil
	}
	return fmt.Errorf("notebook: parameters given, but no code cell is tagged %q", "parameters")
}

type runner struct {
	n        *Notebook
	o        Options
	s        *interp.Session
	out      *collector
	sum      Summary
	total    int
	done     int
	count    int
	stop     bool
	failedAt map[int]bool
	saved    time.Time
}

// saveNow saves what there is, if the last time was some while ago, or in any case.
func (r *runner) saveNow(anyway bool) {
	every := r.o.SaveEvery
	if every == 0 {
		every = saveEvery
	}
	if r.o.Save == nil || !anyway && time.Since(r.saved) < every {
		return
	}
	r.out.mu.Lock()
	r.n.Metadata = orEmpty(r.n.Metadata)
	b, err := r.n.Bytes()
	r.out.mu.Unlock()
	if err == nil {
		err = r.o.Save(b)
	}
	r.saved = time.Now()
	if err != nil && r.o.Progress != nil {
		fmt.Fprintf(r.o.Progress, "keeping what was done so far: %v\n", err)
	}
}

// saveWhenStuck saves what there is when a run that was interrupted does not end: a cell may be inside a call
// that nothing stops, and the next signal ends the process.
func (r *runner) saveWhenStuck(ctx context.Context, finished <-chan struct{}) {
	select {
	case <-finished:
		return
	case <-ctx.Done():
	}
	select {
	case <-finished:
	case <-time.After(stuck):
		r.saveNow(true)
	}
}

// mayFail is Jupyter's tag of cells that show an error on purpose: the run goes on, and they do not count
// as failed.
const mayFail = "raises-exception"

// MayFail says whether the cell is marked as one that shows an error on purpose.
func (c *Cell) MayFail() bool { return c.Tagged(mayFail) }

// cell runs one code cell and reports whether it did not fail.
func (r *runner) cell(ctx context.Context, c *Cell) bool {
	r.done++
	c.Outputs, c.ExecutionCount = nil, 0
	if r.stop {
		r.sum.Skipped++
		return false
	}
	r.count++
	c.ExecutionCount = r.count
	r.out.begin(c)
	cctx := ctx
	if r.o.Timeout > 0 {
		var cancel context.CancelFunc
		cctx, cancel = context.WithTimeout(ctx, r.o.Timeout)
		defer cancel()
	}
	start := time.Now()
	res := r.s.Run(cctx, c.Source, interp.RunOptions{Count: r.count}, r.out)
	took := time.Since(start)
	if res.Err == nil {
		if res.Data != nil {
			r.out.result(res.Data, res.Metadata, r.count)
		}
		r.sum.OK++
		r.say("ok", took, c)
		return true
	}
	e := res.Err
	if cctx.Err() == context.DeadlineExceeded {
		e.Value = fmt.Sprintf("cell ran longer than the timeout of %v", r.o.Timeout)
	}
	r.out.fail(e.Name, e.Value, e.Traceback)
	if c.MayFail() && cctx.Err() == nil {
		r.sum.OK++
		r.say("ok", took, c)
		return true
	}
	r.sum.Failed++
	r.stop = !r.o.AllowErrors
	r.say("FAILED", took, c)
	if r.o.Progress != nil {
		fmt.Fprintf(r.o.Progress, "%s\n", plain(strings.Join(e.Traceback, "\n")))
	}
	return false
}

func (r *runner) say(what string, took time.Duration, c *Cell) {
	if r.o.Progress == nil {
		return
	}
	fmt.Fprintf(r.o.Progress, "cell %d/%d %-6s %7.2fs  %s\n", r.done, r.total, what, took.Seconds(), firstLine(c.Source))
}

// firstLine is what a cell begins with, cut to fit a line.
func firstLine(src string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(src), "\n")
	if r := []rune(first); len(r) > 60 {
		first = string(r[:60]) + "..."
	}
	return first
}

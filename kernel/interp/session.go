package interp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cosmos72/gomacro/base"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/cell/display"
	"github.com/fastnb/go/kernel/lang"
)

// Options of a session.
type Options struct {
	Capture bool // take over the process's standard output and error and hand them to the running cell
	// MemoryLimit is how many bytes the process may hold before the running cell is stopped (at nine
	// tenths of it); 0 stands for what the machine, or the container, has free when the session begins.
	MemoryLimit int64
}

// Output takes what a running cell gives.
type Output interface {
	cell.Sink
	// Stream appends text to the stream of that name, "stdout" or "stderr".
	Stream(name, text string)
}

// RunOptions of a cell.
type RunOptions struct {
	Silent bool // show no value
	Count  int  // the cell's number
	Plain  bool // one expression of plain Go: no commands, no cell rule
}

// Result is what a cell came to.
type Result struct {
	Data, Metadata cell.Bundle // the last value's forms; nil if there is nothing to show
	Err            *CellError
}

// Session is an interpreter and its state. Cells run one at a time.
type Session struct {
	e       *lang.Engine
	worker  atomic.Pointer[worker]
	waiting atomic.Int32 // goroutines that cells left in calls that nothing can stop
	mu      sync.Mutex
	cancel  context.CancelCauseFunc // of the running cell
	memory  memory
	capture *capture
	out     atomic.Pointer[Output]
	strict  bool // %errors explicit: the cell rule is off
	panics  chan *CellError
	last    lang.Place // of the statement that runs
	count   int        // the number of the cell that runs
	ran     map[int]ranCell
	stuck   string // the function that a cell waited in when it was left
}

// New starts a session.
func New(o Options) (*Session, error) {
	s := &Session{panics: make(chan *CellError, 16), memory: newMemory(o.MemoryLimit)}
	var err error
	s.worker.Store(employ(func() { err = s.start() }))
	if err != nil {
		return nil, err
	}
	if o.Capture {
		c, err := startCapture(s.stream)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("kernel: taking over the standard output: %w", err)
		}
		s.capture = c
	}
	return s, nil
}

func (s *Session) start() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kernel: starting the interpreter: %v", r)
		}
	}()
	replaceFunctions()
	e, err := lang.New(lang.Hooks{Panicked: func(p *lang.PanicError, at lang.Place) { s.panicked(p, at) }, Affordable: affordable})
	if err != nil {
		return err
	}
	display.SetDisplay(func(d display.Data) error { return s.display(d) })
	s.e = e
	latest.Store(s)
	return nil
}

// panicked takes what a goroutine of a cell panicked with: it fails the running cell, or is told on
// the standard error when the cell is over.
func (s *Session) panicked(r any, at lang.Place) {
	value := r
	if p, ok := r.(*lang.PanicError); ok {
		value = p.Value
	}
	if sig, ok := value.(base.Signal); ok && sig == base.SigInterrupt {
		return
	}
	if _, ended := exiting.LoadAndDelete(goroutine()); ended {
		return
	}
	e := wrap(r, at, "")
	e.Value = "a goroutine panicked: " + e.Value
	if p, ok := r.(*lang.PanicError); ok {
		e.trace = p.Trace
	}
	select {
	case s.panics <- e:
	default:
	}
	fmt.Fprintln(os.Stderr, e.Value)
}

func (s *Session) display(d display.Data) error {
	out := s.out.Load()
	if out == nil {
		return errors.New("cannot display: connection with Jupyter not available")
	}
	id, _ := d.Transient["display_id"].(string)
	return (*out).Display(d.Data, d.Metadata, id, false)
}

func (s *Session) stream(name, text string) {
	if out := s.out.Load(); out != nil {
		(*out).Stream(name, text)
		return
	}
	if name == "stdout" {
		_, _ = io.WriteString(RealStdout(), text)
		return
	}
	_, _ = io.WriteString(RealStderr(), text)
}

// flushing makes displays wait for what was printed before them.
type flushing struct {
	Output
	s *Session
}

func (f flushing) Display(data, meta cell.Bundle, id string, update bool) error {
	f.s.Flush()
	return f.Output.Display(data, meta, id, update)
}

func (f flushing) ClearOutput(wait bool) error {
	f.s.Flush()
	return f.Output.ClearOutput(wait)
}

// Ask passes a question on; a sink that has nobody to ask says so.
func (f flushing) Ask(ctx context.Context, prompt string, hidden bool) (string, error) {
	a, ok := f.Output.(cell.Asker)
	if !ok {
		return "", cell.ErrNoInput
	}
	f.s.Flush()
	return a.Ask(ctx, prompt, hidden)
}

// Flush waits until everything printed so far has been handed out.
func (s *Session) Flush() {
	if s.capture != nil {
		s.capture.flush()
	}
}

// Run runs a cell and waits for it. Cancelling ctx interrupts it.
func (s *Session) Run(ctx context.Context, code string, o RunOptions, out Output) (res Result) {
	// The context outlives the cell: goroutines that it leaves behind work on, and only an interrupt
	// ends it.
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	s.cancel = cancel
	s.mu.Unlock()
	var w Output = flushing{out, s}
	s.out.Store(&w)
	if s.capture != nil {
		s.capture.mend()
	}
	leave := cell.Enter(ctx, w)
	defer leave()
	finished := make(chan struct{})
	var watched sync.WaitGroup
	watched.Go(func() { s.watch(ctx, finished) })
	watched.Go(func() {
		s.memory.watch(finished, func(cause error) {
			cancel(cause)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.e.Interrupt() // at once: what grows fast leaves other goroutines little time
		})
	})
	var got Result
	if err := s.do(func() { got = s.cell(ctx, code, o) }); err != nil {
		res.Err = s.unfinished(err, code)
	} else {
		res = got
	}
	close(finished)
	watched.Wait() // or it would interrupt the next cell
	if oom := (*outOfMemoryError)(nil); res.Err != nil && errors.As(context.Cause(ctx), &oom) {
		res.Err.Name, res.Err.Value, res.Err.Hint = "out of memory", oom.Error(), memoryHint
		res.Err = res.Err.finish(code)
		debug.FreeOSMemory()
	}
	if res.Err != nil && errors.Is(context.Cause(ctx), errTooDeep) {
		res.Err.Name, res.Err.Value, res.Err.Hint = "error", errTooDeep.Error(), deepHint
		res.Err.Interrupted = false // it is the cell's own fault
		res.Err = res.Err.finish(code)
		debug.FreeOSMemory()
	}
	s.Flush()
	s.mu.Lock()
	s.cancel = nil
	s.mu.Unlock()
	return res
}

// unfinished is the error of a cell that did not come to its end.
func (s *Session) unfinished(err error, code string) *CellError {
	e := &CellError{Name: "error", Value: err.Error(), Line: s.last.Line}
	if errors.Is(err, errLeft) {
		e.Name, e.Interrupted = "interrupted", true
		e.Value = fmt.Sprintf("the cell was left: it waits in %s, which no interrupt reaches", s.stuck)
		e.Hint = "Its goroutine stays until that call returns"
		if n := s.waiting.Load(); n > 1 {
			e.Hint += fmt.Sprintf(", and %d more", n-1)
		}
		e.Hint += ". Variables keep what they hold; restart the kernel to be rid of it."
	}
	return e.finish(code)
}

// unstoppable is after how long an interrupted cell that still runs is told to be stuck, and grace
// after how long one that only waits for something is left.
const (
	unstoppable = 2 * time.Second
	grace       = time.Second
)

// watch interrupts the interpreter, again and again, once ctx has ended: a cell that recovers from
// the first interrupt does not escape.
func (s *Session) watch(ctx context.Context, finished <-chan struct{}) {
	select {
	case <-finished:
		return
	case <-ctx.Done():
	}
	if s.capture != nil { // a call that prints much comes to its end
		defer s.capture.discardAfter(grace / 2)()
	}
	w := s.worker.Load()
	told, look := time.After(unstoppable), time.After(grace)
	for {
		select {
		case <-finished:
			return
		default:
		}
		s.mu.Lock() // %reset makes another interpreter
		s.e.Interrupt()
		s.mu.Unlock()
		select {
		case <-finished:
			return
		case <-look:
			if s.stuck = w.waits(); s.stuck != "" {
				s.leave(w)
				return
			}
			look = time.After(grace)
		case <-told:
			s.stream("stderr", "The cell is inside a compiled call that cannot be stopped: it ends when that call returns. Restart the kernel to end it now.\n")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Interrupt ends the running cell, if there is one. It may be called from any goroutine.
func (s *Session) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel(nil)
	}
}

// Close ends the session and gives the standard output back.
func (s *Session) Close() {
	w := s.worker.Load()
	close(w.work)
	<-w.done
	if s.capture != nil {
		s.capture.stop()
	}
}

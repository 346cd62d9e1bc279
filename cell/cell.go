package cell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

// ErrInterrupted is what long work returns when the user interrupts the cell.
var ErrInterrupted = errors.New("interrupted")

// Bundle is one thing to show, in as many forms as there are entries: "text/plain", "text/html",
// "image/png" ([]byte or base64 text), "application/json" and so on.
type Bundle = map[string]any

// Sink takes what a cell shows. The kernel's sink sends Jupyter messages; the headless runner's
// collects notebook outputs.
type Sink interface {
	// Display shows data. A non-empty id names the output so that a later call with update set
	// replaces it in place. Metadata may be nil.
	Display(data, metadata Bundle, id string, update bool) error
	// ClearOutput removes the cell's output, at once or (wait) when the next output arrives.
	ClearOutput(wait bool) error
}

// Asker is a sink behind which somebody can answer questions.
type Asker interface {
	// Ask shows prompt and gives the line typed; with hidden set it is not echoed. ErrNoInput says that
	// nobody can answer.
	Ask(ctx context.Context, prompt string, hidden bool) (string, error)
}

// ErrNoInput is what Input returns when there is nobody to ask.
var ErrNoInput = errors.New("the front end takes no input here")

// Input asks the user for a line, as Python's input does. It returns ErrInterrupted if the user
// interrupts the cell in place of an answer.
func Input(prompt string) (string, error) { return ask(prompt, false) }

// Password asks for a line that is not shown while it is typed.
func Password(prompt string) (string, error) { return ask(prompt, true) }

func ask(prompt string, hidden bool) (string, error) {
	if s := current.Load(); s != nil {
		if a, ok := s.sink.(Asker); ok {
			line, err := a.Ask(s.ctx, prompt, hidden)
			if err != nil && s.ctx.Err() != nil {
				err = ErrInterrupted
			}
			return line, err
		}
	}
	return "", ErrNoInput
}

type state struct {
	ctx  context.Context
	sink Sink
}

var (
	current atomic.Pointer[state]
	nextID  atomic.Int64
)

// Enter makes ctx and sink those of the running cell and returns the function that ends the cell.
// Only the kernel calls it; cells run one at a time.
func Enter(ctx context.Context, sink Sink) (leave func()) {
	old := current.Swap(&state{ctx, sink})
	return func() { current.Store(old) }
}

// Context is done when the user interrupts the running cell. Outside a cell it is
// context.Background.
func Context() context.Context {
	if s := current.Load(); s != nil {
		return s.ctx
	}
	return context.Background()
}

// Interrupted is ErrInterrupted when the running cell was interrupted, else nil.
func Interrupted() error {
	if Context().Err() != nil {
		return ErrInterrupted
	}
	return nil
}

// Active reports whether a notebook shows what this cell displays.
func Active() bool { s := current.Load(); return s != nil && s.sink != nil }

// Display shows data once.
func Display(data Bundle) error { return show(data, nil, "", false) }

// ClearOutput removes the cell's output so far, or with wait when the next output arrives.
func ClearOutput(wait bool) error {
	if s := current.Load(); s != nil && s.sink != nil {
		return s.sink.ClearOutput(wait)
	}
	return nil
}

func show(data, meta Bundle, id string, update bool) error {
	if s := current.Load(); s != nil && s.sink != nil {
		return s.sink.Display(data, meta, id, update)
	}
	if t, ok := data["text/plain"]; ok && !update {
		_, err := fmt.Println(t)
		return err
	}
	return nil
}

// Handle is a displayed output that can be replaced in place.
type Handle struct {
	mu    sync.Mutex
	id    string
	state *state
	last  Bundle
}

// NewDisplay shows data, with the metadata if there are any, and returns the handle to replace it.
func NewDisplay(data Bundle, metadata ...Bundle) (*Handle, error) {
	h := &Handle{id: "fastnb-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(nextID.Add(1), 10), state: current.Load()}
	h.last = data
	return h, show(data, first(metadata), h.id, false)
}

func first(list []Bundle) Bundle {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// Update replaces what h shows. It may be called from any goroutine.
func (h *Handle) Update(data Bundle, metadata ...Bundle) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = data
	if h.state == nil || h.state.sink == nil {
		return nil
	}
	return h.state.sink.Display(data, first(metadata), h.id, true)
}

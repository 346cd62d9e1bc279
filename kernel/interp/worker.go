package interp

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cosmos72/gomacro/base/untyped"
	"github.com/cosmos72/gomacro/fast"
)

// worker is the goroutine that owns the interpreter: what is interpreted must run where its interrupts are
// looked for. It ends when a cell ends its goroutine (runtime.Goexit), and a session leaves it when a cell
// waits in it for what no interrupt reaches; another takes its place, with all that cells have declared.
type worker struct {
	work chan func()
	done chan struct{} // closed when the goroutine has ended
	left chan struct{} // closed when the session goes on without it
	id   atomic.Int64  // of the goroutine
}

// employ starts a worker that runs first before anything else.
func employ(first func()) *worker {
	w := &worker{work: make(chan func()), done: make(chan struct{}), left: make(chan struct{})}
	begun := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(w.done)
		w.id.Store(goroutine())
		first()
		close(begun)
		for f := range w.work {
			f()
		}
	}()
	select {
	case <-begun:
	case <-w.done:
	}
	return w
}

// errGoexit is what a cell fails with that ends its goroutine.
var errGoexit = errors.New("runtime.Goexit ended the cell (in a goroutine of its own it ends that; elsewhere return does)")

// errLeft is what a cell fails with whose goroutine the session leaves.
var errLeft = errors.New("the cell was left")

// do runs f on the interpreter's goroutine. An error says that it did not come to its end.
func (s *Session) do(f func()) error {
	w := s.worker.Load()
	done := make(chan struct{})
	select {
	case w.work <- func() { f(); close(done) }:
	case <-w.done:
		return errGoexit
	}
	select {
	case <-done:
		return nil
	case <-w.left:
		return errLeft
	case <-w.done:
		select {
		case <-done:
			return nil
		default:
		}
		s.succeed(s.e.Interp())
		return errGoexit
	}
}

// leave has the session go on without the goroutine of the running cell. What the cell did stays; new names
// go into an interpreter inside the old one, since the old one's top level is where the cell still stands.
func (s *Session) leave(w *worker) {
	old := s.e.Interp()
	s.waiting.Add(1)
	s.succeed(fast.NewInnerInterp(old, "main", "main"))
	close(w.left)
	go func() { // it ends as soon as it comes back
		for {
			select {
			case <-w.done:
				return
			case <-time.After(50 * time.Millisecond):
				old.Interrupt(os.Interrupt)
			}
		}
	}()
}

// succeed puts another worker in the place of the one that has ended, or is left.
func (s *Session) succeed(ir *fast.Interp) {
	s.mu.Lock()
	s.e.SetInterp(ir)
	s.mu.Unlock()
	s.worker.Store(employ(func() { adopt(ir) }))
}

// grab is the builtin that adopt uses.
const grab = "grab\u02b9"

// adopt makes the calling goroutine the one that ir's interrupts reach.
func adopt(ir *fast.Interp) {
	defer func() { _ = recover() }() // the snippet is ours and compiles
	var run *fast.Run
	ir.DeclBuiltin(grab, fast.Builtin{Compile: func(c *fast.Comp, _ fast.Symbol, node *ast.CallExpr) *fast.Call {
		c.Append(func(env *fast.Env) (fast.Stmt, *fast.Env) {
			run = env.Run
			env.IP++
			return env.Code[env.IP], env
		}, node.Pos())
		nothing := fast.UntypedLit{Kind: untyped.Bool, Val: constant.MakeBool(false)}
		return &fast.Call{Fun: &fast.Expr{Lit: fast.Lit{Type: c.TypeOfBool(), Value: nothing}}}
	}})
	ir.Comp.Code.Clear()
	ir.Eval("(func() { " + grab + "() })()")
	ir.PrepareEnv().Run = run
}

// abandoned parks the calling goroutine for good if the session has left it: the session is not its any more.
func (s *Session) abandoned(w *worker) {
	select {
	case <-w.left:
	default:
		return
	}
	s.waiting.Add(-1)
	runtime.UnlockOSThread()
	close(w.done)
	select {}
}

// waits says in which compiled function a worker waits for something, "" if it works or interprets, or if
// the function is one of ours, which look for interrupts themselves.
func (w *worker) waits() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	head := fmt.Appendf(nil, "goroutine %d ", w.id.Load())
	for trace := range bytes.SplitSeq(buf, []byte("\n\n")) {
		if bytes.HasPrefix(trace, head) {
			return waitingIn(string(trace))
		}
	}
	return ""
}

var (
	frame         = regexp.MustCompile(`(?m)^([^\s(].*)\([^()]*\)$`)
	waitingStates = regexp.MustCompile(`^(select|chan |IO wait|semacquire|sleep|syscall|sync\.)`)
	state         = regexp.MustCompile(`^goroutine \d+(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[([^,\]]+)`)
)

// waitingIn reads the trace of a goroutine: the last function of a package that cells import, if it waits.
func waitingIn(trace string) string {
	m := state.FindStringSubmatch(trace)
	if m == nil || !waitingStates.MatchString(m[1]) {
		return ""
	}
	name := ""
	for _, f := range frame.FindAllStringSubmatch(trace, -1) {
		f := f[1]
		switch {
		case strings.HasPrefix(f, "github.com/fastnb/go/kernel/interp."):
			return name
		case strings.HasPrefix(f, "github.com/fastnb/go/"):
			return "" // it looks for interrupts itself
		case strings.HasPrefix(f, "github.com/cosmos72/gomacro/"):
			return name
		case strings.HasPrefix(f, "runtime."), strings.HasPrefix(f, "reflect."), strings.HasPrefix(f, "internal/"), strings.HasPrefix(f, "syscall."):
		default:
			name = f
		}
	}
	return name
}

// goroutine is the number of the calling goroutine, as traces have it.
func goroutine() int64 {
	buf := make([]byte, 64)
	text := strings.TrimPrefix(string(buf[:runtime.Stack(buf, false)]), "goroutine ")
	n, _ := strconv.ParseInt(text[:strings.IndexByte(text, ' ')], 10, 64)
	return n
}

package kernel

import (
	"context"
	"errors"
	"log"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fastnb/go/datasets"
	"github.com/fastnb/go/kernel/interp"
	"github.com/fastnb/go/kernel/wire"
)

// kernel is one running kernel.
type kernel struct {
	w       *wire.Sockets
	s       *interp.Session
	log     *log.Logger
	c       wire.Connection
	queue   chan *wire.Message // of the shell, in order
	count   int
	history *history
	stdin   chan *wire.Message
	asking  sync.Mutex
	quit    context.CancelFunc
	once    sync.Once
	opened  atomic.Bool // the session is there
	note    *crash
	before  string // why the kernel before this one died, until it has been told

	commParent atomic.Pointer[wire.Message] // what a comm's handler answers
}

// Run serves the connection that a file describes until the front end says to shut down or ctx
// ends.
func Run(ctx context.Context, connectionFile string) error {
	c, err := wire.ReadConnection(connectionFile)
	if err != nil {
		return err
	}
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	logger := log.New(interp.RealStderr(), "fastnb: kernel: ", log.LstdFlags)
	w, err := wire.Listen(c, logger)
	if err != nil {
		return err
	}
	defer w.Close()
	note, before := openCrash(connectionFile)
	defer note.peace()
	k := &kernel{note: note, before: before, w: w, c: c, queue: make(chan *wire.Message, 1<<14), stdin: make(chan *wire.Message, 1), quit: quit, log: logger}
	defer k.carryComms(connectionFile)()
	k.publish("status", nil, msg{"execution_state": "starting"})
	k.history = openHistory(datasets.Home().String(), func(err error) { k.log.Print(err) })
	go k.receive(w.Shell, func(m *wire.Message) {
		if m.Header.MsgType == "interrupt_request" && k.opened.Load() {
			k.handle(w.Shell, m) // VS Code sends it here: in line it would wait for the cell that it is to stop
			return
		}
		k.queue <- m
	})
	k.signals(ctx)
	k.watchParent(ctx)
	first, err := k.open()
	if err != nil {
		return err
	}
	k.opened.Store(true)
	defer k.s.Close()
	go k.receive(w.Control, func(m *wire.Message) { k.handle(w.Control, m) })
	go k.receive(w.Stdin, func(m *wire.Message) {
		if m.Header.MsgType != "input_reply" {
			return
		}
		select {
		case k.stdin <- m:
		default: // nobody has asked
		}
	})
	if first != nil {
		k.shell(first)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-k.queue:
			k.shell(m)
		}
	}
}

type msg = map[string]any

func (k *kernel) receive(s *wire.Socket, f func(*wire.Message)) {
	for {
		m, err := k.w.Recv(s)
		switch {
		case errors.Is(err, wire.ErrBad):
			k.log.Print("dropped a message: ", err)
		case err != nil:
			return
		default:
			f(m)
		}
	}
}

func (k *kernel) publish(typ string, parent *wire.Message, content any) {
	if err := k.w.Publish(typ, parent, content); err != nil {
		k.log.Printf("publishing %s: %v", typ, err)
	}
}

func (k *kernel) reply(s *wire.Socket, to *wire.Message, content any) {
	typ := strings.TrimSuffix(to.Header.MsgType, "_request") + "_reply"
	if err := k.w.Reply(s, to, typ, content); err != nil {
		k.log.Printf("sending %s: %v", typ, err)
	}
}

// shell handles a request of the shell socket; requests wait for each other.
func (k *kernel) shell(m *wire.Message) {
	if m.Header.MsgType == "execute_request" {
		k.execute(m)
		return
	}
	k.handle(k.w.Shell, m)
}

// open makes the session. A front end that starts a kernel asks first what kernel it is, and waits for that:
// it is answered meanwhile. The first request of another kind is given back, for when the session is there.
func (k *kernel) open() (first *wire.Message, err error) {
	made := make(chan error, 1)
	go func() {
		var err error
		k.s, err = interp.New(interp.Options{Capture: true})
		made <- err
	}()
	for queue := k.queue; ; {
		select {
		case err := <-made:
			return first, err
		case m := <-queue:
			if m.Header.MsgType == "kernel_info_request" {
				k.handle(k.w.Shell, m)
				continue
			}
			first, queue = m, nil
		}
	}
}

// shutdown ends Run; if a cell cannot be interrupted, it ends the process.
func (k *kernel) shutdown() {
	k.once.Do(func() {
		k.quit()
		k.note.peace()
		time.AfterFunc(2*time.Second, func() { os.Exit(0) })
	})
}

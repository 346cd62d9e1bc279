package interp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fastnb/go/cell"
	"github.com/fastnb/go/kernel/bind"
	"github.com/fastnb/go/kernel/lang"
)

// replaceFunctions puts functions of ours in the place of those that would hold up or end the
// process that all cells share.
var replaceFunctions = sync.OnceFunc(func() {
	bind.Replace("time", "Sleep", sleep)
	replaceScanning()
	replaceServing()
	bind.Replace("os", "Exit", func(code int) {
		panic(fmt.Sprintf("os.Exit(%d) would end the kernel (try return, or the notebook's own way to shut it down)", code))
	})
	bind.Replace("log", "Fatal", func(v ...any) { fatal(fmt.Sprint(v...)) })
	bind.Replace("log", "Fatalln", func(v ...any) { fatal(fmt.Sprintln(v...)) })
	bind.Replace("log", "Fatalf", func(format string, v ...any) { fatal(fmt.Sprintf(format, v...)) })
	bind.Replace("runtime", "Goexit", goexit)
	bind.Replace("time", "AfterFunc", func(d time.Duration, f func()) *time.Timer {
		return time.AfterFunc(d, caught("time.AfterFunc", f))
	})
	bind.Replace("context", "AfterFunc", func(ctx context.Context, f func()) func() bool {
		return context.AfterFunc(ctx, caught("context.AfterFunc", f))
	})
	bind.Replace("strings", "Repeat", func(s string, n int) string {
		affordable(len(s), n)
		return strings.Repeat(s, n)
	})
	bind.Replace("strings", "Join", func(list []string, sep string) string {
		n := len(sep) * len(list)
		for _, s := range list {
			n += len(s)
		}
		affordable(1, n)
		return strings.Join(list, sep)
	})
	bind.Replace("bytes", "Repeat", func(b []byte, n int) []byte {
		affordable(len(b), n)
		return bytes.Repeat(b, n)
	})
})

// replaceServing has what serves, fetches and runs programs end when the cell is interrupted.
func replaceServing() {
	serve := func(s *http.Server, run func() error) error {
		stop := context.AfterFunc(cell.Context(), func() { _ = s.Close() })
		defer stop()
		err := run()
		if cell.Interrupted() != nil {
			lang.Stop()
		}
		return err
	}
	bind.Replace("net/http", "ListenAndServe", func(addr string, h http.Handler) error {
		s := &http.Server{Addr: addr, Handler: h} //nolint:gosec // as net/http makes it
		return serve(s, s.ListenAndServe)
	})
	bind.Replace("net/http", "ListenAndServeTLS", func(addr, cert, key string, h http.Handler) error {
		s := &http.Server{Addr: addr, Handler: h} //nolint:gosec // as net/http makes it
		return serve(s, func() error { return s.ListenAndServeTLS(cert, key) })
	})
	bind.Replace("net/http", "Serve", func(l net.Listener, h http.Handler) error {
		s := &http.Server{Handler: h} //nolint:gosec // as net/http makes it
		return serve(s, func() error { return s.Serve(l) })
	})
	fetch := func(method, url, kind string, body io.Reader) (*http.Response, error) {
		r, err := http.NewRequestWithContext(cell.Context(), method, url, body)
		if err != nil {
			return nil, err
		}
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		return http.DefaultClient.Do(r)
	}
	bind.Replace("net/http", "Get", func(url string) (*http.Response, error) { return fetch("GET", url, "", nil) })
	bind.Replace("net/http", "Head", func(url string) (*http.Response, error) { return fetch("HEAD", url, "", nil) })
	bind.Replace("net/http", "Post", func(url, kind string, body io.Reader) (*http.Response, error) {
		return fetch("POST", url, kind, body)
	})
	bind.Replace("net/http", "PostForm", func(u string, data url.Values) (*http.Response, error) {
		return fetch("POST", u, "application/x-www-form-urlencoded", strings.NewReader(data.Encode()))
	})
	bind.Replace("os/exec", "Command", func(name string, args ...string) *exec.Cmd {
		return exec.CommandContext(cell.Context(), name, args...)
	})
}

// latest is the session that began last: one process has one, except in tests.
var latest atomic.Pointer[Session]

// caught is f for a goroutine that is not the cell's: its panic fails the running cell, not the process.
func caught(where string, f func()) func() {
	return func() {
		defer func() {
			if r := recover(); r != nil {
				latest.Load().panicked(fmt.Sprintf("%s: %v", where, r), lang.Place{})
			}
		}()
		f()
	}
}

// goexit is runtime.Goexit for cells: in the goroutine that runs all cells, it fails the cell.
func goexit() {
	if goroutine() == latest.Load().worker.Load().id.Load() {
		panic(errGoexit)
	}
	exiting.Store(goroutine(), true) // the interpreter takes it for a panic on its way out
	runtime.Goexit()
}

// exiting holds the goroutines that end by Goexit.
var exiting sync.Map

// affordable panics, as Go does where a length is out of range, before n things of so many bytes each ask for
// more memory than the machine has: Go would end the process.
func affordable(size, n int) {
	if size <= 0 || n <= 0 {
		return
	}
	want := float64(size) * float64(n)
	if want <= 64<<20 {
		return
	}
	m := latest.Load().memory
	free := func() float64 { return float64(max(m.free()-m.reserve(), 0)) }
	if want <= free() {
		return
	}
	debug.FreeOSMemory() // what the cell has let go of may be enough
	if f := free(); want > f {
		panic(fmt.Errorf("out of memory: %.1f GB wanted at once, %.1f GB are free", want/(1<<30), f/(1<<30)))
	}
}

// fatal logs and fails the cell.
func fatal(message string) {
	log.Print(message)
	panic(message)
}

// sleep is time.Sleep that an interrupt ends.
func sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-cell.Context().Done():
		lang.Stop()
	}
}

package interp

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestCellsCannotTakeTheKernelAlong runs what would end a Go program, or leave a session useless: the cell
// fails, with words that say why, and the session goes on.
func TestCellsCannotTakeTheKernelAlong(t *testing.T) {
	s := printing(t)
	if r := s.Run(context.Background(), "import (\"runtime\"; \"sync\"; \"context\"; \"bytes\")\nkept := 42", RunOptions{}, &recorder{}); r.Err != nil {
		t.Fatal(r.Err)
	}
	for _, c := range []struct{ name, code, want string }{
		{"standard output nil", "os.Stdout = nil", ""},
		{"standard error nil", "os.Stderr = nil", ""},
		{"standard output closed", "os.Stdout.Close()", ""},
		{"Goexit", "runtime.Goexit()", "runtime.Goexit ended the cell"},
		{"Goexit in a function", "func quit() { defer fmt.Print(\"d\"); runtime.Goexit() }\nquit()", "runtime.Goexit ended the cell"},
		{"Goexit in a goroutine", "done := make(chan bool)\ngo func() { defer close(done); runtime.Goexit() }()\n<-done", ""},
		{"panic of a timer", "time.AfterFunc(time.Millisecond, func() { panic(\"tick\") })\ntime.Sleep(100 * time.Millisecond)", "time.AfterFunc: tick"},
		{"panic after a context", "ctx1, stop1 := context.WithCancel(context.Background())\ncontext.AfterFunc(ctx1, func() { panic(\"over\") })\nstop1()\ntime.Sleep(100 * time.Millisecond)", "context.AfterFunc: over"},
		{"panic of WaitGroup.Go", "var wg5 sync.WaitGroup\nwg5.Go(func() { panic(\"inside\") })\nwg5.Wait()\ntime.Sleep(50 * time.Millisecond)", "a goroutine panicked: inside"},
		{"a slice of a tebibyte", "b1 := make([]byte, 1<<40)", "out of memory: 1024.0 GB wanted"},
		{"a slice of large things", "n1 := 1 << 30\nb2 := make([][1 << 20]byte, 3, n1)", "out of memory"},
		{"a map of a tebibyte", "m1 := make(map[int]int, 1<<40)", "out of memory"},
		{"a channel of a tebibyte", "c1 := make(chan [1024]int, 1<<36)", "out of memory"},
		{"a slice with a negative length", "n2 := -1\nb3 := make([]byte, n2)", "makeslice: len out of range"},
		{"a text of a tebibyte", "t1 := strings.Repeat(\"x\", 1<<40)", "out of memory"},
		{"bytes of a tebibyte", "t2 := bytes.Repeat([]byte(\"xy\"), 1<<40)", "out of memory"},
		{"a text repeated less than never", "strings.Repeat(\"x\", -1)", "negative Repeat count"},
		{"String that calls itself", "type S1 struct{ n int }\nfunc (s S1) String() string { var x fmt.Stringer = s; return \"<\" + x.String() + \">\" }\nS1{1}.String()", "stack overflow"},
		{"String that prints itself", "type S2 struct{ n int }\nfunc (s S2) String() string { return fmt.Sprintf(\"<%v>\", s) }\nfmt.Println(S2{1})", "stack overflow"},
		{"Error that calls itself", "type E1 struct{}\nfunc (e *E1) Error() string { var x error = e; return x.Error() + \"!\" }\n(&E1{}).Error()", "stack overflow"},
		{"negative wait group", "var wg1 sync.WaitGroup\nwg1.Done()", "negative WaitGroup counter"},
		{"closed twice", "c2 := make(chan int)\nclose(c2)\nclose(c2)", "close of closed channel"},
		{"exit", "os.Exit(1)", "os.Exit(1) would end the kernel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := s.Run(context.Background(), c.code, RunOptions{}, &recorder{})
			if got := fmt.Sprint(r.Err); r.Err == nil && c.want != "" || !strings.Contains(got, c.want) || r.Err != nil && c.want == "" {
				t.Errorf("%s\nends with %v, want %q", c.code, got, c.want)
			}
			var out recorder
			r = s.Run(context.Background(), "fmt.Println(\"out\", kept)\nfunc() int { return kept }()", RunOptions{}, &out)
			if r.Err != nil || out.text.String() != "out 42\n" || r.Data["text/plain"] != "42" {
				t.Errorf("afterwards: %v, %q, %v", r.Err, out.text.String(), r.Data)
			}
		})
	}
}

// TestStandardStreamsLost: a stream that a cell closes or forgets is there again in the next one, whatever files are
// opened meanwhile and whatever the collector closes.
func TestStandardStreamsLost(t *testing.T) {
	s := printing(t)
	stop, ended := make(chan bool), make(chan bool)
	go func() { // takes the numbers of descriptors that come free
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if f, err := os.Open(os.DevNull); err == nil {
				_ = f.Close()
			}
		}
	}()
	for i := range 25 {
		for _, code := range []string{"os.Stdout = nil", "os.Stdout.Close()", "os.Stderr = nil", "os.Stderr.Close()"} {
			if r := s.Run(context.Background(), code, RunOptions{}, &recorder{}); r.Err != nil {
				t.Fatalf("%s: %v", code, r.Err)
			}
			runtime.GC()
			var out recorder
			if r := s.Run(context.Background(), "fmt.Print(\"out\")\nfmt.Fprint(os.Stderr, \"err\")", RunOptions{}, &out); r.Err != nil || !strings.Contains(out.text.String(), "out") {
				t.Fatalf("round %d, after %s: %v, %q", i, code, r.Err, out.text.String())
			}
		}
	}
	close(stop)
	<-ended
}

// TestInterruptedCellsAreLeft: what waits in a compiled call that no interrupt reaches is left behind, and the
// session goes on with everything that cells declared.
func TestInterruptedCellsAreLeft(t *testing.T) {
	s := stoppable(t)
	cells(t, s, "import (\"sync\"; \"os/exec\"; \"net/http\"; \"io\")\nkept := []int{1, 2}\ntype Kept struct{ N int }\nfunc (k Kept) Twice() int { return 2 * k.N }\nfunc add(n int) int { kept = append(kept, n); return len(kept) }\nvar mu sync.Mutex\nmu.Lock()")
	late := "time.AfterFunc(50*time.Millisecond, stopNow)\n"
	cells(t, s, "import \"net\"\nlistener := net.Listen(\"tcp\", \"127.0.0.1:0\")\nstarted := make(chan net.Addr, 1)")
	for i, c := range []struct{ name, code, want string }{
		{"Accept", late + "listener.Accept()", "waits in net.(*TCPListener).Accept"},
		{"Accept in a function", "func accepts(l net.Listener) net.Conn { c, _ := l.Accept(); return c }\n" + late + "accepts(listener)", "waits in net.(*TCPListener).Accept"},
		{"Read of a connection", late + "conn := net.Dial(\"tcp\", listener.Addr().String())\nconn.Read(make([]byte, 1))", "waits in net.(*"},
		{"a datagram", late + "udp := net.ListenPacket(\"udp\", \"127.0.0.1:0\")\nudp.ReadFrom(make([]byte, 1))", "waits in net.(*UDPConn).ReadFrom"},
		{"WaitGroup", late + "var wg sync.WaitGroup\nwg.Add(1)\nwg.Wait()", "waits in sync.(*WaitGroup).Wait"},
		{"Mutex", late + "mu.Lock()", "waits in sync.(*Mutex).Lock"},
		{"in a function", "func locked() { defer fmt.Print(\"d\"); mu.Lock() }\n" + late + "locked()", "waits in sync.(*Mutex).Lock"},
		{"Cond", late + "var m2 sync.Mutex\nm2.Lock()\nsync.NewCond(&m2).Wait()", "waits in sync.(*Cond).Wait"},
		{"a pipe", late + "pr, pw := io.Pipe()\nb9 := make([]byte, 1)\npr.Read(b9)\npw.Close()", "waits in io.(*PipeReader).Read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			r := s.Run(context.Background(), c.code, RunOptions{}, &recorder{})
			for wait := 400; wait < 10000 && r.Err != nil && r.Err.Interrupted && !strings.Contains(r.Err.Value, c.want); wait *= 5 {
				// On a loaded machine the interrupt may have come before the cell had reached its wait.
				r = s.Run(context.Background(), strings.Replace(c.code, "50*", fmt.Sprint(wait)+"*", 1), RunOptions{}, &recorder{})
			}
			if r.Err == nil || !r.Err.Interrupted || !strings.Contains(r.Err.Value, c.want) {
				t.Errorf("ends with %v, want %q", r.Err, c.want)
			}
			if d := time.Since(start); d > 20*time.Second {
				t.Errorf("ended after %v", d)
			}
			if i > 0 && !strings.Contains(r.Err.Hint, "more") {
				t.Errorf("does not count what was left: %s", r.Err.Hint)
			}
			if got := cells(t, s, fmt.Sprintf("n%d := add(3)\nfmt.Sprint(n%d, kept[0], Kept{4}.Twice(), func() int { return n%d }())", i, i, i)); got != fmt.Sprint(i+3, 1, 8, i+3) {
				t.Errorf("afterwards: %s", got)
			}
			stops(t, s, late+"func forever() { for { } }\nforever()")
		})
	}
	// What was left ends when it can, and does nothing more.
	cells(t, s, "ran := 0\nvar wg2 sync.WaitGroup\nwg2.Add(1)")
	r := s.Run(context.Background(), late+"wg2.Wait()\nran++", RunOptions{}, &recorder{})
	if r.Err == nil {
		t.Fatal("not left")
	}
	n := s.waiting.Load()
	cells(t, s, "wg2.Done()")
	for range 500 {
		if s.waiting.Load() < n {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := cells(t, s, "ran"); got != "0" || s.waiting.Load() >= n {
		t.Errorf("a cell that was left went on: %s, %d wait of %d", got, s.waiting.Load(), n)
	}
}

// TestInterruptServers: servers, requests and programs end with the cell.
func TestInterruptServers(t *testing.T) {
	s := stoppable(t)
	cells(t, s, "import (\"os/exec\"; \"net/http\")")
	late := "time.AfterFunc(100*time.Millisecond, stopNow)\n"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	stops(t, s, late+"http.ListenAndServe(\""+addr+"\", nil)")
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Error("the server goes on:", err)
	} else {
		_ = l.Close()
	}
	slow := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })}
	if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	go func() { _ = slow.Serve(l) }()
	defer slow.Close()
	stops(t, s, late+"http.Get(\"http://"+l.Addr().String()+"\")")
	if runtime.GOOS == "windows" {
		return
	}
	start := time.Now()
	stops(t, s, late+"exec.Command(\"sleep\", \"31\").Run()")
	if d := time.Since(start); d > 15*time.Second {
		t.Errorf("the program ended after %v", d)
	}
	if got := cells(t, s, "hi := exec.Command(\"echo\", \"hi\").Output()\nstring(hi)"); got != "hi" {
		t.Errorf("afterwards: %q", got)
	}
}

func TestWaitingIn(t *testing.T) {
	const interp = "\ngithub.com/cosmos72/gomacro/fast.call(0x1)\n\t/x.go:1\n"
	for trace, want := range map[string]string{
		"goroutine 5 [sync.WaitGroup.Wait, locked to thread]:\nsync.runtime_SemacquireWaitGroup(0x1)\n\t/a.go:1\nsync.(*WaitGroup).Wait(0xc0)\n\t/b.go:2" + interp:                     "sync.(*WaitGroup).Wait",
		"goroutine 5 [running]:\nmath/big.nat.mul({0x1, 0x2})\n\t/a.go:1" + interp:                                                                                                     "",
		"goroutine 5 [select]:\nruntime.gopark()\n\t/a.go:1\ngithub.com/fastnb/go/fastnb/data.(*Loader).next(0x1)\n\t/b.go:1" + interp:                                                 "",
		"goroutine 5 [IO wait, 2 minutes]:\ninternal/poll.(*FD).Accept(0x1)\n\t/a.go:1\nnet.(*netFD).accept(0x1)\n\t/b\nnet/http.(*Server).Serve(0x1, {0x2, 0x3})\n\t/c.go:1" + interp: "net/http.(*Server).Serve",
	} {
		if got := waitingIn(trace); got != want {
			t.Errorf("%s\nwaits in %q, want %q", trace, got, want)
		}
	}
}

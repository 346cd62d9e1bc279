package kernel

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"

	"github.com/fastnb/go/kernel/wire"
)

// client is a front end: it sends requests and gathers what comes back.
type client struct {
	t              *testing.T
	sign           wire.Signer
	shell, control zmq4.Socket
	stdin          zmq4.Socket
	answer         string // to every question; "" gives none
	prompts        string // of the questions
	iopub          chan *wire.Message
	replies        chan *wire.Message
	addrs          []string                 // of the kernel's sockets
	ipc            string                   // what their files' names begin with
	early          map[string]*wire.Message // replies that nobody has asked for yet, by the request's id
}

func ports(t *testing.T, n int) (out []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out
}

// start runs a kernel in this process and connects to it.
func start(t *testing.T, transport string) *client {
	t.Helper()
	t.Setenv("FASTNB_HOME", t.TempDir())
	return newAddress(t, transport).connect(t, Run)
}

// address is where a kernel can be.
type address struct {
	wire.Connection
	file  string
	ports []int
}

func newAddress(t *testing.T, transport string) *address {
	t.Helper()
	c := wire.Connection{SignatureScheme: "hmac-sha256", Transport: transport, IP: "127.0.0.1", Key: "k"}
	p := ports(t, 5)
	if transport == "ipc" {
		c.IP = filepath.Join(t.TempDir(), "s")
		p = []int{1, 2, 3, 4, 5}
	}
	c.ShellPort, c.ControlPort, c.StdinPort, c.IOPubPort, c.HBPort = p[0], p[1], p[2], p[3], p[4]
	js, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "connection.json")
	if err := os.WriteFile(file, js, 0o600); err != nil {
		t.Fatal(err)
	}
	return &address{c, file, p}
}

// connect has run be the kernel there and connects to it.
func (a *address) connect(t *testing.T, run func(ctx context.Context, file string) error) *client {
	t.Helper()
	c, p, transport := a.Connection, a.ports, a.Transport
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, a.file) }()
	cl := &client{t: t, sign: wire.Signer{Key: []byte("k")}, iopub: make(chan *wire.Message, 100000), replies: make(chan *wire.Message, 20000), early: map[string]*wire.Message{}}
	addr := func(port int) string {
		if transport == "ipc" {
			return "ipc://" + c.IP + "-" + string(rune('0'+port))
		}
		return "tcp://127.0.0.1:" + itoa(port)
	}
	cl.shell, cl.control = zmq4.NewDealer(ctx, zmq4.WithID([]byte("me"))), zmq4.NewDealer(ctx, zmq4.WithID([]byte("me")))
	cl.stdin = zmq4.NewDealer(ctx, zmq4.WithID([]byte("me")))
	cl.ipc = c.IP
	sub := zmq4.NewSub(ctx)
	for _, port := range p {
		cl.addrs = append(cl.addrs, "127.0.0.1:"+itoa(port))
	}
	for s, port := range map[zmq4.Socket]int{cl.shell: c.ShellPort, cl.control: c.ControlPort, cl.stdin: c.StdinPort, sub: c.IOPubPort} {
		for try := 0; ; try++ {
			if err := s.Dial(addr(port)); err == nil {
				break
			} else if try > 1000 {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	if err := sub.SetOption(zmq4.OptionSubscribe, ""); err != nil {
		t.Fatal(err)
	}
	go cl.read(sub, cl.iopub)
	go cl.read(cl.shell, cl.replies)
	questions := make(chan *wire.Message)
	go cl.read(cl.stdin, questions)
	go cl.answers(questions)
	go cl.read(cl.control, cl.replies)
	defer cl.subscribed()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the kernel did not end")
		}
	})
	return cl
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func (c *client) read(s zmq4.Socket, to chan<- *wire.Message) {
	for {
		z, err := s.Recv()
		if err != nil {
			return
		}
		if m, err := c.sign.Decode(z.Frames); err == nil {
			to <- m
		}
	}
}

// answers answers what the kernel asks.
func (c *client) answers(questions <-chan *wire.Message) {
	for m := range questions {
		c.prompts += m.String("prompt") + " " + strconv.FormatBool(m.Bool("password", false)) + ";"
		if c.answer == "" {
			continue
		}
		f, err := c.sign.Encode(nil, wire.Header{MsgID: wire.NewID(), MsgType: "input_reply"}, m, map[string]any{"value": c.answer})
		if err == nil {
			_ = c.stdin.SendMulti(zmq4.NewMsgFrom(f...))
		}
	}
}

// send sends a request and gives its id.
func (c *client) send(s zmq4.Socket, typ string, content any) string {
	c.t.Helper()
	id := wire.NewID()
	f, err := c.sign.Encode(nil, wire.Header{MsgID: id, Session: "s", MsgType: typ, Version: wire.Protocol}, nil, content)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := s.SendMulti(zmq4.NewMsgFrom(f...)); err != nil {
		c.t.Fatal(err)
	}
	return id
}

// patience is how long a test waits for a message before it fails: a loaded machine is slow.
const patience = time.Minute

// subscribed waits until what is published arrives: a subscription takes a moment to reach the other side.
func (c *client) subscribed() {
	c.t.Helper()
	for start := time.Now(); time.Since(start) < patience; {
		id := c.send(c.shell, "kernel_info_request", map[string]any{})
		c.reply(id)
		for soon := time.After(200 * time.Millisecond); soon != nil; {
			select {
			case m := <-c.iopub:
				if m.Parent.MsgID == id && m.String("execution_state") == "idle" {
					return
				}
			case <-soon:
				soon = nil
			}
		}
	}
	c.t.Fatal("nothing that is published arrives")
}

// reply waits for the answer to the request of that id, on whichever socket.
func (c *client) reply(id string) *wire.Message {
	c.t.Helper()
	late := time.After(patience)
	for {
		if m := c.early[id]; m != nil {
			delete(c.early, id)
			return m
		}
		select {
		case m := <-c.replies:
			c.early[m.Parent.MsgID] = m
		case <-late:
			c.t.Fatalf("no reply to %s", id)
		}
	}
}

// run executes code and gathers what is published for it, as "type text" lines, up to its idle status.
func (c *client) run(code string) (outputs []string, reply *wire.Message) {
	c.t.Helper()
	id := c.send(c.shell, "execute_request", map[string]any{"code": code})
	reply = c.reply(id)
	late := time.After(patience)
	for {
		select {
		case m := <-c.iopub:
			switch {
			case m.Parent.MsgID != id, m.Header.MsgType == "execute_input":
			case m.Header.MsgType == "status":
				if m.String("execution_state") == "idle" {
					return outputs, reply
				}
			default:
				data, _ := m.Content["data"].(map[string]any)
				text, _ := data["text/plain"].(string)
				outputs = append(outputs, m.Header.MsgType+" "+m.String("text")+text+m.String("evalue"))
			}
		case <-late:
			c.t.Fatalf("no idle status; so far %q", outputs)
		}
	}
}

// awaitStream waits until the cell of a request prints something.
func (c *client) awaitStream(id string) {
	c.t.Helper()
	late := time.After(patience)
	for {
		select {
		case m := <-c.iopub:
			if m.Parent.MsgID == id && m.Header.MsgType == "stream" {
				return
			}
		case <-late:
			c.t.Fatalf("the cell of %s prints nothing", id)
		}
	}
}

func TestKernel(t *testing.T) {
	transports := []string{"tcp", "ipc"}
	if runtime.GOOS == "windows" {
		transports = transports[:1]
	}
	for _, transport := range transports {
		t.Run(transport, func(t *testing.T) { conversation(t, start(t, transport)) })
	}
}

func conversation(t *testing.T, c *client) {
	if m := c.reply(c.send(c.control, "kernel_info_request", map[string]any{})); m.String("protocol_version") != wire.Protocol {
		t.Errorf("kernel info %v", m.Content)
	}
	check := func(code string, want ...string) {
		t.Helper()
		got, _ := c.run(code)
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q gives %q, want %q", code, got, want)
		}
	}
	check("1+1", "execute_result 2")
	check("fmt.Print(\"a\")\nDisplay(display.MakeData(\"text/plain\", \"b\"))\nfmt.Print(\"c\")", "stream a", "display_data b", "stream c")
	check("h := cell.NewDisplay(map[string]any{\"text/plain\": \"0\"})\nh.Update(map[string]any{\"text/plain\": \"1\"})", "display_data 0", "update_display_data 1")
	check("x := strconv.Atoi(\"y\")", `error strconv.Atoi: parsing "y": invalid syntax`)
	// What is not a message, or not ours, is dropped.
	if err := c.shell.SendMulti(zmq4.NewMsgFrom([]byte("garbage"), []byte("<IDS|MSG>"), []byte("x"))); err != nil {
		t.Fatal(err)
	}
	wrong := wire.Signer{Key: []byte("other")}
	f, _ := wrong.Encode(nil, wire.Header{MsgType: "execute_request"}, nil, map[string]any{"code": "1"})
	if err := c.shell.SendMulti(zmq4.NewMsgFrom(f...)); err != nil {
		t.Fatal(err)
	}
	check("2+2", "execute_result 4")
	for _, socket := range []zmq4.Socket{c.control, c.shell} { // VS Code sends it on the shell
		loop := c.send(c.shell, "execute_request", map[string]any{"code": "fmt.Println(1)\nfor {}"})
		behind := c.send(c.shell, "execute_request", map[string]any{"code": "99"})
		c.awaitStream(loop) // it runs
		stop := c.send(socket, "interrupt_request", map[string]any{})
		for id, want := range map[string]string{stop: "interrupt_reply ok", loop: "execute_reply error", behind: "execute_reply aborted"} {
			if m := c.reply(id); m.Header.MsgType+" "+m.String("status") != want {
				t.Errorf("reply %s %s, want %s", m.Header.MsgType, m.String("status"), want)
			}
		}
		check("3+3", "execute_result 6")
	}
}

func TestInstall(t *testing.T) {
	prefix := t.TempDir()
	for range 2 { // again over itself
		dir, err := Install(InstallOptions{Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
		if err != nil || !strings.Contains(string(b), `"Go (fastnb)"`) || !strings.Contains(string(b), "{connection_file}") {
			t.Errorf("kernel.json %s, error %v", b, err)
		}
		if e, _ := os.ReadDir(filepath.Dir(dir)); len(e) != 1 {
			t.Errorf("left behind: %v", e)
		}
	}
	if runtime.GOOS != "windows" && os.Getuid() != 0 {
		if _, err := Install(InstallOptions{Prefix: "/proc/nowhere"}); err == nil {
			t.Error("installed into a folder that cannot be made")
		}
	}
}

package kernel

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// greet connects to a socket of the kernel and does its side of the handshake by hand.
func greet(t *testing.T, addr, kind string) *zmq4.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	z, err := zmq4.Open(conn, null.Security(), zmq4.SocketType(kind), nil, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestFrameTooLong: a frame that claims more bytes than any machine has ends that client's connection only.
func TestFrameTooLong(t *testing.T) {
	c := start(t, "tcp")
	for _, n := range []uint64{1 << 40, 1<<62 + 1, 1<<64 - 1} {
		conn := greet(t, c.addrs[0], "DEALER")
		if _, err := conn.Write(append([]byte{2}, binary.BigEndian.AppendUint64(nil, n)...)); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := c.run("6 * 7"); strings.Join(got, "|") != "execute_result 42" {
		t.Errorf("published %q", got)
	}
}

// TestMuteClient: a client that connects and says nothing keeps nobody waiting.
func TestMuteClient(t *testing.T) {
	c := start(t, "tcp")
	for _, addr := range c.addrs {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	time.Sleep(50 * time.Millisecond) // it is the first in the line
	done := make(chan *zmq4.Conn, 1)
	go func() { done <- greet(t, c.addrs[3], "SUB") }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the next client waits behind it")
	}
}

// TestStalledClient: a client that does not read what is published keeps nothing from the others. When it
// reads at last it finds how the cell ended; what it lost is the oldest output.
func TestStalledClient(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 100 MB")
	}
	c := start(t, "tcp")
	stalled := greet(t, c.addrs[3], "SUB")
	if _, err := stalled.Write([]byte{0, 1, 1}); err != nil { // subscribes to all
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	const shown = 100
	got, _ := c.run("fmt.Println(\"go\")\nline := strings.Repeat(\"x\", 1<<20)\nfor i := range " + itoa(shown) + " { Display(display.MakeData(\"text/plain\", line + strconv.Itoa(i))) }\nfmt.Println(\"end\")")
	if len(got) != shown+2 {
		t.Errorf("the other client got %d messages, want %d", len(got), shown+2)
	}
	last, displays := "", 0
	for {
		z, err := stalled.RecvMsg()
		if err != nil {
			t.Fatal(err)
		}
		m, err := c.sign.Decode(z.Frames)
		if err != nil {
			t.Fatal(err)
		}
		switch m.Header.MsgType {
		case "display_data":
			displays++
			data, _ := m.Content["data"].(map[string]any)
			text, _ := data["text/plain"].(string)
			last = strings.TrimLeft(text, "x")
		case "stream":
			last = m.String("text")
		}
		if m.String("execution_state") == "idle" {
			break
		}
	}
	if last != "end\n" || displays == shown || displays < shown/4 {
		t.Errorf("the stalled client got %d of %d displays and at last %q", displays, shown, last)
	}
}

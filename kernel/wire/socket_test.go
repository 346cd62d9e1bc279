package wire

import (
	"bytes"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestShed: a queue that is too long loses its oldest spare messages first, then the oldest of all, never
// the newest.
func TestShed(t *testing.T) {
	mega := bytes.Repeat([]byte{1}, 1<<20)
	for _, c := range []struct {
		name       string
		spare      func(i int) bool
		n          int
		lost, last int
	}{
		{"all fits", func(int) bool { return true }, 60, 0, 0},
		{"spare first", func(i int) bool { return i >= 10 }, 70, 17, 0},
		{"nothing spare", func(int) bool { return false }, 70, 17, 17},
		{"too little spare", func(i int) bool { return i < 3 }, 70, 17, 17},
	} {
		p := newPeer(nil, "x")
		for i := range c.n {
			p.send(outgoing{frames: [][]byte{{byte(i)}, mega}, spare: c.spare(i)})
		}
		if first := int(p.queue[0].frames[0][0]); p.lost != c.lost || first != c.last || p.queue[len(p.queue)-1].frames[0][0] != byte(c.n-1) {
			t.Errorf("%s: lost %d, the first is %d; want %d, %d", c.name, p.lost, first, c.lost, c.last)
		}
		size := 0
		for _, o := range p.queue {
			size += o.size()
		}
		if size != p.size {
			t.Errorf("%s: counts %d bytes, has %d", c.name, p.size, size)
		}
	}
	p := newPeer(nil, "x")
	for range 3 * mostMessages {
		p.send(outgoing{frames: [][]byte{{1}}})
	}
	if len(p.queue) > mostMessages {
		t.Errorf("%d messages wait", len(p.queue))
	}
}

// TestSubscriptions: a topic counts as often as it was asked for.
func TestSubscriptions(t *testing.T) {
	p := newPeer(nil, "x")
	for _, c := range []struct {
		frame string
		want  bool
	}{{"\x01ab", true}, {"\x01ab", true}, {"\x00ab", true}, {"\x00ab", false}, {"\x00ab", false}, {"\x01", true}, {"\x02zz", true}, {"\x00", false}, {"", false}} {
		p.subscribe([]byte(c.frame))
		if got := p.subscribed("abc"); got != c.want {
			t.Errorf("after %q subscribed is %t", c.frame, got)
		}
	}
}

// TestBrokenConversations: what does not keep to the protocol is an error, and no more memory is taken than
// bytes came.
func TestBrokenConversations(t *testing.T) {
	hello := string(append(append([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0}, "NULL"...), make([]byte, 48)...))
	ready := string(appendCommand(nil, property([]byte("\x05READY"), "Socket-Type", "DEALER")))
	for _, c := range []struct{ name, sent, want string }{
		{"nothing", "", "EOF"},
		{"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nUser-Agent: somebody\r\n\r\n", "not ZeroMQ"},
		{"old", hello[:10] + "\x01" + hello[11:], "too old"},
		{"mechanism", strings.Replace(hello, "NULL", "PLAI", 1), `mechanism "PLAI"`},
		{"no READY", hello + "\x04\x06\x05ERROR", "want READY"},
		{"message first", hello + "\x00\x01a", "before it is over"},
		{"wrong kind", hello + strings.Replace(ready, "DEALER", "PULLER", 1), "cannot connect"},
		{"command cut", hello + "\x04\x01\x09", "want READY"},
		{"long hello", hello + "\x06\x00\x00\x00\x00\x00\x02\x00\x00", "more than"},
		{"huge", hello + ready + "\x02\xff\xff\xff\xff\xff\xff\xff\xff", "more than"},
		{"claims", hello + ready + "\x02\x00\x00\x00\x00\x3f\xff\xff\xff", "EOF"},
		{"flags", hello + ready + "\x08\x00", "unknown flags"},
		{"command in a message", hello + ready + "\x01\x00\x04\x00", "several frames"},
		{"frames", hello + ready + strings.Repeat("\x01\x00", mostFrames+1), "frames"},
	} {
		rw := struct {
			io.Reader
			io.Writer
		}{strings.NewReader(c.sent), io.Discard}
		_, err := handshake(rw, "ROUTER")
		for err == nil {
			_, _, err = readMessage(rw, longestMessage)
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestStaleFile: a kernel takes the place of a socket's file whose process is gone, not of one in use.
func TestStaleFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s-1")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip("no sockets of this kind here: ", err)
	}
	quiet := log.New(io.Discard, "", 0)
	if _, err := listen("REP", "unix", path, nil, quiet); err == nil {
		t.Error("took the place of a socket in use")
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	s, err := listen("REP", "unix", path, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	s.close(time.Second)
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is left behind")
	}
}

// TestLateSender: what was sent before the socket closed arrives, also at a peer that reads slowly.
func TestLateSender(t *testing.T) {
	s, err := listen("PUB", "tcp", "127.0.0.1:0", nil, log.New(io.Discard, "", 0))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", s.l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := handshakeAs(conn, "SUB"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte{0, 1, 1, 4, 8, 4, 'P', 'I', 'N', 'G', 0, 0, 'c'}); err != nil {
		t.Fatal(err)
	}
	if f, command, err := readMessage(conn, 100); err != nil || !command || string(f[0]) != "\x04PONGc" {
		t.Fatalf("a ping is answered by %q, %t, error %v", f, command, err)
	}
	const n = 300
	for i := range n {
		s.send([][]byte{[]byte("topic"), bytes.Repeat([]byte{byte(i)}, 1<<16)}, true)
	}
	closed := make(chan bool)
	go func() { s.close(time.Minute); close(closed) }()
	for i := range n {
		if i%50 == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		f, _, err := readMessage(conn, longestMessage)
		if err != nil || len(f) != 2 || f[1][0] != byte(i) {
			t.Fatalf("message %d: %d frames, error %v", i, len(f), err)
		}
	}
	if _, _, err := readMessage(conn, 100); err == nil {
		t.Error("the connection goes on")
	}
	<-closed
	if _, err := s.recv(); err == nil {
		t.Error("a closed socket gives a message")
	}
}

// handshakeAs is the other side of handshake; more are properties besides the socket's kind.
func handshakeAs(conn net.Conn, kind string, more ...byte) ([][]byte, error) {
	hello := append(append([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0}, "NULL"...), make([]byte, 48)...)
	if _, err := conn.Write(appendCommand(hello, append(property([]byte("\x05READY"), "Socket-Type", kind), more...))); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(conn, make([]byte, 64)); err != nil {
		return nil, err
	}
	f, _, err := readMessage(conn, 1000)
	return f, err
}

// FuzzPeer speaks any bytes to a socket: its reader gives a message or an error, and never takes more
// memory than what came.
func FuzzPeer(f *testing.F) {
	hello := append(append([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0}, "NULL"...), make([]byte, 48)...)
	ready := appendCommand(nil, property(property([]byte("\x05READY"), "Socket-Type", "DEALER"), "Identity", "me"))
	f.Add(append(append(append([]byte{}, hello...), ready...), 1, 1, 'a', 0, 1, 'b', 2, 0, 0, 0, 0, 0, 0, 0, 3, 'x', 'y', 'z'))
	f.Add(append(append([]byte{}, hello...), 4, 8, 4, 'P', 'I', 'N', 'G', 0, 0, 'c'))
	f.Add(append(append(append([]byte{}, hello...), ready...), 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, b []byte) {
		rw := struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(b), io.Discard}
		if _, err := handshake(rw, "ROUTER"); err != nil {
			return
		}
		read := 0
		for {
			frames, command, err := readMessage(rw, longestMessage)
			if err != nil {
				return
			}
			for _, x := range frames {
				read += len(x) + 2
			}
			if read > len(b) {
				t.Fatalf("read %d bytes of %d", read, len(b))
			}
			if command {
				_, _ = splitCommand(frames[0])
			}
		}
	})
}

package wire

import (
	"encoding/binary"
	"io"
	"log"
	"net"
	"runtime"
	"testing"
	"time"
)

func signedSocket(t *testing.T) (*Sockets, *Socket) {
	t.Helper()
	w := &Sockets{Signer: Signer{[]byte("key")}, Session: NewID()}
	s, err := listen("ROUTER", "tcp", "127.0.0.1:0", w.admit, log.New(io.Discard, "", 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close(time.Second) })
	return w, s
}

func dealer(t *testing.T, s *Socket) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := handshakeAs(conn, "DEALER"); err != nil {
		t.Fatal(err)
	}
	return conn
}

func onWire(frames [][]byte) (b []byte) {
	for i, f := range frames {
		flags := byte(0)
		if i < len(frames)-1 {
			flags = frameMore
		}
		b = append(appendHead(b, len(f), flags), f...)
	}
	return b
}

func request(t *testing.T, key string, code string) [][]byte {
	t.Helper()
	f, err := Signer{[]byte(key)}.Encode(nil, Header{MsgID: NewID(), MsgType: "execute_request"}, nil, map[string]any{"code": code})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A signed message runs once, however often it is sent, and over whichever connection.
func TestMessageRunsOnce(t *testing.T) {
	w, s := signedSocket(t)
	m := onWire(request(t, "key", "1"))
	other := onWire(request(t, "key", "2"))
	say := func(b []byte) {
		t.Helper()
		if _, err := dealer(t, s).Write(b); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(want string) {
		t.Helper()
		got, err := w.Recv(s)
		if err != nil || got.String("code") != want {
			t.Fatalf("got %v %v, want %s", got, err, want)
		}
	}
	say(m)
	hear("1")
	say(m)
	say(m)
	say(other)
	hear("2")
	select {
	case f := <-s.in:
		t.Errorf("one more message: %q", f)
	case <-time.After(100 * time.Millisecond):
	}
	for range mostSeen + 10 { // the memory of signatures is bounded
		w.seen.add(NewID())
	}
	if n := len(w.seen.set); n > mostSeen+1 {
		t.Errorf("%d signatures are remembered", n)
	}
}

// Clients that do not know the key cannot make the kernel hold much, are sent away, and hold up nobody.
func TestStrangersAreBounded(t *testing.T) {
	w, s := signedSocket(t)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 12 { // each begins a message of 15 MB and does not end it
		conn := dealer(t, s)
		head := binary.BigEndian.AppendUint64([]byte{frameLong}, 15<<20)
		go func() { _, _ = conn.Write(append(head, make([]byte, 14<<20)...)) }()
	}
	huge := dealer(t, s)
	_, _ = huge.Write(binary.BigEndian.AppendUint64([]byte{frameLong}, 1<<29))
	_ = huge.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := huge.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("a stranger's message of 512 MB: %v, want an end", err)
	}
	liar := dealer(t, s)
	for range mostBad {
		_, _ = liar.Write(onWire(request(t, "wrong", "1")))
	}
	_ = liar.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := liar.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("a client without the key: %v, want an end", err)
	}
	// One who knows the key is served meanwhile, and may send much after that.
	friend := dealer(t, s)
	if _, err := friend.Write(onWire(request(t, "key", "small"))); err != nil {
		t.Fatal(err)
	}
	if m, err := w.Recv(s); err != nil || m.String("code") != "small" {
		t.Fatalf("%v %v", m, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > 250<<20 { // of which a half is this test's own
		t.Errorf("strangers hold %d MB", used>>20)
	}
	long := make([]byte, 40<<20)
	for i := range long {
		long[i] = 'x'
	}
	go func() { _, _ = friend.Write(onWire(request(t, "key", string(long)))) }()
	if m, err := w.Recv(s); err != nil || len(m.String("code")) != len(long) {
		t.Errorf("a long message from one who knows the key: %v", err)
	}
}

func isTimeout(err error) bool {
	n, ok := err.(net.Error) //nolint:errorlint // as it comes from the connection
	return ok && n.Timeout()
}

package wire

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// named is a dealer that gives itself a routing id, as Jupyter's clients do.
func named(t *testing.T, s *Socket, id string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := handshakeAs(conn, "DEALER", property(nil, "Identity", id)...); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	return conn
}

// asks sends a request and answers it as the kernel does; it gives what the kernel took it for.
func asks(t *testing.T, w *Sockets, s *Socket, conn net.Conn, code string) *Message {
	t.Helper()
	if _, err := conn.Write(onWire(request(t, "key", code))); err != nil {
		t.Fatal(err)
	}
	m, err := w.Recv(s)
	if err != nil || m.String("code") != code {
		t.Fatalf("received %v %v, want %s", m, err, code)
	}
	return m
}

// hears reads a reply and checks that it is the one to code.
func hears(t *testing.T, conn net.Conn, code string) {
	t.Helper()
	f, _, err := readMessage(conn, 1<<20)
	if err != nil {
		t.Fatalf("no answer to %s: %v", code, err)
	}
	m, err := Signer{[]byte("key")}.Decode(f)
	if err != nil || m.String("to") != code {
		t.Fatalf("heard %q %v, want the answer to %s", f, err, code)
	}
}

// A routing id is what a client says of itself: one who takes another's, without knowing the key, gets none of what
// is meant for it, whoever came first and whichever of them goes; one who knows the key takes its place, as a
// client does that comes again.
func TestNobodyTakesAnothersPlace(t *testing.T) {
	w, s := signedSocket(t)
	reply := func(m *Message) {
		t.Helper()
		if err := w.Reply(s, m, "execute_reply", map[string]any{"to": m.String("code")}); err != nil {
			t.Fatal(err)
		}
	}
	silent := func(conn net.Conn, who string) {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if f, _, err := readMessage(conn, 1<<20); err == nil {
			t.Errorf("%s heard %q", who, f)
		}
	}
	peers := func(n int) {
		t.Helper()
		for range 1000 {
			s.mu.Lock()
			got := len(s.peers)
			s.mu.Unlock()
			if got == n {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("there are not %d connections", n)
	}

	early := named(t, s, "me") // a stranger sits where it expects a client
	peers(1)
	client := named(t, s, "me")
	reply(asks(t, w, s, client, "1"))
	hears(t, client, "1")
	silent(early, "a stranger that came first")

	late := named(t, s, "me")
	liar := named(t, s, "me")
	if _, err := liar.Write(onWire(request(t, "wrong", "x"))); err != nil {
		t.Fatal(err)
	}
	m := asks(t, w, s, client, "2")
	reply(m)
	hears(t, client, "2")
	silent(late, "a stranger that came later")
	silent(liar, "one who signed wrong")
	_, _ = late.Close(), liar.Close() // and going they take nothing with them
	peers(1)
	reply(asks(t, w, s, client, "3"))
	hears(t, client, "3")

	again := named(t, s, "me") // the client lost its connection, and asks what it asked before
	m = asks(t, w, s, again, "4")
	peers(1)
	reply(m)
	hears(t, again, "4")
	silent(client, "the connection that was left behind")

	// Clients that give no id are apart from each other.
	var many []net.Conn
	var asked []*Message
	for i := range 5 {
		conn := dealer(t, s)
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		many, asked = append(many, conn), append(asked, asks(t, w, s, conn, fmt.Sprint("n", i)))
	}
	for i := len(many) - 1; i >= 0; i-- {
		reply(asked[i])
	}
	for i, conn := range many {
		hears(t, conn, fmt.Sprint("n", i))
	}
}

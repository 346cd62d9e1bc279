package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Socket is a bound socket that front ends connect to, of one of the kinds that a kernel needs: ROUTER
// sends to the peer that a message names first, PUB to all that have subscribed, REP says back what it
// hears.
//
// Nobody waits for anybody: each peer has a reader and a writer, and what it does not read waits in a queue
// of its own. A peer that has too much waiting loses its oldest output, see peer.
type Socket struct {
	kind, address string
	l             net.Listener
	log           *log.Logger
	in            chan [][]byte
	done          chan struct{}
	admit         func(frames [][]byte) error // whether a message is from one who knows the key

	open  atomic.Int32 // connections
	mu    sync.Mutex
	peers map[*peer]bool
	byID  map[string]*peer
}

// helloWithin is how long a peer may take to say hello.
const helloWithin = 10 * time.Second

// Bounds of what strangers, who have not shown yet that they know the key, may make the kernel hold.
const (
	strangerMessage = 64 << 10 // bytes of a message
	strangerLong    = 16 << 20 // of one that takes one of the few places for longer ones
	strangerPlaces  = 4
	mostPeers       = 1024 // of a socket
	mostBad         = 16   // messages with a wrong signature: then the connection is closed
)

// places are those for long messages of strangers, of all sockets together.
var places = make(chan struct{}, strangerPlaces)

// listen binds a socket.
func listen(kind, network, address string, admit func([][]byte) error, l *log.Logger) (*Socket, error) {
	if network == "unix" {
		dropStale(address)
	}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	s := &Socket{
		kind: kind, address: address, l: ln, log: l, admit: admit, in: make(chan [][]byte, 16), done: make(chan struct{}),
		peers: map[*peer]bool{}, byID: map[string]*peer{},
	}
	go s.accept()
	return s, nil
}

// dropStale removes a socket's file that a process which is gone has left.
func dropStale(path string) {
	if st, err := os.Lstat(path); err != nil || st.Mode()&os.ModeSocket == 0 {
		return
	}
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close() // somebody listens
		return
	}
	_ = os.Remove(path) // if it stays, listening says so
}

func (s *Socket) accept() {
	for {
		conn, err := s.l.Accept()
		if err != nil {
			select {
			case <-s.done:
				return
			case <-time.After(50 * time.Millisecond): // too many open files, and the like
				continue
			}
		}
		go s.serve(conn)
	}
}

// serve speaks with one peer until its connection ends.
func (s *Socket) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if s.open.Add(1) > mostPeers {
		s.open.Add(-1)
		s.log.Printf("refused a client on %s: there are %d", s.address, mostPeers)
		return
	}
	defer s.open.Add(-1)
	_ = conn.SetDeadline(time.Now().Add(helloWithin)) // a connection that cannot have one fails below
	id, err := handshake(conn, s.kind)
	if err != nil {
		s.log.Printf("refused a client on %s: %v", s.address, err)
		return
	}
	_ = conn.SetDeadline(time.Time{})
	p := s.join(conn, string(id))
	defer s.leave(p)
	go func() {
		p.write()
		_ = conn.Close()
	}()
	r := bufio.NewReaderSize(conn, 1<<16)
	for {
		frames, command, err := s.read(r, p)
		if err != nil {
			if !ended(err) {
				s.log.Printf("closed a client of %s: %v", s.address, err)
			}
			return
		}
		if err := s.took(p, frames, command); err != nil {
			s.log.Printf("dropped a message on %s: %v", s.address, err)
			if p.bad++; p.bad >= mostBad {
				s.log.Printf("closed a client of %s that does not know the key", s.address)
				return
			}
		}
	}
}

// read reads a message of a peer: a long one only from those who have shown that they know the key. To the
// sockets for output and heartbeats nobody has anything long to say.
func (s *Socket) read(r io.Reader, p *peer) ([][]byte, bool, error) {
	if p.known {
		return readMessage(r, longestMessage)
	}
	if s.kind != "ROUTER" {
		return readMessage(r, strangerMessage)
	}
	taken := false
	defer func() {
		if taken {
			<-places
		}
	}()
	return readBounded(r, strangerLong, func(size uint64) error {
		if taken || size <= strangerMessage {
			return nil
		}
		select {
		case places <- struct{}{}:
			taken = true
			return nil
		case <-s.done:
			return net.ErrClosed
		case <-time.After(helloWithin):
			return errors.New("a long message from a client that has not shown that it knows the key, and many others like it")
		}
	})
}

// took handles what a peer sent.
func (s *Socket) took(p *peer, frames [][]byte, command bool) error {
	switch {
	case command:
		if name, body := splitCommand(frames[0]); name == "PING" && len(body) >= 2 {
			p.send(outgoing{frames: [][]byte{append([]byte("\x04PONG"), body[2:]...)}, command: true})
		}
	case s.kind == "PUB":
		p.subscribe(frames[0])
	case s.kind == "REP":
		p.send(outgoing{frames: frames})
	default:
		if err := s.admit(frames); err != nil {
			return err
		}
		if !p.known {
			p.known = true
			s.claim(p)
		}
		select {
		case s.in <- append([][]byte{[]byte(p.id)}, frames...):
		case <-s.done:
		}
	}
	return nil
}

// join adds a peer. One that comes again under its old id takes the old one's place, once it has shown that
// it knows the key: a stranger must not take what is meant for another.
func (s *Socket) join(conn net.Conn, id string) *peer {
	if id == "" {
		id = "\x00" + NewID()
	}
	p := newPeer(conn, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers[p] = true
	if s.byID[id] == nil {
		s.byID[id] = p
	}
	select {
	case <-s.done:
		p.finish()
	default:
	}
	return p
}

// claim gives a peer the place of its id.
func (s *Socket) claim(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.byID[p.id]; old != nil && old != p {
		_ = old.conn.Close()
	}
	if s.peers[p] {
		s.byID[p.id] = p
	}
}

func (s *Socket) leave(p *peer) {
	p.finish()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.peers, p)
	if s.byID[p.id] == p {
		delete(s.byID, p.id)
	}
	if p.lost > 0 {
		s.log.Printf("a client of %s did not read: %d messages to it were dropped", s.address, p.lost)
	}
}

// recv waits for a message, with the peer's routing id before its frames.
func (s *Socket) recv() ([][]byte, error) {
	select {
	case f := <-s.in:
		return f, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// send queues a message: its first frame names the peer, or the topic. A peer that is gone gets nothing.
// Of what is spare, the oldest goes first when a peer does not read.
func (s *Socket) send(frames [][]byte, spare bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kind == "ROUTER" {
		if p := s.byID[string(frames[0])]; p != nil {
			p.send(outgoing{frames: frames[1:], spare: spare})
		}
		return
	}
	for p := range s.peers {
		if p.subscribed(string(frames[0])) {
			p.send(outgoing{frames: frames, spare: spare})
		}
	}
}

// close ends the socket once its peers have what waits for them, but after linger in any case.
func (s *Socket) close(linger time.Duration) {
	close(s.done)
	_ = s.l.Close()
	s.mu.Lock()
	var all []*peer
	for p := range s.peers {
		p.finish()
		all = append(all, p)
	}
	s.mu.Unlock()
	late := time.After(linger)
	for _, p := range all {
		select {
		case <-p.written:
		case <-late:
			late = closedChan
		}
		_ = p.conn.Close()
	}
}

// closedChan is a deadline that has passed.
var closedChan = func() <-chan time.Time { c := make(chan time.Time); close(c); return c }()

// ended reports whether an error is the usual end of a connection.
func ended(err error) bool {
	var op *net.OpError
	return errors.Is(err, net.ErrClosed) || errors.As(err, &op) || strings.Contains(err.Error(), "EOF")
}

// endpoint is the network and the address of a port of a connection: tcp and ip:port, or unix and path-port.
func (c Connection) endpoint(port int) (network, address string) {
	if c.Transport == "ipc" {
		return "unix", fmt.Sprintf("%s-%d", c.IP, port)
	}
	ip := c.IP
	if ip == "*" {
		ip = ""
	}
	return "tcp", net.JoinHostPort(ip, fmt.Sprint(port))
}

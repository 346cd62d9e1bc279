package wire

import (
	"bufio"
	"net"
	"strings"
	"sync"
)

// A peer that does not read may have this much waiting. Then the oldest messages that are spare are
// dropped, until a quarter is free; if that is not enough, the oldest of all.
const (
	mostWaiting  = 64 << 20 // bytes
	mostMessages = 1 << 16
)

// peer is one connection of a socket: what waits to be sent on it and what it has subscribed to.
type peer struct {
	id      string
	conn    net.Conn
	written chan struct{} // closed when the writer is done
	known   bool          // it has sent a message with a right signature; the reader's own, as bad is
	bad     int           // messages that were dropped

	mu     sync.Mutex
	more   *sync.Cond
	queue  []outgoing
	size   int // bytes in queue
	over   bool
	lost   int
	topics map[string]int
}

// outgoing is a message that waits. A spare one may be dropped before others.
type outgoing struct {
	frames         [][]byte
	spare, command bool
}

func (o outgoing) size() (n int) {
	for _, f := range o.frames {
		n += len(f) + 9
	}
	return n
}

func newPeer(conn net.Conn, id string) *peer {
	p := &peer{id: id, conn: conn, written: make(chan struct{}), topics: map[string]int{}}
	p.more = sync.NewCond(&p.mu)
	return p
}

// send queues a message.
func (p *peer) send(o outgoing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	p.queue = append(p.queue, o)
	p.size += o.size()
	if p.size > mostWaiting || len(p.queue) > mostMessages {
		p.shed(true)
		p.shed(false)
	}
	p.more.Signal()
}

// shed drops the oldest messages, those alone that are spare or all, while there are too many. The newest
// stays in any case.
func (p *peer) shed(spare bool) {
	kept := p.queue[:0]
	for i, o := range p.queue {
		many := p.size > mostWaiting/4*3 || len(p.queue)-i+len(kept) > mostMessages/4*3
		if many && (o.spare || !spare) && i < len(p.queue)-1 {
			p.size -= o.size()
			p.lost++
			continue
		}
		kept = append(kept, o)
	}
	clear(p.queue[len(kept):])
	p.queue = kept
}

// finish lets the writer end when it has written what waits.
func (p *peer) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.more.Signal()
}

// next waits for a message; idle tells that none is there yet, before it waits.
func (p *peer) next(idle func()) (o outgoing, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 {
		p.mu.Unlock()
		idle()
		p.mu.Lock()
		if len(p.queue) > 0 {
			break
		}
		if p.over {
			return o, false
		}
		p.more.Wait()
	}
	o = p.queue[0]
	p.queue[0] = outgoing{}
	p.queue = p.queue[1:]
	p.size -= o.size()
	return o, true
}

// write sends what comes into the queue until finish, or until the connection fails.
func (p *peer) write() {
	defer close(p.written)
	w := bufio.NewWriterSize(p.conn, 1<<16) // it keeps its first error: what comes after is not sent
	for {
		o, ok := p.next(func() { _ = w.Flush() }) // the reader sees that the connection is gone
		if !ok {
			return
		}
		var head [9]byte
		for i, f := range o.frames {
			flags := byte(0)
			if i < len(o.frames)-1 {
				flags = frameMore
			}
			if o.command {
				flags |= frameCommand
			}
			_, _ = w.Write(appendHead(head[:0], len(f), flags))
			_, _ = w.Write(f)
		}
	}
}

// subscribe takes what a subscriber sent: 1 and a topic's beginning subscribes, 0 ends that.
func (p *peer) subscribe(frame []byte) {
	if len(frame) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	topic := string(frame[1:])
	const most = 1 << 10 // of one peer; a front end has one
	switch {
	case frame[0] == 1 && (p.topics[topic] > 0 || len(p.topics) < most):
		p.topics[topic]++
	case frame[0] == 0 && p.topics[topic] > 1:
		p.topics[topic]--
	case frame[0] == 0:
		delete(p.topics, topic)
	}
}

func (p *peer) subscribed(topic string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for t := range p.topics {
		if strings.HasPrefix(topic, t) {
			return true
		}
	}
	return false
}

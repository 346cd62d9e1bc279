// Package wire is Jupyter's messaging protocol on ZeroMQ sockets: connection files, signatures,
// messages. It knows nothing of cells and imports nothing of ours.
package wire

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"sync"
	"time"
)

// Protocol is the version of the protocol spoken here.
const Protocol = "5.4"

const delimiter = "<IDS|MSG>"

// Connection is the content of a connection file.
type Connection struct {
	SignatureScheme string `json:"signature_scheme"`
	Transport       string `json:"transport"`
	IP              string `json:"ip"`
	Key             string `json:"key"`
	ShellPort       int    `json:"shell_port"`
	ControlPort     int    `json:"control_port"`
	StdinPort       int    `json:"stdin_port"`
	IOPubPort       int    `json:"iopub_port"`
	HBPort          int    `json:"hb_port"`
}

// ReadConnection reads a connection file.
func ReadConnection(path string) (c Connection, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("kernel: connection file: %w", err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("kernel: connection file %s: %w", path, err)
	}
	if c.SignatureScheme != "" && c.SignatureScheme != "hmac-sha256" {
		return c, fmt.Errorf("kernel: connection file %s: signature scheme %q, want hmac-sha256", path, c.SignatureScheme)
	}
	if c.Transport != "tcp" && c.Transport != "ipc" {
		return c, fmt.Errorf("kernel: connection file %s: transport %q, want tcp or ipc", path, c.Transport)
	}
	for name, port := range map[string]int{"shell_port": c.ShellPort, "control_port": c.ControlPort, "stdin_port": c.StdinPort, "iopub_port": c.IOPubPort, "hb_port": c.HBPort} {
		if port < 1 || port > 65535 {
			return c, fmt.Errorf("kernel: connection file %s: %s is %d, want 1 to 65535", path, name, port)
		}
	}
	return c, nil
}

// address of a port: tcp://ip:port or ipc://path-port.
func (c Connection) address(port int) string {
	sep := ":"
	if c.Transport == "ipc" {
		sep = "-"
	}
	return fmt.Sprintf("%s://%s%s%d", c.Transport, c.IP, sep, port)
}

// Header identifies a message.
type Header struct {
	MsgID    string `json:"msg_id"`
	Username string `json:"username"`
	Session  string `json:"session"`
	Date     string `json:"date"`
	MsgType  string `json:"msg_type"`
	Version  string `json:"version"`
}

// Message is a message as received.
type Message struct {
	IDs     [][]byte // routing, to send the reply back
	Header  Header
	Parent  Header          // of the message that this one answers; zero if none
	raw     json.RawMessage // the header's bytes, parent of what answers it
	Meta    Metadata
	Content map[string]any
}

// Metadata is what of a request's metadata a kernel can use; front ends need not send it.
type Metadata struct {
	Cell    string   `json:"cellId"`       // that is run
	Deleted []string `json:"deletedCells"` // since the request before
}

// String is a text of the content, or "".
func (m *Message) String(key string) string { s, _ := m.Content[key].(string); return s }

// Bool is a truth value of the content, or def where it has none.
func (m *Message) Bool(key string, def bool) bool {
	if b, ok := m.Content[key].(bool); ok {
		return b
	}
	return def
}

// Int is a whole number of the content, or def.
func (m *Message) Int(key string, def int) int {
	if f, ok := m.Content[key].(float64); ok {
		return int(f)
	}
	return def
}

// NewID makes a random identifier.
func NewID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// Signer signs and checks messages with a key; an empty key leaves them unsigned.
type Signer struct{ Key []byte }

func (s Signer) sign(parts [][]byte) []byte {
	if len(s.Key) == 0 {
		return nil
	}
	m := hmac.New(sha256.New, s.Key)
	for _, p := range parts {
		m.Write(p)
	}
	return []byte(hex.EncodeToString(m.Sum(nil)))
}

// verify finds the delimiter and checks the signature behind it.
func (s Signer) verify(frames [][]byte) (delimiterAt int, err error) {
	i := 0
	for i < len(frames) && string(frames[i]) != delimiter {
		i++
	}
	if len(frames) < i+6 {
		return 0, fmt.Errorf("message of %d frames is cut short", len(frames))
	}
	if len(s.Key) > 0 && !hmac.Equal(s.sign(frames[i+2:i+6]), frames[i+1]) {
		return 0, errors.New("wrong signature")
	}
	return i, nil
}

// Decode reads a message's frames: routing ids, delimiter, signature, header, parent, metadata,
// content.
func (s Signer) Decode(frames [][]byte) (*Message, error) {
	i, err := s.verify(frames)
	if err != nil {
		return nil, err
	}
	m := &Message{IDs: frames[:i], raw: append(json.RawMessage{}, frames[i+2]...)}
	if err := json.Unmarshal(frames[i+2], &m.Header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := json.Unmarshal(frames[i+3], &m.Parent); err != nil {
		return nil, fmt.Errorf("parent header: %w", err)
	}
	_ = json.Unmarshal(frames[i+4], &m.Meta) // metadata is free in form: what does not fit is not for us
	if err := json.Unmarshal(frames[i+5], &m.Content); err != nil {
		return nil, fmt.Errorf("content of %s: %w", m.Header.MsgType, err)
	}
	return m, nil
}

// Encode makes a message's frames.
func (s Signer) Encode(ids [][]byte, h Header, parent *Message, content any) ([][]byte, error) {
	head, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	up := json.RawMessage("{}")
	if parent != nil {
		up = parent.raw
	}
	body, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("content of %s: %w", h.MsgType, err)
	}
	parts := [][]byte{head, up, []byte("{}"), body}
	return append(append(append([][]byte{}, ids...), []byte(delimiter), s.sign(parts)), parts...), nil
}

// Sockets are the five sockets of a kernel.
type Sockets struct {
	Signer
	Session                            string
	Shell, Control, Stdin, IOPub, Beat *Socket

	seen seen
}

// seen remembers the signatures of the last messages, so that one that was overheard and is sent again does
// not run twice. Front ends give each message an id of its own, and so no two have one signature.
type seen struct {
	mu   sync.Mutex
	set  map[string]bool
	ring []string
	next int
}

// mostSeen is how many signatures are remembered: as many as Jupyter's own kernels do.
const mostSeen = 1 << 16

// add remembers a signature and reports whether it is new.
func (s *seen) add(signature string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set[signature] {
		return false
	}
	if s.set == nil {
		s.set, s.ring = map[string]bool{}, make([]string, mostSeen)
	}
	delete(s.set, s.ring[s.next])
	s.set[signature], s.ring[s.next] = true, signature
	s.next = (s.next + 1) % mostSeen
	return true
}

// admit checks a message's signature, before it is taken in and before its sender may send much.
func (w *Sockets) admit(frames [][]byte) error {
	i, err := w.verify(frames)
	if err == nil && len(w.Key) > 0 && !w.seen.add(string(frames[i+1])) {
		err = errors.New("a message that was there before")
	}
	return err
}

// Listen binds the sockets of a connection; heartbeats are answered from then on. What goes wrong with a
// client that connects is written to l.
func Listen(c Connection, l *log.Logger) (*Sockets, error) {
	w := &Sockets{Signer: Signer{[]byte(c.Key)}, Session: NewID()}
	for _, x := range []struct {
		to   **Socket
		kind string
		port int
	}{
		{&w.Shell, "ROUTER", c.ShellPort},
		{&w.Control, "ROUTER", c.ControlPort},
		{&w.Stdin, "ROUTER", c.StdinPort},
		{&w.IOPub, "PUB", c.IOPubPort},
		{&w.Beat, "REP", c.HBPort},
	} {
		network, address := c.endpoint(x.port)
		s, err := listen(x.kind, network, address, w.admit, l)
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("kernel: listening on %s: %w (try starting the kernel again: it gets other ports)", c.address(x.port), err)
		}
		*x.to = s
	}
	return w, nil
}

// lingering is how long the sockets get to send what is queued when they close.
const lingering = time.Second

// Close closes the sockets when what is queued has been sent, or after a second.
func (w *Sockets) Close() {
	for _, s := range []*Socket{w.Shell, w.Control, w.Stdin, w.IOPub, w.Beat} {
		if s != nil {
			s.close(lingering)
		}
	}
}

// Recv waits for a message. Frames that are no message, or wrongly signed, give an error that wraps
// ErrBad: drop them and go on.
func (w *Sockets) Recv(s *Socket) (*Message, error) {
	frames, err := s.recv()
	if err != nil {
		return nil, err
	}
	m, err := w.Decode(frames)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBad, err)
	}
	return m, nil
}

// ErrBad marks a message that was dropped.
var ErrBad = errors.New("bad message")

// Send sends a message to the peer behind ids.
func (w *Sockets) Send(s *Socket, ids [][]byte, typ string, parent *Message, content any) error {
	h := Header{NewID(), "kernel", w.Session, time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), typ, Protocol}
	frames, err := w.Encode(ids, h, parent, content)
	if err != nil {
		return err
	}
	s.send(frames, spare[typ])
	return nil
}

// spare are the messages that a front end can do without if it does not read: a cell's output, as
// opposed to how the cell ends.
var spare = map[string]bool{"stream": true, "display_data": true, "update_display_data": true, "clear_output": true}

// Reply answers a message on its socket.
func (w *Sockets) Reply(s *Socket, to *Message, typ string, content any) error {
	return w.Send(s, to.IDs, typ, to, content)
}

// Publish sends a message to all front ends.
func (w *Sockets) Publish(typ string, parent *Message, content any) error {
	return w.Send(w.IOPub, [][]byte{[]byte("kernel." + w.Session + "." + typ)}, typ, parent, content)
}

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ZMTP 3.0 (rfc.zeromq.org/spec/23), the kernel's side of it, without encryption: a greeting, a READY
// command each way, then messages of frames.

// Bits of a frame's first byte.
const (
	frameMore    = 1
	frameLong    = 2
	frameCommand = 4
)

// Bounds of what a peer may send. A message is read as it comes, so that a length alone takes no memory.
const (
	longestMessage = 1 << 30
	mostFrames     = 1 << 12
)

// accepts are the kinds of socket that may connect to one of ours.
var accepts = map[string][]string{
	"ROUTER": {"DEALER", "REQ", "ROUTER"},
	"PUB":    {"SUB", "XSUB"},
	"REP":    {"REQ", "DEALER"},
}

// handshake greets a peer on behalf of a socket of the given kind and gives the peer's routing id, which
// may be empty.
func handshake(rw io.ReadWriter, kind string) (id []byte, err error) {
	var greeting [64]byte
	greeting[0], greeting[8], greeting[9], greeting[10] = 0xff, 1, 0x7f, 3
	copy(greeting[12:], "NULL")
	greeting[32] = 1 // as-server, which NULL does not look at
	if _, err := rw.Write(greeting[:]); err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	var theirs [64]byte
	if _, err := io.ReadFull(rw, theirs[:]); err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	switch mechanism := string(bytes.TrimRight(theirs[12:32], "\x00")); {
	case theirs[0] != 0xff || theirs[9] != 0x7f:
		return nil, errors.New("greeting: this is not ZeroMQ")
	case theirs[10] < 3:
		return nil, fmt.Errorf("greeting: ZMTP version %d is too old", theirs[10])
	case mechanism != "NULL":
		return nil, fmt.Errorf("greeting: mechanism %q, want NULL", mechanism)
	}
	ready := property([]byte("\x05READY"), "Socket-Type", kind)
	if kind == "ROUTER" {
		ready = property(ready, "Identity", "")
	}
	if _, err := rw.Write(appendCommand(nil, ready)); err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	frames, command, err := readMessage(rw, 1<<16)
	if err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	if !command {
		return nil, errors.New("handshake: a message before it is over")
	}
	name, body := splitCommand(frames[0])
	if name != "READY" {
		return nil, fmt.Errorf("handshake: command %.20q, want READY", name)
	}
	props := properties(body)
	if !slices.Contains(accepts[kind], props["socket-type"]) {
		return nil, fmt.Errorf("handshake: a socket of kind %.20q cannot connect to %s", props["socket-type"], kind)
	}
	return []byte(props["identity"]), nil
}

// property appends a property of a READY command.
func property(b []byte, name, value string) []byte {
	b = append(append(b, byte(len(name))), name...)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

// properties reads those of a READY command, by their names in lower case, up to one that is cut short.
func properties(b []byte) map[string]string {
	out := map[string]string{}
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < 1+n+4 {
			break
		}
		name := string(bytes.ToLower(b[1 : 1+n]))
		size := binary.BigEndian.Uint32(b[1+n:])
		b = b[1+n+4:]
		if uint64(size) > uint64(len(b)) {
			break
		}
		out[name], b = string(b[:size]), b[size:]
	}
	return out
}

// splitCommand parts a command's name from what follows.
func splitCommand(b []byte) (name string, body []byte) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil
	}
	n := int(b[0])
	return string(b[1 : 1+n]), b[1+n:]
}

// appendCommand appends a command in its form on the wire.
func appendCommand(b, body []byte) []byte {
	return append(appendHead(b, len(body), frameCommand), body...)
}

// appendHead appends what comes before a frame's body.
func appendHead(b []byte, size int, flags byte) []byte {
	if size > 255 {
		return binary.BigEndian.AppendUint64(append(b, flags|frameLong), uint64(size))
	}
	return append(b, flags, byte(size))
}

// readMessage reads the frames of one message, or the one of a command. More than most bytes in it are
// an error.
func readMessage(r io.Reader, most uint64) (frames [][]byte, command bool, err error) {
	return readBounded(r, most, func(uint64) error { return nil })
}

// readBounded is readMessage that asks grow before it takes memory for a message of that many bytes so far.
func readBounded(r io.Reader, most uint64, grow func(size uint64) error) (frames [][]byte, command bool, err error) {
	var head [9]byte
	for left := most; ; {
		if _, err := io.ReadFull(r, head[:2]); err != nil {
			return nil, false, err
		}
		flags, size := head[0], uint64(head[1])
		if flags&frameLong != 0 {
			if _, err := io.ReadFull(r, head[2:]); err != nil {
				return nil, false, err
			}
			size = binary.BigEndian.Uint64(head[1:])
		}
		switch {
		case flags > frameMore|frameLong|frameCommand:
			return nil, false, fmt.Errorf("a frame with the unknown flags %#x", flags)
		case flags&frameCommand != 0 && (flags&frameMore != 0 || len(frames) > 0):
			return nil, false, errors.New("a command of several frames")
		case size > left:
			return nil, false, fmt.Errorf("a message of more than %d bytes", most)
		case len(frames) == mostFrames:
			return nil, false, fmt.Errorf("a message of more than %d frames", mostFrames)
		}
		left -= size
		if err := grow(most - left); err != nil {
			return nil, false, err
		}
		body, err := readBody(r, int(size))
		if err != nil {
			return nil, false, err
		}
		frames = append(frames, body)
		if flags&frameMore == 0 {
			return frames, flags&frameCommand != 0, nil
		}
	}
}

// readBody reads n bytes; memory is taken as they come.
func readBody(r io.Reader, n int) ([]byte, error) {
	const atOnce = 1 << 20
	if n <= atOnce {
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return b, err
	}
	var b bytes.Buffer
	b.Grow(atOnce)
	if _, err := io.CopyN(&b, r, int64(n)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

package models

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unpickler reads Python pickles of plain values: numbers, texts, lists, tuples, dictionaries, and what
// classes and refer make. Nothing else is ever built, and no more memory is taken than a small multiple
// of the bytes that are there. What it gives may hold itself: walk it with a bound.
type unpickler struct {
	r     *bufio.Reader
	left  int64 // bytes that may still come
	stack []any
	memo  map[int64]any

	class func(name string) (callable, bool) // "module.name", for what may be called
	refer func(id any) (any, error)          // for what lies outside the pickle; nil: nothing does
	why   string                             // "which no list of words needs": told of anything else
}

type (
	pyList  struct{ items []any }
	pyTuple []any
	pyDict  struct{ keys, values []any }
	// pyLong is a whole number of more than 64 bits, as its bytes.
	pyLong   string
	callable func(args pyTuple) (any, error)
	mark     struct{}
)

var errCut = errors.New("it is cut off, or damaged")

func newUnpickler(r io.Reader, size int64, why string) *unpickler {
	return &unpickler{
		r: bufio.NewReaderSize(r, 1<<16), left: size, why: why,
		class: func(string) (callable, bool) { return nil, false },
	}
}

// load reads one pickle; the next one, if there is any, follows it.
func (u *unpickler) load() (any, error) {
	u.stack, u.memo = u.stack[:0], map[int64]any{}
	for {
		op, err := u.byte()
		if err != nil {
			return nil, err
		}
		if op == '.' {
			return u.pop()
		}
		if err := u.step(op); err != nil {
			return nil, err
		}
	}
}

// step does one instruction (Python's pickletools lists them).
func (u *unpickler) step(op byte) error {
	if v, ok := constant(op); ok {
		u.push(v)
		return nil
	}
	switch op {
	case 0x80: // protocol
		_, err := u.bytes(1)
		return err
	case 0x95: // a frame, of instructions that follow
		n, err := u.uint(8)
		if err == nil && n > uint64(u.left) {
			return fmt.Errorf("%w: %d bytes are to come, %d are there", errCut, n, u.left)
		}
		return err
	case 'J', 'K', 'M', 0x8a, 0x8b, 'G', 'F', 'I', 'L':
		return u.number(op)
	case 'X', 0x8c, 0x8d, 'U', 'T', 'C', 'B', 0x8e, 'V', 'S':
		return u.text(op)
	case 'q', 'r', 'p', 0x94, 'h', 'j', 'g':
		return u.memory(op)
	case 't', 0x85, 0x86, 0x87, 'l', 'd', 'a', 'e', 's', 'u':
		return u.container(op)
	case '0', '1', '2':
		return u.shuffle(op)
	}
	return u.call(op)
}

func constant(op byte) (any, bool) {
	switch op {
	case '(':
		return mark{}, true
	case 'N':
		return nil, true
	case 0x88, 0x89:
		return op == 0x88, true
	case ']', 0x8f: // a set is a list here
		return &pyList{}, true
	case '}':
		return &pyDict{}, true
	case ')':
		return pyTuple{}, true
	}
	return nil, false
}

func (u *unpickler) byte() (byte, error) {
	c, err := u.r.ReadByte()
	if err != nil || u.left <= 0 {
		return 0, errCut
	}
	u.left--
	return c, nil
}

// bytes takes n bytes, after looking whether they can be there.
func (u *unpickler) bytes(n uint64) ([]byte, error) {
	if u.left < 0 || n > uint64(u.left) {
		return nil, fmt.Errorf("%w: %d bytes are to come, %d are there", errCut, n, max(u.left, 0))
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(u.r, b); err != nil {
		return nil, errCut
	}
	u.left -= int64(n)
	return b, nil
}

// uint reads a little-endian number of n bytes.
func (u *unpickler) uint(n uint64) (uint64, error) {
	b, err := u.bytes(n)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// maxLine bounds numbers and names written as text.
const maxLine = 1 << 20

func (u *unpickler) line() (string, error) {
	var b strings.Builder
	for {
		part, err := u.r.ReadSlice('\n')
		if u.left -= int64(len(part)); u.left < 0 || b.Len()+len(part) > maxLine {
			return "", errCut
		}
		b.Write(part)
		if err == nil {
			return strings.TrimSuffix(strings.TrimSuffix(b.String(), "\n"), "\r"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", errCut
		}
	}
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

var errStack = fmt.Errorf("%w: its instructions do not fit together", errCut)

// pop takes the value on top of the stack.
func (u *unpickler) pop() (any, error) {
	v, err := u.top()
	if err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return v, err
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) == 0 {
		return nil, errStack
	}
	v := u.stack[len(u.stack)-1]
	if _, ok := v.(mark); ok {
		return nil, errStack
	}
	return v, nil
}

// marked takes all values above the last mark, and the mark.
func (u *unpickler) marked() ([]any, error) {
	for i := len(u.stack) - 1; i >= 0; i-- {
		if _, ok := u.stack[i].(mark); ok {
			vs := append([]any(nil), u.stack[i+1:]...)
			u.stack = u.stack[:i]
			return vs, nil
		}
	}
	return nil, errStack
}

// few takes the n values on top.
func (u *unpickler) few(n int) ([]any, error) {
	vs := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		v, err := u.pop()
		if err != nil {
			return nil, err
		}
		vs[i] = v
	}
	return vs, nil
}

func (u *unpickler) number(op byte) error {
	var v any
	size := map[byte]uint64{'J': 4, 'K': 1, 'M': 2, 'G': 8, 0x8a: 1, 0x8b: 4}[op]
	if size == 0 {
		s, err := u.line()
		if err != nil {
			return err
		}
		switch {
		case op == 'F':
			v, err = strconv.ParseFloat(s, 64)
		case op == 'I' && (s == "00" || s == "01"):
			v = s == "01"
		default:
			v, err = strconv.ParseInt(strings.TrimSuffix(s, "L"), 10, 64)
		}
		if err != nil {
			return fmt.Errorf("%w: %q is no number", errCut, s[:min(len(s), 40)])
		}
		u.push(v)
		return nil
	}
	n, err := u.uint(size)
	if err != nil {
		return err
	}
	switch op {
	case 'J':
		v = int64(int32(n))
	case 'K', 'M':
		v = int64(n)
	case 'G': // the only number with its high byte in front
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		v = math.Float64frombits(binary.BigEndian.Uint64(b[:]))
	default:
		b, err := u.bytes(n)
		if err != nil {
			return err
		}
		v = long(b)
	}
	u.push(v)
	return nil
}

// long is a number of any length in two's complement, low byte first.
func long(b []byte) any {
	if len(b) > 8 {
		return pyLong(b)
	}
	var full [8]byte
	copy(full[:], b)
	v := int64(binary.LittleEndian.Uint64(full[:]))
	if n := len(b); n > 0 && n < 8 {
		shift := 64 - 8*n
		v = v << shift >> shift
	}
	return v
}

func (u *unpickler) text(op byte) error {
	if op == 'V' || op == 'S' {
		s, err := u.line()
		if err != nil {
			return err
		}
		if op == 'S' {
			if len(s) < 2 || s[0] != '\'' && s[0] != '"' || s[len(s)-1] != s[0] {
				return fmt.Errorf("%w: a text without quotes", errCut)
			}
			s = s[1 : len(s)-1]
		}
		u.push(unescape(s, op == 'S'))
		return nil
	}
	n, err := u.uint(map[byte]uint64{'X': 4, 0x8c: 1, 0x8d: 8, 'U': 1, 'T': 4, 'C': 1, 'B': 4, 0x8e: 8}[op])
	if err != nil {
		return err
	}
	b, err := u.bytes(n)
	if err != nil {
		return err
	}
	switch op {
	case 'C', 'B', 0x8e:
		u.push(b)
	default:
		u.push(string(b))
	}
	return nil
}

// unescape reads the escapes of texts of protocol 0: \uXXXX and \UXXXXXXXX, and in quotes those of
// Python's literals.
func unescape(s string, quoted bool) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, _, rest, err := strconv.UnquoteChar(s, 0)
		if s[0] != '\\' || err != nil || !quoted && !strings.HasPrefix(s, `\u`) && !strings.HasPrefix(s, `\U`) {
			_, n := utf8.DecodeRuneInString(s)
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		b.WriteRune(r)
		s = rest
	}
	return b.String()
}

func (u *unpickler) memory(op byte) error {
	key := int64(len(u.memo))
	var err error
	switch op {
	case 'q', 'h':
		var n uint64
		n, err = u.uint(1)
		key = int64(n)
	case 'r', 'j':
		var n uint64
		n, err = u.uint(4)
		key = int64(n)
	case 'p', 'g':
		var s string
		if s, err = u.line(); err == nil {
			key, err = strconv.ParseInt(s, 10, 64)
		}
	}
	if err != nil {
		return errCut
	}
	if op == 'h' || op == 'j' || op == 'g' {
		v, ok := u.memo[key]
		if !ok {
			return errStack
		}
		u.push(v)
		return nil
	}
	v, err := u.top()
	u.memo[key] = v
	return err
}

func (u *unpickler) container(op byte) error {
	var vs []any
	var err error
	switch op {
	case 0x85, 0x86, 0x87:
		vs, err = u.few(int(op) - 0x84)
	case 'a':
		vs, err = u.few(1)
	case 's':
		vs, err = u.few(2)
	default:
		vs, err = u.marked()
	}
	if err != nil {
		return err
	}
	switch op {
	case 't', 0x85, 0x86, 0x87:
		u.push(pyTuple(vs))
		return nil
	case 'l':
		u.push(&pyList{vs})
		return nil
	case 'd':
		u.push(&pyDict{})
	}
	to, err := u.top()
	if err != nil {
		return err
	}
	switch to := to.(type) {
	case *pyList:
		if op == 'a' || op == 'e' {
			to.items = append(to.items, vs...)
			return nil
		}
	case *pyDict:
		if op != 'a' && op != 'e' && len(vs)%2 == 0 {
			for i := 0; i < len(vs); i += 2 {
				to.keys, to.values = append(to.keys, vs[i]), append(to.values, vs[i+1])
			}
			return nil
		}
	}
	return errStack
}

func (u *unpickler) shuffle(op byte) error {
	switch op {
	case '1':
		_, err := u.marked()
		return err
	case '2':
		v, err := u.top()
		u.push(v)
		return err
	}
	if len(u.stack) == 0 {
		return errStack
	}
	u.stack = u.stack[:len(u.stack)-1] // a mark may go as well
	return nil
}

// call does what asks for something that is not in the pickle.
func (u *unpickler) call(op byte) error {
	switch op {
	case 'c':
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.global(module, name)
	case 0x93:
		vs, err := u.few(2)
		if err != nil {
			return err
		}
		module, ok1 := vs[0].(string)
		name, ok2 := vs[1].(string)
		if !ok1 || !ok2 {
			return errStack
		}
		return u.global(module, name)
	case 'R', 0x81:
		vs, err := u.few(2)
		if err != nil {
			return err
		}
		f, ok1 := vs[0].(callable)
		args, ok2 := vs[1].(pyTuple)
		if !ok1 || !ok2 {
			return errStack
		}
		v, err := f(args)
		u.push(v)
		return err
	case 'b': // an object's attributes: dictionaries of weights have some, of no use here
		_, err := u.pop()
		return err
	case 'Q':
		id, err := u.pop()
		if err != nil {
			return err
		}
		if u.refer == nil {
			return errors.New("it refers to something outside itself")
		}
		v, err := u.refer(id)
		u.push(v)
		return err
	}
	return fmt.Errorf("it has the instruction %#02x, %s", op, u.why)
}

func (u *unpickler) global(module, name string) error {
	f, ok := u.class(module + "." + name)
	if !ok {
		return fmt.Errorf("it asks for %.100s.%.100s, %s", module, name, u.why)
	}
	u.push(f)
	return nil
}

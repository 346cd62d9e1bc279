package models

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// element is a kind of number that PyTorch stores, little-endian.
type element struct {
	size  int
	whole bool
	int   func(b []byte) int64
	float func(b []byte) float32
}

var elements = map[string]element{
	"Float":  {size: 4, float: func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }},
	"Double": {size: 8, float: func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }},
	"Half":   {size: 2, float: func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) }},
	"BFloat16": {size: 2, float: func(b []byte) float32 {
		return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
	}},
	"Long":  {size: 8, whole: true, int: func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }},
	"Int":   {size: 4, whole: true, int: func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) }},
	"Short": {size: 2, whole: true, int: func(b []byte) int64 { return int64(int16(binary.LittleEndian.Uint16(b))) }},
	"Char":  {size: 1, whole: true, int: func(b []byte) int64 { return int64(int8(b[0])) }},
	"Byte":  {size: 1, whole: true, int: func(b []byte) int64 { return int64(b[0]) }},
	"Bool":  {size: 1, whole: true, int: func(b []byte) int64 { return int64(b[0]) }},
}

// half is the number that the bits of a 16-bit float mean.
func half(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exp {
	case 0: // without the leading one
		v := float32(frac) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 255<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// storage is a row of elements that tensors are views of.
type storage struct {
	kind element
	n    int64
	raw  []byte
}

// view is a tensor in the file, or a part of a storage, whose size is nil.
type view struct {
	of           *storage
	offset, n    int64
	size, stride []int64
}

// storageKind is the class of a storage; it is named, never called.
func storageKind(name string) (callable, bool) {
	k, ok := elements[name]
	if !ok {
		return nil, false
	}
	return func(args pyTuple) (any, error) {
		if args != nil {
			return nil, errors.New("it makes a storage by itself, which no checkpoint of weights needs")
		}
		return k, nil
	}, true
}

// class are the classes and functions that checkpoints of weights name.
func (t *torchFile) class(name string) (callable, bool) {
	const prefix, suffix = "torch.", "Storage"
	switch name {
	case "collections.OrderedDict":
		return func(args pyTuple) (any, error) {
			if len(args) > 0 {
				return nil, errors.New("it fills a dictionary in a way no checkpoint of weights needs")
			}
			return &pyDict{}, nil
		}, true
	case "torch._utils._rebuild_tensor_v2":
		return rebuildTensor, true
	case "torch._utils._rebuild_parameter":
		return func(args pyTuple) (any, error) {
			if len(args) == 0 {
				return nil, errStack
			}
			v, ok := args[0].(*view)
			if !ok {
				return nil, errStack
			}
			return v, nil
		}, true
	}
	if len(name) > len(prefix)+len(suffix) && name[:len(prefix)] == prefix && name[len(name)-len(suffix):] == suffix {
		return storageKind(name[len(prefix) : len(name)-len(suffix)])
	}
	return nil, false
}

// rebuildTensor takes storage, offset, shape and strides, and two things of no use here.
func rebuildTensor(args pyTuple) (any, error) {
	const least = 4
	if len(args) < least {
		return nil, errStack
	}
	s, ok1 := args[0].(*view)
	off, ok2 := args[1].(int64)
	size, ok3 := whole(args[2])
	stride, ok4 := whole(args[3])
	if !ok1 || !ok2 || !ok3 || !ok4 || s.size != nil || len(size) != len(stride) || len(size) > maxRank || off < 0 || off > s.n {
		return nil, fmt.Errorf("%w: a tensor without a proper shape", errCut)
	}
	return &view{of: s.of, offset: s.offset + off, n: s.n, size: size, stride: stride}, nil
}

// whole are the numbers of a tuple; strides and offsets that could overflow are refused.
func whole(v any) ([]int64, bool) {
	t, ok := v.(pyTuple)
	if !ok {
		return nil, false
	}
	out := make([]int64, len(t))
	for i, x := range t {
		n, ok := x.(int64)
		if !ok || n > 1<<48 || n < -1<<48 {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// refer makes the storage that a persistent id names: ("storage", class, key, device, elements), and in
// the older form a part of it.
func (t *torchFile) refer(id any) (any, error) {
	const least = 5
	p, ok := id.(pyTuple)
	if !ok || len(p) < least || p[0] != "storage" {
		return nil, errors.New("it refers to something that is no storage of numbers")
	}
	class, ok1 := p[1].(callable)
	key, ok2 := p[2].(string)
	n, ok3 := p[4].(int64)
	if !ok1 || !ok2 || !ok3 {
		return nil, fmt.Errorf("%w: a storage without a proper size", errCut)
	}
	k, err := class(nil)
	if err != nil {
		return nil, err
	}
	kind, ok := k.(element)
	if !ok {
		return nil, fmt.Errorf("%w: a storage of no kind", errCut)
	}
	if n < 0 || n > t.size/int64(kind.size) {
		return nil, fmt.Errorf("an array of %d elements is longer than the file", n)
	}
	s, ok := t.storages[key]
	if !ok {
		if t.stored += n * int64(kind.size); t.stored > t.size {
			return nil, fmt.Errorf("its arrays of %d bytes are longer than the file", t.stored)
		}
		s = &storage{kind: kind, n: n}
		t.storages[key] = s
		t.keys = append(t.keys, key)
	}
	if s.n != n || s.kind.size != kind.size || s.kind.whole != kind.whole {
		return nil, fmt.Errorf("%w: the storage %.40q has two sizes", errCut, key)
	}
	v := &view{of: s, n: n}
	if len(p) > least && p[least] != nil {
		part, ok := p[least].(pyTuple)
		if !ok || len(part) != 3 {
			return nil, errStack
		}
		off, ok1 := part[1].(int64)
		m, ok2 := part[2].(int64)
		if !ok1 || !ok2 || off < 0 || m < 0 || off > n || m > n-off {
			return nil, fmt.Errorf("%w: a part outside its storage", errCut)
		}
		v.offset, v.n = off, m
	}
	return v, nil
}

package device

import "github.com/fastnb/go/fastnb/tensor"

// Layout says how a value's axes lie on a device and how users see them. It is a property of each value of
// a plan, settled where the value is made: an op whose result is a map says so, a parameter says what it is.
type Layout uint8

// The layouts.
const (
	Plain     Layout = iota // as users see it
	Picture                 // [N, H, W, C] for users' [N, C, H, W]; a convolution's weight, [O, KH, KW, C] for [O, C, KH, KW], lies alike
	TimeMajor               // [T, N, ...] for users' [N, T, ...]
)

// LayoutOf is the layout that a user's array has on a device. It is the one place that reads it off an
// array: numbers in four axes are pictures, [N, C, H, W]. Class numbers, also those of pixels, are plain.
func LayoutOf(s Spec) Layout {
	if len(s.Shape) == 4 && s.DType != tensor.Int64 {
		return Picture
	}
	return Plain
}

// ClassAxis is the axis of a user's array that counts classes: that behind the items in pictures, else the
// last.
func ClassAxis(s Spec) int {
	if LayoutOf(s) == Picture {
		return 1
	}
	return -1
}

// Device is a user's shape as it is on a device.
func (l Layout) Device(s []int) []int {
	switch {
	case l == Picture && len(s) == 4:
		return []int{s[0], s[2], s[3], s[1]}
	case l == TimeMajor && len(s) > 1:
		return append([]int{s[1], s[0]}, s[2:]...)
	}
	return append([]int{}, s...)
}

// User is a device's shape as users see it.
func (l Layout) User(s []int) []int {
	switch {
	case l == Picture && len(s) == 4:
		return []int{s[0], s[3], s[1], s[2]}
	case l == TimeMajor && len(s) > 1:
		return append([]int{s[1], s[0]}, s[2:]...)
	}
	return append([]int{}, s...)
}

// ToDevice is a user's float32 array as it is on a device: itself where that is the same.
func (l Layout) ToDevice(t *tensor.Tensor) *tensor.Tensor {
	s := t.Shape()
	switch {
	case t.DType() != tensor.Float32 || l == Plain || len(s) < 2:
		return t
	case l == TimeMajor:
		return turned(t, l.Device(s), 1, s[0], s[1], tensor.Count(s[2:]))
	}
	return turned(t, l.Device(s), s[0], s[1], s[2]*s[3], 1)
}

// FromDevice is the way back.
func (l Layout) FromDevice(t *tensor.Tensor) *tensor.Tensor {
	s := t.Shape()
	switch {
	case t.DType() != tensor.Float32 || l == Plain || len(s) < 2:
		return t
	case l == TimeMajor:
		return turned(t, l.User(s), 1, s[0], s[1], tensor.Count(s[2:]))
	}
	return turned(t, l.User(s), s[0], s[1]*s[2], s[3], 1)
}

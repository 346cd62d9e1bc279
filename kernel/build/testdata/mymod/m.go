// Package mymod is for tests.
package mymod

import (
	"container/list"
	"strings"
)

// Greeting greets.
const Greeting = "hello"

// Shape has an area.
type Shape interface{ Area() float64 }

// Square is a shape.
type Square struct{ Side float64 }

// Area is the area.
func (s Square) Area() float64 { return s.Side * s.Side }

// Greet greets somebody.
func Greet(name string) string { return strings.ToUpper(Greeting) + " " + name }

// Total adds areas up.
func Total(shapes ...Shape) (t float64) {
	for _, s := range shapes {
		t += s.Area()
	}
	return t
}

// Map applies f to each of xs.
func Map[T, U any](xs []T, f func(T) U) []U {
	out := make([]U, 0, len(xs))
	for _, x := range xs {
		out = append(out, f(x))
	}
	return out
}

// Backwards is xs from its end. What it imports is not in the kernel.
func Backwards[T any](xs []T) (out []T) {
	l := list.New()
	for _, x := range xs {
		l.PushFront(x)
	}
	for e := l.Front(); e != nil; e = e.Next() {
		out = append(out, e.Value.(T))
	}
	return out
}

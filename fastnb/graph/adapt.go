package graph

import "fmt"

// guard runs f and turns a panic of Gorgonia's into an error: it panics on what it takes for
// programmers' mistakes, and a notebook must survive those.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("gorgonia: %v", r)
		}
	}()
	return f()
}

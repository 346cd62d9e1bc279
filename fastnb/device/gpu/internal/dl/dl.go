// Package dl calls C libraries that are found at run time: nothing of them is needed to build.
package dl

import (
	"errors"
	"fmt"
	"strings"
)

// Lib is a loaded library. It stays loaded.
type Lib struct {
	handle uintptr
	Path   string
}

// Open loads the first of the paths that can be loaded.
func Open(paths ...string) (*Lib, error) {
	var why []error
	for _, p := range paths {
		h, err := open(p)
		if err == nil {
			return &Lib{h, p}, nil
		}
		why = append(why, err)
	}
	return nil, fmt.Errorf("none of %s: %w", strings.Join(paths, ", "), errors.Join(why...))
}

// Table finds functions by name.
func (l *Lib) Table(into map[string]*uintptr) error {
	for name, to := range into {
		fn, err := symbol(l.handle, name)
		if err != nil {
			return fmt.Errorf("%s: %w", l.Path, err)
		}
		*to = fn
	}
	return nil
}

// Has finds a function that may be missing: 0 where it is.
func (l *Lib) Has(name string) uintptr {
	fn, err := symbol(l.handle, name)
	if err != nil {
		return 0
	}
	return fn
}

// Text is a string as C has it.
func Text(s string) *byte { return &append([]byte(s), 0)[0] }

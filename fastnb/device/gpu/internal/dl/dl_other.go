//go:build !((linux && (amd64 || arm64)) || darwin || freebsd)

package dl

import "errors"

var errSystem = errors.New("cards are not looked for on this system")

func open(string) (uintptr, error)            { return 0, errSystem }
func symbol(uintptr, string) (uintptr, error) { return 0, errSystem }

// Call calls a function with numbers and addresses and gives its result.
func Call(uintptr, ...uintptr) uintptr { panic(errSystem) }

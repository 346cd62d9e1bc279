// Package badinput makes every mistake that docs/bad-input.md lists and holds the page to what is said
// then: `go test ./internal/badinput -update` writes it anew.
package badinput

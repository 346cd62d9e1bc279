// Package cellcheck holds cells beside the Go compiler: small programs with the outputs that `go run` gave
// them, each run as cells, at the top level and in a function, and as a whole program in one cell. It has
// tests only.
//
// The programs are in testdata/*.txtar. A section NAME holds a program: cells parted by lines of three
// dashes, of which the last has the statements and those before it declarations. NAME.want is what the
// program prints when it is compiled: `go test ./kernel/cellcheck -update` writes it with the Go tool, and
// testdata/version says which one did. Where a notebook can do what a program cannot (declare a name
// twice), NAME.go holds the program that says what is meant.
//
// testdata/known.txt lists what fails and shall not; it is exact, so that what is mended leaves it
// (`-known` writes it). testdata/refused.txt lists what a session refuses, and with what words.
package cellcheck

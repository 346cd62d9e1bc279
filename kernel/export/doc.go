// Package export turns a notebook into a Go program that does the same work.
//
// It stands in the kernel's storey, beside the runner: [Program] takes a notebook and gives the source
// of a package main. What a cell may leave out is written: imports, the packages of names that cells see
// without import, the errors that the notebook would take for the reader, `_ = x` for variables that
// nothing uses. Values that a cell shows go through package cell/program, which prints them or writes
// them to files.
//
// The types that this needs come from the packages compiled into this binary, by reflection (world.go):
// neither their sources nor a Go tool is asked.
package export

// Package program is what a program exported from a notebook stands on (`fastnb nb export`): it shows
// what the notebook's cells showed, as text on the standard output and as files.
//
// A leaf beside [github.com/fastnb/go/cell]; it imports the display package and plotting.
package program

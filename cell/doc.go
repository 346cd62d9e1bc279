// Package cell is the door between a running notebook cell and the library: where output goes
// and how an interrupt arrives.
//
// It is a leaf: it imports nothing of ours, and both the library and the kernel import it. The
// kernel calls [Enter] around each cell; the library asks for [Context] in its long loops and shows
// things with [Display] and [NewDisplay]. In a plain Go program nobody called Enter: then Context
// is context.Background and displays print their text form on standard output.
package cell

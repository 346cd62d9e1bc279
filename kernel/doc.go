// Package kernel is the Jupyter side: it receives messages, gives cells to an interp.Session and
// sends back what they show.
//
// It stands above interp, bind and wire. [Run] serves one front end's connection; [Install] tells
// Jupyter about the kernel. A file handle_*.go holds the handlers of one subject.
package kernel

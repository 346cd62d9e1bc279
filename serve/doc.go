// Package serve puts models behind a web page and an HTTP interface: the routes of the lesson's starter, and more
// beside them. `fastnb serve` and learn.Serve() are made of it.
//
// It stands above the library and its applications, and is known to nothing but the command.
package serve

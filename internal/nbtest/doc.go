// Package nbtest runs the lesson's notebooks in tests, with their smallest values, and checks that
// each cell of the original is answered by the kind of output it had.
package nbtest

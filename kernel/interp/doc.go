// Package interp runs cells: a gomacro interpreter on a goroutine of its own, with what the notebook
// needs around it. It knows nothing of Jupyter: the kernel's handlers, the headless runner and tests
// all give cells to the same [Session].
//
// It stands in the kernel's storey and imports bind (what cells see) and cell (where output goes). A
// cell is split into magics and Go; the Go is rewritten where the interpreter lacks a feature and run
// statement by statement under the cell rule: an error that no variable took fails the cell.
package interp

// Package nb reads, runs, checks and writes notebook files (nbformat 4) without Jupyter.
//
// It stands beside the Jupyter handlers in the kernel's storey: both give cells to an
// interp.Session, so a notebook runs here exactly as it runs in JupyterLab. [Read] and
// [Notebook.Write] round-trip fields they do not know; [Run] executes the cells in order and
// collects their outputs; [Notebook.HTML] makes a page of it.
package nb

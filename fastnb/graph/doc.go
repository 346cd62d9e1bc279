// Package graph builds the computation of a model as a Gorgonia graph, lets Gorgonia differentiate
// it, and lowers the result to a device.Plan.
//
// It stands in the lower storey, above device and below nn; adapt.go is where Gorgonia's panics are
// tamed. Each op is a file op_*.go: its shape rule, its plain definition on the host, its
// derivative. A layer calls the [Builder]'s methods; the engine calls [Builder.Lower]. TapeMachine
// can run the same graph through the ops' Do: the tests' oracle.
package graph

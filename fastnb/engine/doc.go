// Package engine is one model on one device: it keeps the parameters, gradients and optimizer state
// there, builds a program for each batch shape once, and runs forward, backward and step.
//
// It stands in the lower storey, above nn, graph, optim and device; the learner above it sees host
// tensors with PyTorch's layouts and names only. Pictures go up as they are, [N, C, H, W]; the first step of
// a plan turns them to the device's [N, H, W, C], and what comes down is turned back by the layout that the
// plan says it has.
//
// # Work and waiting
//
// All work of an engine goes through one device.Queue, in order. Train, Forward, Step, AddGrads and TakeGrads
// put work in and do not wait; Result.Loss, Result.Output, State and ClipGrads read and so wait for what they
// read. What goes wrong in the work is told by the next of these. A batch's tensors must stay as they are
// until its result was read.
//
// # Two programs at the same time
//
// A device.Device may be used from any goroutine, an Engine and its Queue from one at a time. Whoever wants to
// run a model while another goroutine does, takes a queue of his own (Device.NewQueue) and input and output
// buffers of his own; parameters may be shared as long as each program only reads them, and so may compiled
// programs, whose runs then follow one another. The plan says what it does to each argument (device.Arg's
// Access): two programs may be queued at once if neither writes (Write or Both) what the other uses. A
// training step writes parameters, statistics, gradients and states. On the processor, which runs one program
// at a time, a forward pass beside it sees the parameters as they are between two programs: before or after
// an optimizer's step, never amid one. On a device that runs programs at the same time, the pass must wait for
// the step, and the step for the pass.
//
// Engines that share weights (HomeOf) see to that themselves: work that looks at the weights is put into a queue
// when the events of other engines' changes have passed, and a change when all that others do with them has. Who
// looks more than once and wants to see the same weights takes a Hold. An engine that is alone with its weights
// waits for nothing but what it reads.
package engine

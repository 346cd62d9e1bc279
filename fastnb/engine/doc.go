// Package engine is one model on one device: it keeps the parameters, gradients and optimizer state
// there, builds a program for each batch shape once, and runs forward, backward and step.
//
// It stands in the lower storey, above nn, graph, optim and device; the learner above it sees host
// tensors with PyTorch's layouts and names only. Pictures come as [N, C, H, W] and are turned to the
// device's [N, H, W, C] here and nowhere else.
package engine

// Package nn holds layers, losses and initialisers, a file each.
//
// It stands in the lower storey, above graph and below models. A [Layer] adds nodes to a
// graph.Builder; its [Param]s are named as PyTorch's state_dict names them and hold PyTorch's
// layouts on the host. The engine brings them to the device.
package nn

// Package goldentest holds layers and losses to reference values: it reads files of them, fills arrays
// by the formula that their makers used, and runs a layer forward and backward on a device.
//
// Only tests import it.
package goldentest

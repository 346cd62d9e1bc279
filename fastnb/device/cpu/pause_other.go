//go:build !amd64 || noasm

package cpu

// pause rests nowhere where the processor's hint is not known.
func pause(int) {}

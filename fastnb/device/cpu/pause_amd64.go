//go:build !noasm

package cpu

//go:generate go run github.com/fastnb/go/internal/asmgen -set pause -out gen_pause_amd64.s -stubs gen_pause_amd64.go -pkg cpu

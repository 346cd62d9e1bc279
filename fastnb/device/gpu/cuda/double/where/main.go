// Command where prints the path of the CUDA double's library, built if it has to be: what FASTNB_LIBCUDA wants.
package main

import (
	"fmt"
	"os"

	"github.com/fastnb/go/fastnb/device/gpu/cuda/double"
)

func main() {
	path, err := double.Path()
	if err != nil {
		fmt.Fprintln(os.Stderr, "where:", err)
		os.Exit(1)
	}
	fmt.Println(path)
}

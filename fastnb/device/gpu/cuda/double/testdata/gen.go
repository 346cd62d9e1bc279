//go:build ignore

// Command gen compiles every .cu of this folder to PTX, as the generator compiles the kernels.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	files, _ := filepath.Glob("testdata/*.cu")
	for _, f := range files {
		c := exec.Command("go", "run", "github.com/fastnb/go/internal/genptx", "-file", f, "-arch", "compute_80", "-ptxas", "-o", strings.TrimSuffix(f, ".cu")+".ptx")
		if out, err := c.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n%s", f, err, out)
			os.Exit(1)
		}
	}
}

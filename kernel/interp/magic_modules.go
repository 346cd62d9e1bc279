package interp

import (
	"fmt"
	"strings"

	"github.com/fastnb/go/kernel/bind"
)

// modules lists what a kernel has besides the standard library.
func modules(*cellLines) error {
	added := bind.Modules()
	if len(added) > 0 {
		fmt.Println("built in with --with:")
		for _, m := range added {
			path, version, _ := strings.Cut(m, "@")
			fmt.Println("  " + strings.TrimSpace(path+" "+version))
		}
	}
	fmt.Println("packages of modules:")
	std := 0
	for _, p := range bind.Available() {
		if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") {
			std++
			continue
		}
		fmt.Println("  " + p)
	}
	fmt.Printf("and %d of the standard library (%%pkgs lists all)\n", std)
	fmt.Println("In a terminal, fastnb kernel build --with MODULE[@VERSION] makes a kernel that has more.")
	return nil
}

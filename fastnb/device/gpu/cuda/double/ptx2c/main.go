// Command ptx2c translates one entry of PTX to C and compiles that to a library the CUDA double loads.
//
//	ptx2c -o kernel.so kernel.ptx      translate and compile
//	ptx2c -c -o kernel.c kernel.ptx    translate only
//
// CC names the compiler (default gcc). The headers are in the folder include beside the program. The double
// builds this program from its sources by themselves, so it imports the standard library only.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("o", "", "file to write")
	only := flag.Bool("c", false, "translate only")
	flag.Parse()
	if err := run(flag.Arg(0), *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "ptx2c:", err)
		os.Exit(1)
	}
}

func run(in, out string, only bool) error {
	text, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	m, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	c, err := translate(m)
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	if only {
		return os.WriteFile(out, []byte(c), 0o644)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	src := out + ".c"
	if err := os.WriteFile(src, []byte(c), 0o644); err != nil {
		return err
	}
	args := append(strings.Fields(flags()), "-I", filepath.Join(filepath.Dir(self), "include"), "-o", out, src, "-lm")
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "gcc"
	}
	if said, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", cc, strings.Join(args, " "), err, said)
	}
	return os.Remove(src)
}

// flags are the compiler's: those of the double's build, which knows the machine.
func flags() string {
	if f := os.Getenv("FASTNB_DOUBLE_CFLAGS"); f != "" {
		return f
	}
	return defaultFlags + strings.ReplaceAll(machineFlags, "\u00a0", " ")
}

const defaultFlags = "-O1 -w -shared -fPIC -fno-strict-aliasing -ffp-contract=off -fno-math-errno -fno-trapping-math -fwrapv "

// machineFlags is set when the program is built (-ldflags -X), with hard spaces.
var machineFlags string

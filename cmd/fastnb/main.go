// Command fastnb is the notebook kernel, the headless notebook runner and the tools beside them,
// in one binary.
//
// Results go to standard output; progress, notes and errors to standard error, errors on a line
// that starts with "fastnb: ". The exit status is 0, or 1 when the work failed, or 2 when the
// command line was wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/kernel"
)

// version is set by the linker in releases.
var version = "dev"

// errSilent fails the command without another word: what went wrong has been said.
var errSilent = errors.New("failed")

func main() {
	kernel.Version = version
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	root, err := bundled()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:gocritic // stop has nothing left to undo
	}
	if root == nil {
		root = rootCommand()
	}
	status := 2 // until the command line has been understood
	root.PersistentPreRun = func(*cobra.Command, []string) { status = 1 }
	if err := root.ExecuteContext(ctx); err != nil {
		if !errors.Is(err, errSilent) {
			fmt.Fprintln(os.Stderr, "fastnb:", strings.TrimPrefix(err.Error(), "fastnb: "))
		}
		os.Exit(status) //nolint:gocritic // stop has nothing left to undo
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "fastnb",
		Short:         "Deep learning in Go notebooks",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(kernelCommand(), nbCommand(), lessonCommand(), dataCommand(), doctorCommand(), benchCommand(), gpuCommand(), serveCommand())
	return root
}

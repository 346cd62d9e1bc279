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
	if c, err := root.ExecuteContextC(ctx); err != nil {
		if status == 2 {
			err = misused(c, err)
		}
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
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		switch {
		case c.Name() == "help":
			c.Args = helpTopic
		case c.HasSubCommands():
			// A group alone shows its help. cobra would do so for a word that is none of its commands too.
			c.RunE, c.Args = func(c *cobra.Command, _ []string) error { return c.Help() }, noSuchCommand
		}
	}
	return root
}

// noSuchCommand is the error of a word behind a group that is none of its commands.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	try := c.CommandPath() + " --help"
	c.SuggestionsMinimumDistance = 2 // letters that differ; cobra's default, which it sets for the root alone
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		try = c.CommandPath() + " " + near[0]
	}
	return fmt.Errorf("unknown command %q for %q (try %s)", args[0], c.CommandPath(), try)
}

// helpTopic is the error of help on something that there is not.
func helpTopic(c *cobra.Command, args []string) error {
	at := c.Root()
	for _, a := range args {
		next, _, err := at.Find([]string{a})
		if err != nil || next == at {
			return noSuchCommand(at, []string{a})
		}
		at = next
	}
	return nil
}

// misused adds to what is wrong with a command line how the command is used.
func misused(c *cobra.Command, err error) error {
	if strings.Contains(err.Error(), "(try ") {
		return err
	}
	if c.HasSubCommands() {
		return fmt.Errorf("%w (try %s --help)", err, c.CommandPath())
	}
	return fmt.Errorf("%s: %w (try %s, or --help)", strings.TrimPrefix(c.CommandPath(), "fastnb "), err, c.UseLine())
}

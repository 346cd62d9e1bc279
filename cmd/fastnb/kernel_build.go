package main

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/kernel/build"
)

func kernelBuild() *cobra.Command {
	var o build.Options
	var user, only bool
	var prefix string
	c := &cobra.Command{
		Use:   "build --with MODULE[@VERSION]...",
		Short: "Build a kernel with more packages in it, and tell Jupyter about it",
		Long: `Build a kernel whose cells can import more packages, and tell Jupyter about it.

--with names a module (github.com/samber/lo@v1.47.0), a package of a module, a package of the standard
library (container/heap), or a folder with a go.mod (./mymodule); it may be given several times. This needs Go,
and the network for modules that are not on this machine yet. %modules in a cell lists what a kernel has.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = cmd.ErrOrStderr()
			program, err := build.Build(cmd.Context(), o)
			if err != nil {
				return fmt.Errorf("fastnb: kernel build: %w", err)
			}
			cmd.Println("built " + program)
			if only {
				return nil
			}
			args := []string{"kernel", "install", "--name", o.Name}
			if prefix != "" {
				args = append(args, "--prefix", prefix)
			} else if user {
				args = append(args, "--user")
			}
			install := exec.CommandContext(cmd.Context(), program, args...)
			install.Stdout, install.Stderr = cmd.OutOrStdout(), os.Stderr
			return install.Run()
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.With, "with", nil, "a module, package or folder to build in")
	f.StringVarP(&o.Out, "output", "o", "", "the program to write (default fastnb-NAME)")
	f.StringVar(&o.Name, "name", "fastnb-more", "the kernel's name")
	f.StringVar(&o.Source, "source", "", "fastnb's source (default: around this program, or the current folder)")
	f.BoolVar(&user, "user", false, "install for this user (the default)")
	f.StringVar(&prefix, "prefix", "", "install below DIR/share/jupyter")
	f.BoolVar(&only, "no-install", false, "build, and leave Jupyter as it is")
	return c
}

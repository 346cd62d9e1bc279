package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/internal/wheel"
	"github.com/fastnb/go/kernel"
)

func kernelCommand() *cobra.Command {
	c := &cobra.Command{Use: "kernel", Short: "The Jupyter kernel"}
	var o kernel.InstallOptions
	install := &cobra.Command{
		Use:   "install",
		Short: "Tell Jupyter about this kernel",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := kernel.Install(o)
			if err == nil {
				cmd.Println("installed the kernel in " + dir)
			}
			return err
		},
	}
	install.Flags().BoolVar(&o.User, "user", false, "for this user (the default)")
	install.Flags().StringVar(&o.Prefix, "prefix", "", "below DIR/share/jupyter, as for a virtual environment")
	install.Flags().BoolVar(&o.SysPrefix, "sys-prefix", false, "below the prefix of the active Python or conda environment")
	install.Flags().StringVar(&o.Name, "name", kernel.Name, "under this name")
	install.MarkFlagsMutuallyExclusive("user", "prefix", "sys-prefix")
	run := &cobra.Command{
		Use:   "run CONNECTION_FILE",
		Short: "Serve a Jupyter front end; Jupyter itself calls this",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			// Ctrl-C interrupts the running cell, it does not end the kernel.
			return kernel.Run(context.WithoutCancel(cmd.Context()), args[0])
		},
	}
	c.AddCommand(install, run, kernelBuild(), wheelCommand())
	return c
}

// wheelCommand is for those who build the project: `make wheel`.
func wheelCommand() *cobra.Command {
	var platform, out, of string
	c := &cobra.Command{
		Use:    "wheel PROGRAM",
		Short:  "Pack a program built for a platform as a Python wheel",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := kernel.SpecFiles(wheel.Program(platform))
			if err != nil {
				return err
			}
			name, err := wheel.Write(out, of, platform, args[0], spec)
			if err == nil {
				cmd.Println(name)
			}
			return err
		},
	}
	c.Flags().StringVar(&platform, "platform", "linux/amd64", "what PROGRAM was built for, GOOS/GOARCH")
	c.Flags().StringVar(&out, "out", "dist", "folder of the wheel")
	c.Flags().StringVar(&of, "of", "0.1.0", "version")
	return c
}

package main

import (
	"github.com/spf13/cobra"

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
	install.MarkFlagsMutuallyExclusive("user", "prefix", "sys-prefix")
	run := &cobra.Command{
		Use:   "run CONNECTION_FILE",
		Short: "Serve a Jupyter front end; Jupyter itself calls this",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return kernel.Run(cmd.Context(), args[0]) },
	}
	c.AddCommand(install, run)
	return c
}

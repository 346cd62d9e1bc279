package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/kernel/export"
	"github.com/fastnb/go/kernel/nb"
)

func nbExportCommand() *cobra.Command {
	var out string
	var params []string
	var allowErrors bool
	c := &cobra.Command{
		Use:   "export [flags] NB.ipynb",
		Short: "Write a notebook as a Go program",
		Long: `Write the source of a Go program that does the work of the notebook: with its imports, and
with the errors that the notebook takes for you written out. Values that cells show are printed; pictures
become files. To build it, put it into a module that requires github.com/fastnb/go.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := nb.Read(args[0])
			if err != nil {
				return err
			}
			given, err := parameters(params)
			if err != nil {
				return err
			}
			if err := nb.Override(n, given); err != nil {
				return err
			}
			src, err := export.Program(n, filepath.Base(args[0]))
			if err != nil && (!allowErrors || src == nil) {
				return err
			}
			if err != nil {
				cmd.PrintErrln("fastnb: the program may not compile:", err)
			}
			if out == "" {
				_, err = cmd.OutOrStdout().Write(src)
				return err
			}
			if st, err := os.Stat(out); err == nil && st.IsDir() {
				out = filepath.Join(out, "main.go")
			}
			if err := nb.WriteFile(out, src); err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "wrote "+out)
			return nil
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "write here (a folder: to its main.go) in place of the standard output")
	c.Flags().StringArrayVarP(&params, "param", "p", nil, "NAME=VALUE: set a variable of the cell tagged parameters")
	c.Flags().BoolVar(&allowErrors, "allow-errors", false, "write what could be made of a notebook that does not fit into a program")
	return c
}

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/kernel/interp"
	"github.com/fastnb/go/kernel/nb"
)

func nbCheckCommand() *cobra.Command {
	var o nb.Options
	var params []string
	c := &cobra.Command{
		Use:   "check [flags] NB.ipynb...",
		Short: "Run notebooks and compare the kinds of their outputs with the stored ones",
		Long: `Run each notebook afresh and compare, cell by cell, which kinds of output come (streams, the MIME
types of displays and results, errors) with the outputs stored in the file. What the outputs say is not
compared. The file is not changed. The exit status is 1 if a cell failed or differs.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Params, err = parameters(params); err != nil {
				return err
			}
			return nbCheck(cmd.Context(), args, o)
		},
	}
	c.Flags().DurationVar(&o.Timeout, "timeout", time.Duration(0), "interrupt a cell after this time, as 90s or 10m (0: never)")
	c.Flags().StringArrayVarP(&params, "param", "p", nil, "NAME=VALUE: set a variable of the cell tagged parameters")
	return c
}

func nbCheck(ctx context.Context, files []string, o nb.Options) error {
	w := interp.RealStdout()
	o.Progress = w
	bad := false
	for _, f := range files {
		diff, sum, err := nb.CheckFile(ctx, f, o)
		if err != nil {
			return err
		}
		for _, d := range diff {
			fmt.Fprintln(w, d)
		}
		fmt.Fprintf(w, "%s: %d cells differ\n%s\n", f, len(diff), sum)
		bad = bad || len(diff) > 0 || sum.Failed > 0
	}
	if bad {
		return errSilent
	}
	return nil
}

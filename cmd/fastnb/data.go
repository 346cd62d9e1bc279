package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/datasets"
)

func dataCommand() *cobra.Command {
	c := &cobra.Command{Use: "data", Short: "Data sets: list them, get one, draw a generated one"}
	c.AddCommand(dataListCommand(), dataGetCommand(), dataSampleCommand())
	return c
}

func dataListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the data sets of the catalogue",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "name\tMB\ttwin\taddress")
			for _, u := range datasets.Catalogue() {
				size, twin, address := "?", "", u.Address
				if u.Size > 0 {
					size = fmt.Sprint(u.Size >> 20)
				}
				if datasets.HasTwin(u.Name) {
					twin = "yes"
				}
				if address == "" {
					address = "by hand: " + u.Note
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", u.Name, size, twin, address)
			}
			return w.Flush()
		},
	}
}

func dataGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get NAME",
		Short: "Fetch a data set into FASTNB_HOME and print its folder",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := datasets.GetData(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s (%s)\n", p, datasets.Source(p))
			return nil
		},
	}
}

func dataSampleCommand() *cobra.Command {
	var n, h, w int
	c := &cobra.Command{
		Use:   "sample NAME [DIR]",
		Short: "Draw the generated twin of a data set into DIR (NAME-twin)",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := args[0] + "-twin"
			if len(args) == 2 {
				dir = args[1]
			}
			if err := datasets.SampleData(args[0], datasets.NewPath(dir), n, datasets.TwinSize(h, w)); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), dir)
			return nil
		},
	}
	c.Flags().IntVarP(&n, "items", "n", 0, "at least so many items (0: the generator's default)")
	c.Flags().IntVar(&h, "height", 0, "of the pictures, pixels (0: the generator's default)")
	c.Flags().IntVar(&w, "width", 0, "of the pictures, pixels (0: the generator's default)")
	return c
}

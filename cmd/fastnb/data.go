package main

import (
	"github.com/spf13/cobra"
)

func dataCommand() *cobra.Command {
	c := &cobra.Command{Use: "data", Short: "Data sets: list them, get one, draw a generated one"}
	return c
}

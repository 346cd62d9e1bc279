package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/kernel/interp"
	"github.com/fastnb/go/kernel/nb"
)

func lessonCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "lesson NB.ipynb [STEP]",
		Short: "List a lesson's steps beside the original's, or show one",
		Long: "lesson lists a lesson's steps: the number of the original's cell, what it calls in fastai, and what it shows.\n" +
			"With a number it shows that step whole. With -o it writes the notebook with the original's calls\n" +
			"folded above the cells, to be opened in JupyterLab.",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			n, err := nb.Read(args[0])
			if err != nil {
				return err
			}
			steps := n.Steps()
			if len(steps) == 0 {
				return fmt.Errorf("lesson: %s: no cell answers an original's (its metadata have no {\"fastnb\": {\"original\": N}})", args[0])
			}
			w := interp.RealStdout()
			switch {
			case out != "":
				return n.Beside().Write(out)
			case len(args) == 2:
				return showStep(w, steps, args[1])
			}
			listSteps(w, steps)
			return nil
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "write the notebook with the original's calls folded above its cells")
	return c
}

// short cuts a line to what a terminal shows beside another.
func short(s string, n int) string {
	s, _, more := strings.Cut(s, "\n")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	} else if more {
		return s + " …"
	}
	return s
}

func listSteps(w io.Writer, steps []nb.Step) {
	section := ""
	for _, s := range steps {
		if s.Section != section {
			section = s.Section
			fmt.Fprintf(w, "\n%s\n", section)
		}
		call, shows := s.Python, s.Output
		if call == "" {
			call = "(empty)"
		}
		if shows != "" {
			shows = "shows " + shows
		}
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%4d  %-58s  %s", s.Original, short(call, 58), shows), " "))
	}
}

func showStep(w io.Writer, steps []nb.Step, number string) error {
	k, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("lesson: step %q is no number", number)
	}
	for _, s := range steps {
		if s.Original != k {
			continue
		}
		fmt.Fprintf(w, "step %d, %s\n\nin fastai:\n  %s\n", k, s.Section, s.Python)
		if s.Output != "" {
			fmt.Fprintf(w, "  shows %s\n", s.Output)
		}
		fmt.Fprintf(w, "\nhere:\n  %s\n", strings.ReplaceAll(s.Cell.Source, "\n", "\n  "))
		if shows := s.Cell.Shows(); shows != "" {
			fmt.Fprintf(w, "  shows %s\n", shows)
		}
		return nil
	}
	return fmt.Errorf("lesson: there is no step %d: the steps are code cells %d to %d of the original", k, steps[0].Original, steps[len(steps)-1].Original)
}

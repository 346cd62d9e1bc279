package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/kernel/interp"
	"github.com/fastnb/go/kernel/nb"
	"github.com/fastnb/go/plotting"
)

func nbCommand() *cobra.Command {
	c := &cobra.Command{Use: "nb", Short: "Run notebooks without Jupyter"}
	c.AddCommand(nbRunCommand(), nbCheckCommand(), nbExportCommand())
	return c
}

type nbRun struct {
	out, html   string
	timeout     time.Duration
	allowErrors bool
	static      bool
	params      []string
}

func nbRunCommand() *cobra.Command {
	var o nbRun
	c := &cobra.Command{
		Use:   "run [flags] NB.ipynb...",
		Short: "Run the cells of notebooks in order",
		Long: `Run the code cells of each notebook in order, in the notebook's folder, with a fresh
session of the kernel's interpreter. The notebook itself is not changed: its executed copy goes to
-o, a page of it to --html. The exit status is 1 if a cell failed.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	f := c.Flags()
	f.StringVarP(&o.out, "output", "o", "", "write the executed notebook here (a folder when several are run)")
	f.StringVar(&o.html, "html", "", "write an HTML page here (a folder when several are run)")
	f.DurationVar(&o.timeout, "timeout", 0, "interrupt a cell after this time, as 90s or 10m (0: never)")
	f.BoolVar(&o.allowErrors, "allow-errors", false, "go on after a cell that failed")
	f.BoolVar(&o.static, "static", false, "leave scripts out of the outputs")
	f.StringArrayVarP(&o.params, "param", "p", nil, "NAME=VALUE: set a variable of the cell tagged parameters")
	return c
}

func (o *nbRun) run(ctx context.Context, files []string) error {
	params, err := parameters(o.params)
	if err != nil {
		return err
	}
	stdout := interp.RealStdout()
	failed := false
	for _, f := range files {
		bad, err := o.one(ctx, f, params, len(files) > 1, stdout)
		if err != nil {
			return err
		}
		failed = failed || bad
	}
	if failed {
		return errSilent
	}
	return nil
}

// parameters reads NAME=VALUE.
func parameters(list []string) (map[string]string, error) {
	params := map[string]string{}
	for _, p := range list {
		k, v, ok := strings.Cut(p, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("parameter %q is not NAME=VALUE", p)
		}
		params[k] = v
	}
	return params, nil
}

func (o *nbRun) one(ctx context.Context, file string, params map[string]string, many bool, w io.Writer) (failed bool, err error) {
	out, err := target(o.out, file, ".ipynb", many)
	if err != nil {
		return false, err
	}
	page, err := target(o.html, file, ".html", many)
	if err != nil {
		return false, err
	}
	plotting.SetStatic(o.static)
	n, sum, err := nb.RunFile(ctx, file, nb.Options{
		Timeout: o.timeout, AllowErrors: o.allowErrors, Static: o.static, Params: params, Progress: w,
	})
	if err != nil {
		return false, err
	}
	if out != "" {
		if err := n.Write(out); err != nil {
			return false, err
		}
	}
	if page != "" {
		b, err := n.HTML(strings.TrimSuffix(filepath.Base(file), ".ipynb"))
		if err != nil {
			return false, err
		}
		if err := nb.WriteFile(page, b); err != nil {
			return false, err
		}
	}
	fmt.Fprintln(w, sum)
	return sum.Failed > 0, nil
}

// target is the absolute name of the file to write for a notebook; the run itself changes the
// working folder.
func target(to, notebook, ext string, many bool) (string, error) {
	if to == "" {
		return "", nil
	}
	if st, err := os.Stat(to); many || err == nil && st.IsDir() {
		to = filepath.Join(to, strings.TrimSuffix(filepath.Base(notebook), ".ipynb")+ext)
	}
	return filepath.Abs(to)
}

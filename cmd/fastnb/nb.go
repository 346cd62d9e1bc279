package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/internal/whole"
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
		RunE: func(cmd *cobra.Command, args []string) error {
			// The first signal interrupts the running cell, and what there is is written; the second ends the
			// process at once.
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			context.AfterFunc(ctx, func() {
				stop()
				signal.Reset(os.Interrupt)
			})
			err := o.run(ctx, args)
			if err == nil && ctx.Err() != nil {
				err = errSilent
			}
			return err
		},
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
	for _, to := range []string{out, page} {
		if err := writable(to); err != nil {
			return false, err
		}
	}
	plotting.SetStatic(o.static)
	opts := nb.Options{Timeout: o.timeout, AllowErrors: o.allowErrors, Static: o.static, Params: params, Progress: w}
	if out != "" {
		opts.Save = func(b []byte) error { return nb.WriteFile(out, b) }
	}
	n, sum, err := nb.RunFile(ctx, file, opts)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(w, sum)
	if out != "" {
		err = n.Write(out)
	}
	kept := out != "" && err == nil
	if page != "" {
		b, bad := n.HTML(strings.TrimSuffix(filepath.Base(file), ".ipynb"))
		if bad == nil {
			bad = nb.WriteFile(page, b)
		}
		err = errors.Join(err, bad)
	}
	if err != nil && !kept {
		err = rescue(n, filepath.Dir(file), err)
	}
	return sum.Failed > 0, err
}

// roomFor is how much of an executed notebook must fit before anything is run.
const roomFor = 1 << 20

// writable finds out, before the first cell, whether the file to can be written.
func writable(to string) error {
	if to == "" {
		return nil
	}
	if st, err := os.Stat(to); err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("writing %s: it is no file (nothing was run)", to)
	}
	err := os.MkdirAll(filepath.Dir(to), 0o777)
	if err == nil {
		err = whole.Probe(to, roomFor)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w (nothing was run; try another place for the output)", to, err)
	}
	return nil
}

// rescue keeps an executed notebook that cannot be written where it should be: among the temporary files, else
// beside the notebook, else at home.
func rescue(n *nb.Notebook, beside string, why error) error {
	places := []string{os.TempDir(), beside}
	if home, err := os.UserHomeDir(); err == nil {
		places = append(places, home)
	}
	for _, dir := range places {
		f, err := os.CreateTemp(dir, "fastnb-*.ipynb")
		if err != nil {
			continue
		}
		_ = f.Close()
		if err := n.Write(f.Name()); err != nil {
			_ = os.Remove(f.Name())
			continue
		}
		return fmt.Errorf("%w\nwhat was run is kept in %s", why, f.Name())
	}
	return fmt.Errorf("%w\nwhat was run could not be kept in %s either: its outputs are lost but for what was kept meanwhile", why, strings.Join(places, ", "))
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

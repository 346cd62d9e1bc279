package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/serve"
)

// serveFlags are what the command line of serve says.
type serveFlags struct {
	serve.Config

	quiet                 bool
	maxMB                 int64
	init, bundle, program string
}

func serveCommand() *cobra.Command {
	var o serveFlags
	cmd := &cobra.Command{
		Use:   "serve EXPORT...",
		Short: "Put exported models behind a web page",
		Long: `Serve what learn.Export wrote: a page to try the model, POST /analyze as in the lesson's starter,
/api/predict with probabilities, masks and points, /api/generate for language models, /camera, /api with
calls to copy, /healthz and /metrics.

Each EXPORT is PATH, or https://HOST/FILE#sha256=SUM, which is fetched once; NAME= in front names it. The
first model is the page's. A file that is replaced is taken up while serving.

It listens on this machine alone unless --addr says otherwise; then it asks for a token, which it makes
up and prints once unless --token names one or --open lets everybody in.

With --init or --bundle nothing is served: the one writes a folder to start a web app from, the other one
program with models and page in it.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.init != "" {
				return nil
			}
			return cobra.MinimumNArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			sources, err := serveSources(args)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			switch {
			case o.init != "" && o.bundle != "":
				return errors.New("fastnb: serve: --init and --bundle do different things (try one of them)")
			case o.init != "":
				return o.writeStarter(ctx, cmd, sources)
			case o.bundle != "":
				return o.writeBundle(ctx, cmd, sources)
			}
			return o.serve(ctx, cmd, sources)
		},
	}
	o.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Static, "static", "", "folder with a page of one's own (index.html, and the files of /static/)")
	f.StringVar(&o.init, "init", "", "write a starter into this folder: page, Dockerfile, descriptors for hosts, the models")
	f.StringVar(&o.bundle, "bundle", "", "write one program with models and page in it to this file")
	f.StringVar(&o.program, "program", "", "with --bundle: the fastnb to put them in, as one for another system (default: this one)")
	return cmd
}

// flags are the flags of a server, which bundles have too.
func (o *serveFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.Addr, "addr", "127.0.0.1:8080", "where to listen: HOST:PORT")
	f.StringVar(&o.Token, "token", "", "what requests must bring")
	f.BoolVar(&o.Open, "open", false, "ask for no token though others can reach the server")
	f.StringVar(&o.Flags, "flag", "", "folder in which the page's flag button keeps inputs, answers and what is right, as a data set")
	f.BoolVar(&o.MCP, "mcp", false, "make the models tools for programs at /mcp, by the Model Context Protocol")
	f.StringSliceVar(&o.Origins, "cors", nil, "sites whose pages may ask from a browser, as https://example.org")
	f.StringSliceVar(&o.Hosts, "host", nil, "further names that the server may be asked by")
	f.Int64Var(&o.maxMB, "max-mb", 10, "largest request in MB")
	f.IntVar(&o.MaxPixels, "max-pixels", 40_000_000, "most pixels of a picture")
	f.IntVar(&o.MaxQueue, "queue", 64, "most requests that are answered or wait")
	f.DurationVar(&o.Timeout, "timeout", 0, "longest time of an answer (default 1m)")
	f.BoolVar(&o.quiet, "quiet", false, "log no requests")
}

func serveSources(args []string) ([]serve.Source, error) {
	var sources []serve.Source
	for _, a := range args {
		s, err := serve.ParseSource(a)
		if err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// serve serves until the program is told to end.
func (o *serveFlags) serve(ctx context.Context, cmd *cobra.Command, sources []serve.Source) error {
	o.MaxBody = o.maxMB << 20
	if !o.quiet {
		o.Log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
	}
	s, err := serve.New(ctx, sources, o.Config)
	if err != nil {
		return err
	}
	return s.Run(ctx, func(a net.Addr) { announce(cmd, s, a) })
}

func (o *serveFlags) writeStarter(ctx context.Context, cmd *cobra.Command, sources []serve.Source) error {
	program, err := os.Executable()
	if err != nil {
		program = "" // the starter says that it is missing
	}
	missing, err := serve.Init(ctx, serve.Starter{Dir: o.init, Models: sources, Program: program})
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "written:", o.init, "(README.md says how to go on)")
	if missing != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "still missing:", missing)
	}
	return nil
}

func (o *serveFlags) writeBundle(ctx context.Context, cmd *cobra.Command, sources []serve.Source) error {
	if o.program == "" {
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("fastnb: serve: bundle: this program's file cannot be told: %w (try --program)", err)
		}
		o.program = program
	}
	if err := serve.WriteBundle(ctx, o.bundle, o.program, o.Static, sources); err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), "written:", o.bundle, "(run it; --help tells its flags)")
	return nil
}

// bundled is the command of a program with models in it, nil for the plain program.
func bundled() (*cobra.Command, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil //nolint:nilerr // then it is no bundle that anybody could open
	}
	b, err := serve.OpenBundle(program)
	if err != nil || b == nil {
		return nil, err
	}
	var o serveFlags
	cmd := &cobra.Command{
		Use: filepath.Base(program), Short: "Serve the models in this program", Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true, Version: version,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			o.Pages = b.Pages
			return o.serve(ctx, cmd, b.Models)
		},
	}
	o.flags(cmd)
	return cmd, nil
}

// announce says on standard output where the server is.
func announce(cmd *cobra.Command, s *serve.Server, a net.Addr) {
	url := "http://" + a.String() + "/"
	if t := s.Token(); t != "" {
		url += "?token=" + t
	}
	fmt.Fprintln(cmd.OutOrStdout(), "serving at", url)
}

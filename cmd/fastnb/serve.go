package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fastnb/go/serve"
)

func serveCommand() *cobra.Command {
	var c serve.Config
	var quiet bool
	var maxMB int64
	cmd := &cobra.Command{
		Use:   "serve EXPORT...",
		Short: "Put exported models behind a web page",
		Long: `Serve what learn.Export wrote: a page to try the model, POST /analyze as in the lesson's starter,
/api/predict with probabilities, masks and points, /api/generate for language models, /camera, /api with
calls to copy, /healthz and /metrics. Each EXPORT is PATH or
NAME=PATH; the first model is the page's. A file that is replaced is taken up while serving.

It listens on this machine alone unless --addr says otherwise; then it asks for a token, which it makes
up and prints once unless --token names one or --open lets everybody in.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var sources []serve.Source
			for _, a := range args {
				s, err := serve.ParseSource(a)
				if err != nil {
					return err
				}
				sources = append(sources, s)
			}
			c.MaxBody = maxMB << 20
			if !quiet {
				c.Log = slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
			}
			s, err := serve.New(sources, c)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return s.Run(ctx, func(a net.Addr) { announce(ctx, cmd, s, a) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Addr, "addr", "127.0.0.1:8080", "where to listen: HOST:PORT")
	f.StringVar(&c.Token, "token", "", "what requests must bring")
	f.BoolVar(&c.Open, "open", false, "ask for no token though others can reach the server")
	f.StringVar(&c.Static, "static", "", "folder with a page of one's own (index.html, and the files of /static/)")
	f.StringVar(&c.Flags, "flag", "", "folder in which the page's flag button keeps inputs, answers and what is right, as a data set")
	f.StringSliceVar(&c.Origins, "cors", nil, "sites whose pages may ask from a browser, as https://example.org")
	f.StringSliceVar(&c.Hosts, "host", nil, "further names that the server may be asked by")
	f.Int64Var(&maxMB, "max-mb", 10, "largest request in MB")
	f.IntVar(&c.MaxPixels, "max-pixels", 40_000_000, "most pixels of a picture")
	f.IntVar(&c.MaxQueue, "queue", 64, "most requests that are answered or wait")
	f.DurationVar(&c.Timeout, "timeout", 0, "longest time of an answer (default 1m)")
	f.BoolVar(&quiet, "quiet", false, "log no requests")
	return cmd
}

// announce says on standard output where the server is.
func announce(_ context.Context, cmd *cobra.Command, s *serve.Server, a net.Addr) {
	url := "http://" + a.String() + "/"
	if t := s.Token(); t != "" {
		url += "?token=" + t
	}
	fmt.Fprintln(cmd.OutOrStdout(), "serving at", url)
}

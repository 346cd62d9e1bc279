package serve

import (
	"io/fs"
	"log/slog"
	"time"
)

// Config says how a server treats those who ask. The zero value is safe for a machine of one's own.
type Config struct {
	// Addr is where to listen: "127.0.0.1:8080" by default.
	Addr string
	// Token must come with each request, as "Authorization: Bearer TOKEN" or "?token=TOKEN". Without one, a
	// server that others can reach makes one up, unless Open.
	Token string
	// Elsewhere lets in who brings it as a token, by whatever name and from whatever page, where nobody else may: for
	// servers of this machine that are reached through another server, as Jupyter's.
	Elsewhere string
	// Open lets a server that others can reach go without a token.
	Open bool
	// Static is a folder with a page of one's own: its index.html and the files of /static/. What it lacks is
	// the built-in page's. "" is the built-in page.
	Static string
	// Pages are the files of such a folder, where they are in none. Static is not looked at then.
	Pages fs.FS
	// Flags is a folder in which the page's flag button keeps inputs, answers and what users say is right, as a
	// data set of each model. "" keeps nothing.
	Flags string
	// MCP makes the models tools for programs at /mcp, by the Model Context Protocol.
	MCP bool
	// Origins are the sites whose pages may ask from a browser: none but the server's own by default.
	Origins []string
	// Hosts are further names that the server may be asked by.
	Hosts []string

	MaxBody   int64         // bytes of a request: 10 MB
	MaxPixels int           // of a picture, looked at before it is decoded: 40 million
	MaxQueue  int           // requests that are being answered or wait: 64; who comes then is told to come again
	Timeout   time.Duration // of one answer: 60 s
	Grace     time.Duration // for what was taken, when the server ends: 30 s

	// Log takes a line a request; nil logs nothing.
	Log *slog.Logger
}

func (c Config) filled() Config {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:8080"
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 10 << 20
	}
	if c.MaxPixels <= 0 {
		c.MaxPixels = 40e6
	}
	if c.MaxQueue <= 0 {
		c.MaxQueue = 64
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	if c.Grace <= 0 {
		c.Grace = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Limits of a connection: how long it may take to send a head and a body; tests shorten them.
var (
	headTime = 5 * time.Second
	bodyTime = 30 * time.Second
)

// How long a connection may stay without a word, and how large a head may be.
const (
	idleTime = 2 * time.Minute
	maxHead  = 64 << 10
)

package serve

import (
	"context"
	"net"

	"github.com/fastnb/go/fastnb"
)

func init() { fastnb.RegisterServer(serveHere) }

// serveHere serves a model of a notebook on a free port of this machine.
func serveHere(m *fastnb.Model) (url, token string, stop func() error, err error) {
	s, err := Of("model", m, Config{Addr: "127.0.0.1:0", Elsewhere: newToken()})
	if err != nil {
		return "", "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() { ended <- s.Run(ctx, func(a net.Addr) { ready <- a }) }()
	select {
	case a := <-ready:
		return "http://" + a.String() + "/", s.cfg.Elsewhere, func() error { cancel(); return <-ended }, nil
	case err := <-ended:
		cancel()
		return "", "", nil, err
	}
}

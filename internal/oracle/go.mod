// The oracle: stock gophernotes v0.7.5 with its own gomacro, built by `make oracle` and compared with our
// kernel by test/jupyter/oracle.py. A module of its own, since it wants versions the product must not have.
module github.com/fastnb/go/internal/oracle

go 1.26

require (
	github.com/cosmos72/gomacro v0.0.0-20220530072503-c719ab5c40fc // indirect
	github.com/go-zeromq/goczmq/v4 v4.2.2 // indirect
	github.com/go-zeromq/zmq4 v0.14.1 // indirect
	github.com/gofrs/uuid v4.2.0+incompatible // indirect
	github.com/gopherdata/gophernotes v0.7.5 // indirect
	github.com/mattn/go-runewidth v0.0.13 // indirect
	github.com/peterh/liner v1.2.1 // indirect
	github.com/rivo/uniseg v0.2.0 // indirect
	golang.org/x/mod v0.29.0 // indirect
	golang.org/x/sync v0.17.0 // indirect
	golang.org/x/tools v0.38.0 // indirect
)

godebug gotypesalias=0

tool github.com/gopherdata/gophernotes

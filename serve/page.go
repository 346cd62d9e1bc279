package serve

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
)

//go:embed static
var embedded embed.FS

// builtin is the page that comes with the program.
func builtin() fs.FS {
	f, err := fs.Sub(embedded, "static")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return f
}

// layered is a folder of somebody's own, with the built-in files behind it: what the folder lacks is the
// program's.
type layered struct{ own, builtin fs.FS }

// Open opens a file of the folder, or the built-in one. A file that is there and cannot be read is an error.
func (l layered) Open(name string) (fs.File, error) {
	f, err := l.own.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return l.builtin.Open(name)
	}
	return f, err
}

// pages opens the files of the page: those built in, or a folder's. No path leads out of it.
func pages(static string, own fs.FS) (fs.FS, error) {
	switch {
	case own != nil:
		return layered{own, builtin()}, nil
	case static == "":
		return builtin(), nil
	}
	root, err := os.OpenRoot(static)
	if err != nil {
		return nil, fmt.Errorf("fastnb: serve: folder of the page: %w (try fastnb serve --init FOLDER, which writes one)", err)
	}
	return layered{root.FS(), builtin()}, nil
}

// fresh lets browsers ask whether a file has changed each time: pages are edited while they are served.
func fresh(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

// static serves the files of the page.
func (s *Server) static() http.Handler {
	h := fresh(http.FileServerFS(s.files))
	return get(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "" || strings.HasSuffix(r.URL.Path, "/") { // no lists of files
			writeError(w, fail(http.StatusNotFound, "there is no such file"))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// page serves one page.
func (s *Server) page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, s.files, name)
	}
}

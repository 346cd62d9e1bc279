package bind

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"fmt"
	"go/token"
	"go/types"
	"path"
	"strings"
	"sync"

	"golang.org/x/tools/go/gcexportdata"

	"github.com/fastnb/go/kernel/bind/list"
)

//go:embed gen_types_other.zip
var otherTypes []byte

//go:embed gen_types_own.zip
var ownTypes []byte

const displayPath = "github.com/fastnb/go/cell/display"

// World gives the types of the packages that cells may import, each read when it is asked for. Two worlds have
// different types. It may be used from any goroutine.
type World struct {
	mu    sync.Mutex
	files map[string]*zip.File
	read  map[string]*types.Package
	some  map[string]*types.Package // those and, in part, what they refer to
}

// NewWorld makes a world.
func NewWorld() (*World, error) {
	w := &World{files: map[string]*zip.File{}, read: map[string]*types.Package{}, some: map[string]*types.Package{}}
	for _, packed := range [][]byte{otherTypes, ownTypes, []byte(extras.types)} {
		if len(packed) == 0 {
			continue
		}
		z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
		if err != nil {
			return nil, fmt.Errorf("kernel: the types of the packages: %w", err)
		}
		for _, f := range z.File {
			w.files[f.Name] = f
		}
	}
	return w, nil
}

// aliases are the other names that packages have in cells.
var aliases = sync.OnceValue(func() map[string]string {
	out := map[string]string{"display": displayPath, "github.com/gopherdata/gophernotes": displayPath}
	for _, p := range append(append([]string{}, list.Dotted...), list.Named...) {
		if strings.HasPrefix(p, "github.com/fastnb/") {
			out[path.Base(p)] = p // import "fastnb"
		}
	}
	return out
})

// Package is the package of a path, the short names of our own ("fastnb") among them; nil if there is none.
func (w *World) Package(p string) *types.Package {
	w.mu.Lock()
	defer w.mu.Unlock()
	if full, ok := aliases()[p]; ok {
		p = full
	}
	if pkg, ok := w.read[p]; ok {
		return pkg
	}
	f := w.files[p]
	if f == nil {
		return nil
	}
	pkg, err := w.load(f, p)
	if err != nil { // the generator's test keeps the files whole
		pkg = nil
	}
	w.read[p] = pkg
	return pkg
}

func (w *World) load(f *zip.File, p string) (*types.Package, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // memory
	return gcexportdata.Read(r, token.NewFileSet(), w.some, p)
}

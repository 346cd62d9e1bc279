package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/tools/go/gcexportdata"
	"golang.org/x/tools/go/packages"
)

// The types of the bound packages, which cells are checked against, each package by itself: a session reads
// those that its cells speak of. Our own stand apart from the others, so that a change of ours writes a small
// file anew.
const (
	ownTypes   = "gen_types_own.zip"
	otherTypes = "gen_types_other.zip"
)

// writeTypes writes what go/types must know of the bound packages.
func writeTypes(out string, pkgs []*packages.Package) error {
	var own, other []*types.Package
	for _, p := range pkgs {
		if strings.HasPrefix(p.PkgPath, "github.com/fastnb/") {
			own = append(own, p.Types)
		} else {
			other = append(other, p.Types)
		}
	}
	if err := writeArchive(filepath.Join(out, ownTypes), own); err != nil {
		return err
	}
	return writeArchive(filepath.Join(out, otherTypes), other)
}

// writeArchive leaves positions out: they would name the folders of the machine that made the file.
func writeArchive(name string, pkgs []*types.Package) error {
	sort.Slice(pkgs, func(i, j int) bool { return pkgs[i].Path() < pkgs[j].Path() })
	var all bytes.Buffer
	z := zip.NewWriter(&all)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, p := range pkgs {
		w, err := z.CreateHeader(&zip.FileHeader{Name: p.Path(), Method: zip.Deflate})
		if err != nil {
			return err
		}
		if err := gcexportdata.Write(w, token.NewFileSet(), p); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, all.Bytes(), 0o644)
}

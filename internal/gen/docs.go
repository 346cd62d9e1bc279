package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

// docsFile holds what inspection shows: the declaration and the comment of each name.
const docsFile = "gen_docs.json.gz"

// longestDoc is how many bytes of a comment are kept.
const longestDoc = 1500

// writeDocs writes the docs of packages: by "path.Name" or "path.Type.Method" the declaration, an empty
// line and the comment.
func writeDocs(out string, pkgs []*packages.Package) error {
	all := map[string]string{}
	for _, p := range pkgs {
		if err := docsOf(p, all); err != nil {
			return err
		}
	}
	js, err := json.Marshal(all)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(js); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, docsFile), b.Bytes(), 0o644)
}

func docsOf(p *packages.Package, all map[string]string) error {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	d, err := doc.NewFromFiles(fset, files, p.PkgPath)
	if err != nil {
		return err
	}
	put := func(key string, decl ast.Node, comment string) {
		var b bytes.Buffer
		if f, ok := decl.(*ast.FuncDecl); ok {
			c := *f
			c.Body, c.Doc = nil, nil
			decl = &c
		}
		if decl != nil {
			_ = (&printer.Config{Mode: printer.UseSpaces, Tabwidth: 4}).Fprint(&b, fset, decl)
		}
		if len(comment) > longestDoc {
			comment = strings.ToValidUTF8(comment[:longestDoc], "") + "..."
		}
		all[p.PkgPath+key] = strings.TrimSpace(b.String() + "\n\n" + comment)
	}
	put("", nil, "package "+p.Name+"\n\n"+d.Doc)
	funcs := func(prefix string, list []*doc.Func) {
		for _, f := range list {
			put("."+prefix+f.Name, f.Decl, f.Doc)
		}
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			for _, n := range v.Names {
				put("."+n, nil, v.Doc)
			}
		}
	}
	funcs("", d.Funcs)
	values(d.Vars)
	values(d.Consts)
	for _, t := range d.Types {
		put("."+t.Name, nil, "type "+t.Name+"\n\n"+t.Doc)
		funcs("", t.Funcs)
		funcs(t.Name+".", t.Methods)
		values(t.Vars)
		values(t.Consts)
	}
	return nil
}

// Command gen writes kernel/bind: for each package that cells may import, a file that hands its
// functions, variables, constants and types to the interpreter. Which packages those are is said in
// kernel/bind/prelude.go and nowhere else.
//
// Exported generic functions and types cannot be handed over and are left out.
package main

import (
	"flag"
	"fmt"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/fastnb/go/kernel/bind/list"
)

// displayPath is bound by hand, under gophernotes' names; only its types are written.
const displayPath = "github.com/fastnb/go/cell/display"

func main() {
	out := flag.String("o", ".", "folder to write to")
	packages := flag.String("with", "", "patterns of packages to write bindings of, besides, parted by commas; no other file is written then")
	modules := flag.String("modules", "", "what to tell of them, parted by commas")
	flag.Parse()
	do := func() error { return run(*out) }
	if *packages != "" {
		do = func() error { return with(*out, strings.Split(*packages, ","), strings.Split(*modules, ",")) }
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	cfg := &packages.Config{Mode: packages.NeedName | packages.NeedFiles | packages.NeedTypes | packages.NeedImports | packages.NeedExportFile}
	all, err := packages.Load(cfg, append(list.Paths(), displayPath)...)
	if err != nil {
		return err
	}
	pkgs := slices.DeleteFunc(slices.Clone(all), func(p *packages.Package) bool { return p.PkgPath == displayPath })
	wanted := map[string]bool{}
	for _, p := range pkgs {
		for _, e := range p.Errors {
			return fmt.Errorf("%s: %w", p.PkgPath, e)
		}
		src, err := generate(p.Types)
		if err != nil {
			return fmt.Errorf("%s: %w", p.PkgPath, err)
		}
		name := fileName(p.PkgPath)
		wanted[name] = true
		if err := os.WriteFile(filepath.Join(out, name), src, 0o644); err != nil {
			return err
		}
	}
	old, err := filepath.Glob(filepath.Join(out, "gen_*.go"))
	if err != nil {
		return err
	}
	for _, f := range old {
		if !wanted[filepath.Base(f)] {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	if err := writeDocs(out, pkgs); err != nil {
		return err
	}
	if err := writeTypes(out, all); err != nil {
		return err
	}
	return clashes(pkgs)
}

func fileName(path string) string { return "gen_" + mangle(path) + ".go" }

func mangle(path string) string {
	return strings.NewReplacer("/", "_", ".", "_", "-", "_").Replace(path)
}

// clashes fails on a name that two packages put into cells unqualified.
func clashes(pkgs []*packages.Package) error {
	dotted := map[string]bool{}
	for _, p := range list.Dotted {
		dotted[p] = true
	}
	owner := map[string]string{}
	var bad []string
	for _, p := range pkgs {
		if !dotted[p.PkgPath] {
			continue
		}
		for _, n := range p.Types.Scope().Names() {
			o := p.Types.Scope().Lookup(n)
			if !o.Exported() || alias(o) {
				continue
			}
			if other, ok := owner[n]; ok {
				bad = append(bad, fmt.Sprintf("%s is exported by %s and by %s", n, other, p.PkgPath))
			}
			owner[n] = p.PkgPath
		}
	}
	if bad != nil {
		return fmt.Errorf("names that cells would see twice:\n  %s", strings.Join(bad, "\n  "))
	}
	return nil
}

// alias reports whether o is another name for something defined elsewhere: that may stand in two
// packages.
func alias(o types.Object) bool {
	t, ok := o.(*types.TypeName)
	return ok && t.IsAlias()
}

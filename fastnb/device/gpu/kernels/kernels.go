// Package kernels holds the sources of the GPU's kernels in one C dialect that both OpenCL C and CUDA C
// compile (prelude.h), and the table of the units they are compiled in.
package kernels

import (
	"embed"
	"strings"
)

//go:embed *.h
var files embed.FS

// Unit is a group of kernels that is compiled together.
type Unit struct {
	Name    string
	Files   []string // behind prelude.h, in order
	Defines []string // "T_F16", "BM=128"
	Arch    string   // the least that CUDA compiles it for: "compute_52", "compute_75", "compute_80", "compute_90"
	// CUDA: it uses instructions that only CUDA has; OpenCL does not get it.
	CUDA bool
}

// Source is the unit's text, its defines first.
func (u Unit) Source() string {
	var b strings.Builder
	for _, d := range u.Defines {
		b.WriteString("#define " + strings.Replace(d, "=", " ", 1) + "\n")
	}
	for _, f := range append([]string{"prelude.h"}, u.Files...) {
		text, err := files.ReadFile(f)
		if err != nil {
			panic("kernels: unit " + u.Name + ": " + err.Error())
		}
		b.Write(text)
	}
	return b.String()
}

// units are filled by the files of this package in init functions.
var units []Unit

func init() {
	units = append(units, Unit{Name: "convert", Files: []string{"convert.h"}, Arch: "compute_52"})
}

// Units are all units. The order does not change.
func Units() []Unit { return units }

// Find is the unit of a name.
func Find(name string) (Unit, bool) {
	for _, u := range units {
		if u.Name == name {
			return u, true
		}
	}
	return Unit{}, false
}

// each adds a unit for every kind of storage: name_f32, name_f16, name_bf16.
func each(name string, defines []string, sources ...string) {
	for _, t := range []struct{ suffix, define, arch string }{{"f32", "T_F32", "compute_52"}, {"f16", "T_F16", "compute_75"}, {"bf16", "T_BF16", "compute_75"}} {
		units = append(units, Unit{Name: name + "_" + t.suffix, Files: sources, Defines: append([]string{t.define}, defines...), Arch: t.arch})
	}
}

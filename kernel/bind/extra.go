package bind

import "strings"

// extra is what `fastnb kernel build --with` has put into a kernel besides. A file that it writes sets it.
type extra struct {
	modules []string          // path@version
	paths   []string          // packages
	types   string            // what go/types must know of them, an archive as gen_types_other.zip is one
	docs    map[string]string // as in gen_docs.json.gz
	sources map[string]string // the generic functions of packages, in Go
}

var extras extra

// Modules are the modules that were built into this kernel besides, as path@version; a package of the standard
// library is one by itself.
func Modules() []string { return extras.modules }

// Source is the Go source of a package's generic functions, which are instantiated where cells use them; "" if
// there is none.
func Source(path string) string { return extras.sources[path] }

// Missing says how a package gets into the kernel that is not compiled into it.
func Missing(path string) string {
	module := path
	if host, rest, ok := strings.Cut(path, "/"); ok && strings.Contains(host, ".") {
		parts := strings.Split(rest, "/")
		module = host + "/" + strings.Join(parts[:min(2, len(parts))], "/")
	}
	hint := "fastnb kernel build --with " + module + " makes a kernel that has it (this needs Go and, once, the network). "
	if near := nearest(path); near != "" {
		return "Did you mean " + near + "? Else " + hint + "%modules lists what is there."
	}
	return "In a terminal, " + hint + "%modules lists what is there."
}

// nearest is a package that is there and ends as path does, "" if none does.
func nearest(path string) string {
	last := path[strings.LastIndexByte(path, '/')+1:]
	for _, p := range Available() {
		if p != path && p[strings.LastIndexByte(p, '/')+1:] == last {
			return p
		}
	}
	return ""
}

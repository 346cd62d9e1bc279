package serve

import (
	"embed"
	"io/fs"
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

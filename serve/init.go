package serve

import (
	"bytes"
	"context"
	"debug/elf"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"github.com/fastnb/go/fastnb"
	"github.com/fastnb/go/internal/whole"
)

//go:embed starter
var starter embed.FS

// starterPages are the files of the page that people change; the others stay the program's until a folder has them.
var starterPages = []string{"index.html", "style.css", "client.js", "answer.js"}

// Starter is what Init writes.
type Starter struct {
	Dir     string
	Models  []Source
	Program string // this program's file, which goes along where it is one for a container
}

// Init writes a folder to start a web app from: page, models, program, Dockerfile and descriptors for hosts. It
// overwrites nothing. It gives what is still missing, in words, "" if nothing is.
func Init(ctx context.Context, st Starter) (missing string, err error) {
	fail := func(err error) (string, error) { return "", fmt.Errorf("fastnb: serve: starter: %w", err) }
	if err := os.MkdirAll(st.Dir, 0o777); err != nil {
		return fail(err)
	}
	files, lacks, err := st.files(ctx)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(st.Dir, f.name)); err == nil {
			return fail(fmt.Errorf("%s is there already (try another folder)", filepath.Join(st.Dir, f.name)))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fail(err)
		}
	}
	for _, f := range files {
		to := filepath.Join(st.Dir, f.name)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return fail(err)
		}
		if err := whole.WriteMode(to, f.mode, f.write); err != nil {
			return fail(err)
		}
	}
	return lacks, os.MkdirAll(filepath.Join(st.Dir, "models"), 0o777)
}

// starterFile is a file that Init writes.
type starterFile struct {
	name  string
	mode  fs.FileMode
	write func(io.Writer) error
}

func contentFile(name string, b []byte) starterFile {
	return starterFile{name, 0o666, func(w io.Writer) error { _, err := w.Write(b); return err }}
}

func copiedFile(name, from string, mode fs.FileMode) starterFile {
	return starterFile{name, mode, func(w io.Writer) error {
		in, err := os.Open(from)
		if err != nil {
			return err
		}
		defer func() { _ = in.Close() }() // only read
		_, err = io.Copy(w, in)
		return err
	}}
}

// files are what the starter is made of; nothing is written before all of it is there.
func (st Starter) files(ctx context.Context) (files []starterFile, missing string, err error) {
	about := struct {
		App    string
		Models []string
		Alone  bool // the program needs no library beside it
	}{App: appName(st.Dir)}
	linux, alone := linkage(st.Program)
	about.Alone = alone
	for i := range st.Models {
		src := &st.Models[i]
		if err := src.fetch(ctx); err != nil {
			return nil, "", err
		}
		m, err := fastnb.LoadModel(src.Path) // what cannot be served must not be found out on the host
		if err != nil {
			return nil, "", err
		}
		m.Close()
		about.Models = append(about.Models, src.Name)
		files = append(files, copiedFile("models/"+src.Name+".fastnb", src.Path.String(), 0o666))
	}
	if len(about.Models) == 0 {
		about.Models = []string{"export"}
		missing = "a model: put what learn.Export writes into models/export.fastnb"
	}
	for _, name := range starterPages {
		b, err := fs.ReadFile(builtin(), name)
		if err != nil {
			return nil, "", err
		}
		files = append(files, contentFile("page/"+name, b))
	}
	all, err := template.ParseFS(starter, "starter/*")
	if err != nil {
		return nil, "", err
	}
	for _, t := range all.Templates() {
		var b bytes.Buffer
		if err := t.Execute(&b, about); err != nil {
			return nil, "", err
		}
		name := t.Name()
		if name == "dockerignore" {
			name = ".dockerignore"
		}
		files = append(files, contentFile(name, b.Bytes()))
	}
	if linux {
		files = append(files, copiedFile("fastnb", st.Program, 0o777))
	} else {
		missing = strings.TrimPrefix(missing+"; the program: put fastnb for Linux, as make build writes it there, into fastnb", "; ")
	}
	return files, missing, nil
}

// linkage reports whether a file is a program for Linux, and whether it needs no library beside it, as an image
// from nothing asks for.
func linkage(program string) (linux, alone bool) {
	f, err := elf.Open(program)
	if err != nil {
		return false, false
	}
	defer func() { _ = f.Close() }() // only read
	alone = true
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			alone = false
		}
	}
	return f.Type == elf.ET_EXEC || f.Type == elf.ET_DYN, alone
}

var notInApp = regexp.MustCompile(`[^a-z0-9]+`)

// appName is a folder's name as hosts want the name of an app.
func appName(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	name := strings.Trim(notInApp.ReplaceAllString(strings.ToLower(filepath.Base(dir)), "-"), "-")
	if name == "" || name[0] < 'a' {
		return "app-" + name
	}
	return name
}

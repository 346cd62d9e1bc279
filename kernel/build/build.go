// Package build makes a kernel with more packages in it: the interpreter cannot load Go at run time, so a
// program is built from fastnb's source with bindings of what is wanted beside its own. It drives the Go tool
// and changes no file of the source: what it writes comes in through -modfile and -overlay.
package build

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is fastnb's path.
const module = "github.com/fastnb/go"

// Options of a build.
type Options struct {
	With   []string  // MODULE[@VERSION], a package of one, a package of the standard library, or a folder with a go.mod
	Out    string    // the program; "" stands for fastnb-NAME in the current folder
	Name   string    // of the kernel
	Source string    // fastnb's source; "" looks for it around the running program and the current folder
	Log    io.Writer // takes what is done, and what the Go tool says
}

// Build builds the program and gives its name.
func Build(ctx context.Context, o Options) (program string, err error) {
	if len(o.With) == 0 {
		return "", errors.New("nothing to build in (try --with github.com/samber/lo)")
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("the Go tool is not on the PATH: it is needed to build, not to run (get it at https://go.dev/dl)")
	}
	source, err := findSource(o.Source)
	if err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp("", "fastnb-build-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // what stays is in the temporary folder
	b := &builder{ctx: ctx, source: source, tmp: tmp, log: o.Log}
	for from, to := range map[string]string{"go.mod": "go.mod", "go.sum": "go.sum"} {
		text, err := os.ReadFile(filepath.Join(source, from))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(tmp, to), text, 0o644); err != nil {
			return "", err
		}
	}
	var patterns, told []string
	for _, w := range o.With {
		p, t, err := b.add(w)
		if err != nil {
			return "", fmt.Errorf("%s: %w", w, err)
		}
		patterns, told = append(patterns, p...), append(told, t)
	}
	if program = o.Out; program == "" {
		program = "fastnb-" + o.Name
	}
	if program, err = filepath.Abs(program); err != nil {
		return "", err
	}
	return program, b.build(program, patterns, told)
}

// findSource is the folder of fastnb's source.
func findSource(given string) (string, error) {
	if given != "" {
		dir, err := filepath.Abs(given)
		if err == nil && moduleOf(dir) != module {
			err = fmt.Errorf("--source %s: no source of %s", given, module)
		}
		return dir, err
	}
	var starts []string
	if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		starts = append(starts, filepath.Dir(self))
	}
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	for _, dir := range starts {
		for {
			if moduleOf(dir) == module {
				return dir, nil
			}
			up := filepath.Dir(dir)
			if up == dir {
				break
			}
			dir = up
		}
	}
	return "", errors.New("fastnb's source is not found around this program or the current folder (try --source DIR with a clone of it)")
}

var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)

// moduleOf is the path of the module in a folder, "" if there is none.
func moduleOf(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return ""
	}
	if m := moduleLine.FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return ""
}

type builder struct {
	ctx         context.Context
	source, tmp string
	log         io.Writer
}

// command runs the Go tool in fastnb's source, with the go.mod of this build.
func (b *builder) command(args ...string) (string, error) {
	c := exec.CommandContext(b.ctx, "go", args...)
	c.Dir = b.source
	// What the user has set for other work would be in the way.
	c.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOFLAGS=-trimpath -mod=mod -modfile="+filepath.Join(b.tmp, "go.mod"))
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, io.MultiWriter(&said, b.log)
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, lastLine(said.String()))
	}
	return out.String(), nil
}

// lastLine is the line that tells most of what the Go tool said.
func lastLine(s string) string {
	last := ""
	for sc := bufio.NewScanner(strings.NewReader(s)); sc.Scan(); {
		if line := strings.TrimSpace(sc.Text()); line != "" && !strings.HasPrefix(line, "go: downloading") && !strings.HasPrefix(line, "exit status ") {
			last = line
		}
	}
	return last
}

// add makes what one --with names known to the build's go.mod, and gives the patterns of its packages, and
// what %modules tells.
func (b *builder) add(with string) (patterns []string, told string, err error) {
	path, version, _ := strings.Cut(with, "@")
	if isFolder(path) {
		dir, err := filepath.Abs(path)
		if err != nil {
			return nil, "", err
		}
		name := moduleOf(dir)
		if name == "" {
			return nil, "", fmt.Errorf("no go.mod in %s (try `go mod init` there)", dir)
		}
		if _, err := b.command("mod", "edit", "-require="+name+"@v0.0.0-00010101000000-000000000000", "-replace="+name+"="+dir, filepath.Join(b.tmp, "go.mod")); err != nil {
			return nil, "", err
		}
		return []string{name + "/..."}, name + "@" + dir, nil
	}
	if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") { // of the standard library
		return []string{path}, path, nil
	}
	if version == "" {
		version = "latest"
	}
	if _, err := b.command("get", path+"@"+version); err != nil {
		return nil, "", err
	}
	if v, err := b.command("list", "-m", "-f", "{{.Version}}", path); err == nil {
		return []string{path + "/..."}, path + "@" + strings.TrimSpace(v), nil
	}
	v, err := b.command("list", "-f", "{{.Module.Path}}@{{.Module.Version}}", path)
	return []string{path}, strings.TrimSpace(v), err
}

// isFolder reports whether a --with is a folder and no module's path.
func isFolder(path string) bool {
	if strings.HasPrefix(path, ".") || filepath.IsAbs(path) {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// build writes the bindings and builds the program, under a temporary name first.
func (b *builder) build(program string, patterns, told []string) error {
	files := filepath.Join(b.tmp, "bind")
	if err := os.Mkdir(files, 0o755); err != nil {
		return err
	}
	slices.Sort(told)
	_, _ = fmt.Fprintf(b.log, "writing bindings of %s\n", strings.Join(told, ", "))
	if _, err := b.command("run", "./internal/gen", "-o", files, "-with", strings.Join(patterns, ","), "-modules", strings.Join(told, ",")); err != nil {
		return err
	}
	replace := map[string]string{}
	list, err := os.ReadDir(files)
	if err != nil {
		return err
	}
	for _, f := range list {
		replace[filepath.Join(b.source, "kernel", "bind", f.Name())] = filepath.Join(files, f.Name())
	}
	js, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	overlay := filepath.Join(b.tmp, "overlay.json")
	if err := os.WriteFile(overlay, js, 0o644); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(b.log, "building %s (some minutes the first time)\n", program)
	tmp := program + ".tmp"
	defer os.Remove(tmp) //nolint:errcheck // gone if all went well
	if _, err := b.command("build", "-overlay", overlay, "-ldflags", "-s -w", "-o", tmp, "./cmd/fastnb"); err != nil {
		return err
	}
	return os.Rename(tmp, program)
}

package kernel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/fastnb/go/plotting"
)

// Name is the kernel's name among Jupyter's kernelspecs.
const Name = "fastnb"

// InstallOptions say where the kernelspec goes: by default to the user's Jupyter folder.
type InstallOptions struct {
	User      bool
	Prefix    string // below DIR/share/jupyter
	SysPrefix bool   // below the prefix of the Python environment in use
	Name      string // among Jupyter's kernelspecs; "" stands for the constant Name
}

func (o InstallOptions) name() string {
	if o.Name == "" {
		return Name
	}
	return o.Name
}

// kernelName is what Jupyter takes for the name of a kernelspec.
var kernelName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Install writes the kernelspec, which names this program, and gives its folder. It is made under a
// temporary name and renamed.
func Install(o InstallOptions) (dir string, err error) {
	if !kernelName.MatchString(o.name()) {
		return "", fmt.Errorf("fastnb: installing the kernel: name %q: letters, digits, dots, hyphens and underscores only", o.Name)
	}
	base, err := kernelsDir(o)
	if err != nil {
		return "", fmt.Errorf("fastnb: installing the kernel: %w", err)
	}
	if err := writeSpec(base, o.name()); err != nil {
		return "", fmt.Errorf("fastnb: installing the kernel: %w", err)
	}
	return filepath.Join(base, o.name()), nil
}

func kernelsDir(o InstallOptions) (string, error) {
	switch {
	case o.Prefix != "":
		p, err := filepath.Abs(o.Prefix)
		return filepath.Join(p, "share", "jupyter", "kernels"), err
	case o.SysPrefix:
		for _, v := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
			if p := os.Getenv(v); p != "" {
				return filepath.Join(p, "share", "jupyter", "kernels"), nil
			}
		}
		out, err := exec.Command("python3", "-c", "import sys; print(sys.prefix)").Output()
		if err != nil {
			return "", fmt.Errorf("asking Python for its prefix: %w (try --prefix DIR)", err)
		}
		return filepath.Join(strings.TrimSpace(string(out)), "share", "jupyter", "kernels"), nil
	}
	if d := os.Getenv("JUPYTER_DATA_DIR"); d != "" {
		return filepath.Join(d, "kernels"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(home, "Library", "Jupyter", "kernels"), nil
	case "windows":
		if d := os.Getenv("APPDATA"); d != "" {
			return filepath.Join(d, "jupyter", "kernels"), nil
		}
	}
	return filepath.Join(home, ".local", "share", "jupyter", "kernels"), nil
}

func writeSpec(base, name string) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(base, 0o777); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(base, "."+name+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	files, err := specFiles(self, name)
	if err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(tmp, name), b, 0o644); err != nil {
			return err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	dir := filepath.Join(base, name)
	old := dir + ".old"
	_ = os.RemoveAll(old)
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		_ = os.Rename(old, dir)
		return err
	}
	return os.RemoveAll(old)
}

// SpecFiles are the files of a kernelspec that starts the named program: kernel.json, logos, and the chart
// script, which Jupyter's server hands to pages from there.
func SpecFiles(program string) (map[string][]byte, error) { return specFiles(program, Name) }

func specFiles(program, name string) (map[string][]byte, error) {
	spec, err := json.MarshalIndent(map[string]any{
		"argv": []string{program, "kernel", "run", "{connection_file}"}, "display_name": "Go (" + name + ")", "language": "go",
		"interrupt_mode": "message", "metadata": map[string]any{"debugger": false},
	}, "", " ")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"kernel.json": append(spec, '\n')}
	for _, n := range []int{32, 64} {
		if files[fmt.Sprintf("logo-%dx%d.png", n, n)], err = logo(n); err != nil {
			return nil, err
		}
	}
	if src := plotting.Script(); src != nil {
		files[plotting.ScriptFile] = src
	}
	return files, nil
}

// logo draws a small net of three layers on Go's blue.
func logo(n int) ([]byte, error) { //nolint:gocognit // a drawing, point by point
	img := image.NewRGBA(image.Rect(0, 0, n, n))
	f := float64(n)
	layers := [][]float64{{.3, .7}, {.2, .5, .8}, {.5}}
	at := func(x, y float64) color.RGBA {
		dx, dy := max(.12-x, x-.88, 0), max(.12-y, y-.88, 0)
		if dx*dx+dy*dy > .12*.12 {
			return color.RGBA{}
		}
		c := color.RGBA{0, 0x7d, 0x9c, 255}
		for i, l := range layers {
			lx := .2 + .3*float64(i)
			for _, ly := range l {
				if i+1 < len(layers) {
					for _, ny := range layers[i+1] {
						if t := (x - lx) / .3; t >= 0 && t <= 1 && max(ly+(ny-ly)*t-y, y-ly-(ny-ly)*t) < .018 {
							c = color.RGBA{0x9f, 0xd9, 0xe8, 255}
						}
					}
				}
			}
		}
		for i, l := range layers {
			for _, ly := range l {
				if x, y := x-.2-.3*float64(i), y-ly; x*x+y*y < .085*.085 {
					c = color.RGBA{255, 255, 255, 255}
				}
			}
		}
		return c
	}
	for y := range n {
		for x := range n {
			img.SetRGBA(x, y, at((float64(x)+.5)/f, (float64(y)+.5)/f))
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, img)
	return b.Bytes(), err
}

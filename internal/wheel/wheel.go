// Package wheel packs the program and its kernelspec as a Python wheel, so that pip, which is where Jupyter is,
// can install the kernel. The only Python in it is a translator that papermill loads. (Binary distribution format: PEP 427, platform tags:
// PEP 425, 600 and 656)
package wheel

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed fastnb_papermill.py
var papermill string

// entryPoints has papermill load the translator.
const entryPoints = "[papermill.engine]\nfastnb = fastnb_papermill:Engine\n"

// Platforms are those that wheels are made for, by GOOS/GOARCH, with their tags. The program is static, so
// that it runs with every C library of Linux; Go 1.26 wants macOS 12.
var Platforms = map[string]string{
	"linux/amd64":   "manylinux_2_17_x86_64.manylinux2014_x86_64",
	"linux/arm64":   "manylinux_2_17_aarch64.manylinux2014_aarch64",
	"darwin/amd64":  "macosx_12_0_x86_64",
	"darwin/arm64":  "macosx_12_0_arm64",
	"windows/amd64": "win_amd64",
}

// Program is where a kernelspec that pip installed finds the program: the spec lies in
// PREFIX/share/jupyter/kernels/fastnb, the program in PREFIX/bin. Jupyter puts in the spec's folder.
func Program(platform string) string {
	if strings.HasPrefix(platform, "windows/") {
		return "{resource_dir}/../../../../Scripts/fastnb.exe"
	}
	return "{resource_dir}/../../../../bin/fastnb"
}

// entry is a file of the wheel; content is read when it is written.
type entry struct {
	name string
	exec bool
	from func() (io.ReadCloser, error)
}

// Write makes DIR/fastnb-VERSION-py3-none-TAGS.whl of a program built for platform and the files of its
// kernelspec, and gives its name. The file appears whole or not at all.
func Write(dir, version, platform, program string, spec map[string][]byte) (name string, err error) {
	tags, ok := Platforms[platform]
	if !ok {
		return "", fmt.Errorf("fastnb: wheel: %s is none of the platforms %s", platform, strings.Join(slices.Sorted(maps.Keys(Platforms)), ", "))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", fmt.Errorf("fastnb: wheel: %w", err)
	}
	f, err := os.CreateTemp(dir, ".wheel-*")
	if err != nil {
		return "", fmt.Errorf("fastnb: wheel: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one to tell
			err = fmt.Errorf("fastnb: wheel: %s: %w", platform, err)
		}
	}()
	err = pack(f, version, entries(version, platform, tags, program, spec))
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return "", err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return "", err
	}
	name = filepath.Join(dir, fmt.Sprintf("fastnb-%s-py3-none-%s.whl", version, tags))
	return name, os.Rename(f.Name(), name)
}

func entries(version, platform, tags, program string, spec map[string][]byte) []entry {
	data, info := "fastnb-"+version+".data/", "fastnb-"+version+".dist-info/"
	text := func(name, s string) entry {
		return entry{name: name, from: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }}
	}
	exe := "fastnb"
	if strings.HasPrefix(platform, "windows/") {
		exe = "fastnb.exe"
	}
	list := []entry{{data + "scripts/" + exe, true, func() (io.ReadCloser, error) { return os.Open(program) }}}
	for _, n := range slices.Sorted(maps.Keys(spec)) {
		list = append(list, text(data+"data/share/jupyter/kernels/fastnb/"+n, string(spec[n])))
	}
	var wheel strings.Builder
	wheel.WriteString("Wheel-Version: 1.0\nGenerator: fastnb\nRoot-Is-Purelib: false\n")
	for _, t := range strings.Split(tags, ".") {
		wheel.WriteString("Tag: py3-none-" + t + "\n")
	}
	return append(list, text(info+"METADATA", strings.Join([]string{
		"Metadata-Version: 2.1", "Name: fastnb", "Version: " + version,
		"Summary: A Jupyter kernel for Go with deep learning in fastai's vocabulary", "License: MIT", "Requires-Python: >=3.8",
		"Keywords: jupyter, kernel, go, deep learning", "",
		"The program and its kernelspec. After installing, choose \"Go (fastnb)\" in JupyterLab.", "",
	}, "\n")), text(info+"WHEEL", wheel.String()), text(info+"entry_points.txt", entryPoints), text("fastnb_papermill.py", papermill))
}

// pack writes the archive, RECORD last, as the format asks.
func pack(w io.Writer, version string, list []entry) error {
	z := zip.NewWriter(w)
	var record bytes.Buffer
	add := func(e entry) (err error) {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)} // the same program gives the same wheel
		h.SetMode(0o644)
		if e.exec {
			h.SetMode(0o755)
		}
		out, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		in, err := e.from()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, in.Close()) }()
		sum := sha256.New()
		n, err := io.Copy(io.MultiWriter(out, sum), in)
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", e.name, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)), n)
		return err
	}
	for _, e := range list {
		if err := add(e); err != nil {
			return err
		}
	}
	name := "fastnb-" + version + ".dist-info/RECORD"
	all := record.String() + name + ",,\n"
	if err := add(entry{name: name, from: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(all)), nil }}); err != nil {
		return err
	}
	return z.Close()
}
